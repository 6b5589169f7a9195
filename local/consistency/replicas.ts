/**
 * Answers of describing calls come from two copies. One is fresh; the other hears of a change some seconds later, so
 * that a call after a change may see what was before it, may not find what was just made, and the next call may flip
 * back. What an answer shows was true no longer ago than the lag. The region itself, and AWS's services among each
 * other, see the truth.
 */
import type { Clock } from '../clock.ts';
import type { Lag } from '../lag.ts';
import { AwsError, type Principal, type Service } from '../service.ts';
import { type Listed, type Resource, resources } from './resources.ts';

type Members = Readonly<Record<string, unknown>>;

/** What is remembered of one thing, so that its past can be shown. */
interface Past {
  /** When a call made it; undefined for what was there before anybody looked. */
  bornAt: number | undefined;
  /** What it is as last looked at; undefined: it is gone. */
  latest: unknown;
  latestText: string | undefined;
  /** What it was before that, and until when at least. */
  before: { readonly item: unknown; readonly trueUntil: number } | undefined;
  lookedAt: number;
  /** How late the second copy hears of the newest change. */
  lagMs: number;
}

/** Most changes arrive within this part of the longest lag. */
const usualPart = 0.2;
const usualShare = 0.75;

export class Replicas {
  readonly #clock: Clock;
  readonly #lag: Lag;
  readonly #pasts = new Map<string, Past>();

  constructor(clock: Clock, lag: Lag) {
    this.#clock = clock;
    this.#lag = lag;
  }

