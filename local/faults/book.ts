/** The faults that wait for something to strike. */
import { matches } from '../iam/patterns.ts';
import type { StandingFault } from './fault.ts';

export interface Standing {
  readonly id: string;
  readonly fault: StandingFault;
  /** Matches still let pass before the first is struck. */
  passing: number;
  /** How many are still to be struck. */
  left: number;
  struck: number;
}

type Kind = StandingFault['kind'];
type Of<K extends Kind> = Extract<StandingFault, { kind: K }>;

/** Keeps the faults in the order in which they were made; the first that is due strikes. */
export class FaultBook {
  readonly #standing = new Map<string, Standing>();
  /** Taken back by whoever took it out of the book. */
  readonly #undo = new Map<string, () => void>();
  #made = 0;

  /** Nothing waits: what asks at every call can go on at once. */
  get empty(): boolean {
    return this.#standing.size === 0;
  }

  add(fault: StandingFault, undo?: () => void): Standing {
    this.#made += 1;
    const standing: Standing = {
      id: `fault-${this.#made}`,
      fault,
      passing: 'nth' in fault ? fault.nth - 1 : 0,
      left: 'times' in fault ? fault.times : 1,
      struck: 0,
    };
    this.#standing.set(standing.id, standing);
    if (undo !== undefined) this.#undo.set(standing.id, undo);
    return standing;
  }

  /** @returns whether there was such a fault. */
  remove(id: string): boolean {
    this.#undo.get(id)?.();
    this.#undo.delete(id);
    return this.#standing.delete(id);
  }

  list(): readonly Standing[] {
    return [...this.#standing.values()];
  }

  /**
   * The first fault of these kinds that matches and is due; counted, and gone once it has struck often enough.
   * Each one that matches counts what it sees, due or not.
   */
  strike<K extends Kind>(kinds: readonly K[], hits: (fault: Of<K>) => boolean): Of<K> | undefined {
    let due: Of<K> | undefined;
    for (const standing of this.#standing.values()) {
      const fault = standing.fault as Of<K>;
      if (!kinds.includes(fault.kind as K) || !hits(fault)) continue;
      if (standing.passing > 0) {
        standing.passing -= 1;
        continue;
      }
      if (due !== undefined) continue;
      due = fault;
      standing.struck += 1;
      standing.left -= 1;
      if (standing.left === 0) this.remove(standing.id);
    }
    return due;
  }

  /** The fault struck elsewhere: it is over. */
  spent(id: string): void {
    this.#undo.delete(id);
    this.#standing.delete(id);
  }
}

/** Whether `register-image`, `flotilla-register-image`, a service's name or an ARN means this caller. */
export function means(by: string | undefined, arn: string): boolean {
  if (by === undefined || by === arn) return true;
  const name = arn.slice(arn.lastIndexOf('/') + 1);
  return name === by || name.endsWith(`-${by}`);
}

export function covers(pattern: string | undefined, action: string): boolean {
  return pattern === undefined || matches(pattern, action, true);
}
