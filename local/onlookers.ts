/** Those who look at each state that the region was in: tests that say what must never be, not even for a moment. */

/** The call after which they look. */
export interface CallDone {
  /** The caller's ARN. */
  readonly who: string;
  /** For example `elasticloadbalancing:ModifyRule`. */
  readonly action: string;
  /** Trace of the request; says on behalf of which execution it was made (local/trace.ts). */
  readonly trace: string | undefined;
  /** When it reached the region, in milliseconds by its clock: a call that is late was begun before. */
  readonly begunAt: number;
}

/** @param call undefined where time alone has passed */
export type Onlooker = (call: CallDone | undefined) => void;

export class Onlookers {
  readonly #all = new Set<Onlooker>();

  /** Nobody looks: what asks at every call can go on at once. */
  get none(): boolean {
    return this.#all.size === 0;
  }

  /** @returns ends it */
  add(onlooker: Onlooker): () => void {
    this.#all.add(onlooker);
    return () => this.#all.delete(onlooker);
  }

  tell(call: CallDone | undefined): void {
    for (const onlooker of this.#all) onlooker(call);
  }
}