  /** Performs a call, and shows of its answer what the copy knows that it happened to reach. */
  async around(
    service: Service,
    operation: string,
    input: Members,
    principal: Principal,
    perform: () => Promise<unknown>,
  ): Promise<unknown> {
    if (this.#lag.bounds.describeMs === 0) return perform();
    const described = resources.find((one) => one.service === service.id && one.describe === operation);
    if (described !== undefined) {
      const stranger = principal.kind === 'user' || principal.kind === 'role';
      return stranger ? this.#show(described, input, perform) : perform();
    }
    if (/^(Describe|Get|List|Head)/.test(operation)) return perform();
    const touched = resources.filter((one) => one.service === service.id);
    for (const resource of touched) {
      for (const id of resource.ids(input)) await this.#look(service, resource, id);
    }
    const output = await perform();
    if (/^(Create|Register|Run|Start)/.test(operation)) this.#born(operation, input, output);
    return output;
  }

  async #show(resource: Resource, input: Members, perform: () => Promise<unknown>): Promise<unknown> {
    const asked = [input[resource.asks] ?? []].flat().map(String);
    let output: Members = {};
    let refusal: unknown;
    try {
      output = (await perform()) as Members;
    } catch (error) {
      if (!(error instanceof AwsError) || error.code !== resource.unknown?.code) throw error;
      refusal = error;
    }
    const found = resource.list(output, input);
    for (const { id, item } of found) this.#note(resource, id, item);
    const missing = asked.filter((id) => !found.some((one) => one.id === id));
    for (const id of missing) if (this.#pasts.has(keyOf(resource, id))) this.#note(resource, id, undefined);
    // Half of all calls reach the copy that is fresh.
    if (this.#lag.pick(2) === 0) return settled(refusal, output);
    // Whether something fitted a filter then is not known: filtered lists only lack what is new.
    const filtered = input.Filters !== undefined;
    const shown: Listed[] = [];
    for (const one of found) {
      const seen = this.#seen(resource, one.id);
      if (seen === 'fresh') shown.push(one);
      else if (seen !== 'unknown') shown.push(filtered ? one : { id: one.id, item: seen.item });
      else if (asked.includes(one.id) && resource.unknown !== undefined)
        throw new AwsError(resource.unknown.code, resource.unknown.message(one.id));
    }
    if (refusal !== undefined && asked.length !== 1) throw refusal;
    for (const id of missing) {
      const seen = this.#seen(resource, id);
      if (typeof seen === 'object') shown.push({ id, item: seen.item });
      else if (refusal !== undefined) throw refusal;
    }
    return resource.relist(output, shown);
  }

  /** What the late copy knows of a thing. */
  #seen(resource: Resource, id: string): 'fresh' | 'unknown' | { readonly item: unknown } {
    const past = this.#pasts.get(keyOf(resource, id));
    if (past === undefined) return 'fresh';
    const then = this.#clock.now() - past.lagMs;
    if (past.bornAt !== undefined && past.bornAt > then) return 'unknown';
    if (past.before !== undefined && past.before.trueUntil >= then) return { item: past.before.item };
    return 'fresh';
  }

  /** Remembers what a thing is now. */
  #note(resource: Resource, id: string, item: unknown): void {
    const now = this.#clock.now();
    const key = keyOf(resource, id);
    const text = item === undefined ? undefined : JSON.stringify(item);
    const past = this.#pasts.get(key);
    if (past === undefined) {
      this.#pasts.set(key, {
        bornAt: undefined,
        latest: structuredClone(item),
        latestText: text,
        before: undefined,
        lookedAt: now,
        lagMs: this.#drawLag(),
      });
      return;
    }
    if (text !== past.latestText) {
      if (past.latestText !== undefined) {
        past.before = { item: past.latest, trueUntil: past.lookedAt };
        past.lagMs = this.#drawLag();
      }
      past.latest = structuredClone(item);
      past.latestText = text;
    }
    past.lookedAt = now;
  }

  /** Looks at a thing that a call is about to change. */
  async #look(service: Service, resource: Resource, id: string): Promise<void> {
    const describe = service.operations[resource.describe];
    if (describe === undefined) return;
    const input: Members = { [resource.asks]: resource.asks.endsWith('s') ? [id] : id };
    const call = {
      principal: { kind: 'root', arn: 'region', userId: 'region', policies: [] },
      requestId: 'replica',
      sourceIp: '127.0.0.1',
      userAgent: 'region',
      authorize: () => undefined,
    } as const;
    try {
      const output = (await describe.run(input as never, call)) as Members;
      for (const one of resource.list(output, input)) if (one.id === id) this.#note(resource, id, one.item);
    } catch (error) {
      // What is not there has no past that could be shown.
      if (!(error instanceof AwsError)) throw error;
    }
  }

  #born(operation: string, input: Members, output: unknown): void {
    for (const resource of resources) {
      // Health begins with the group, and grows with it.
      if (resource.describe === 'DescribeTargetHealth') continue;
      const made = [...resource.ids((output ?? {}) as Members)];
      if (operation === 'CreateAutoScalingGroup') made.push(...resource.ids(input));
      for (const id of made) {
        const key = keyOf(resource, id);
        // A call that is repeated gives what its first attempt made, or names what was there.
        if (
          this.#pasts.has(key) ||
          resource.ids(input).includes(id) !== (operation === 'CreateAutoScalingGroup')
        )
          continue;
        const now = this.#clock.now();
        this.#pasts.set(key, {
          bornAt: now,
          latest: undefined,
          latestText: undefined,
          before: undefined,
          lookedAt: now,
          lagMs: this.#drawBirthLag(resource),
        });
      }
    }
  }

  #drawLag(): number {
    const drawn = this.#lag.draw('describeMs');
    return this.#lag.chance(usualShare) ? drawn * usualPart : drawn;
  }

  /** A new snapshot may be unknown for up to a minute: https://github.com/awslabs/coldsnap/issues/43 */
  #drawBirthLag(resource: Resource): number {
    const rare = resource.describe === 'DescribeSnapshots' && this.#lag.chance(0.1);
    return rare ? this.#lag.draw('newSnapshotMs') : this.#drawLag();
  }
}

function keyOf(resource: Resource, id: string): string {
  return `${resource.describe} ${id}`;
}

function settled(refusal: unknown, output: Members): Members {
  if (refusal !== undefined) throw refusal;
  return output;
}
