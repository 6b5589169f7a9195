/** What the region offers for going wrong on purpose: to tests, to its API below `/_region/faults`, to the command. */
import type { Context, Hooks } from '../context.ts';
import { AwsError } from '../service.ts';
import type { Ebs } from '../services/ebs/ebs.ts';
import type { Shortage } from '../services/ec2/capacity.ts';
import type { Ec2 } from '../services/ec2/ec2.ts';
import type { Events } from '../services/events/events.ts';
import type { Lambda } from '../services/lambda/lambda.ts';
import type { StepFunctions } from '../services/states/states.ts';
import { FaultBook, means, type Standing } from './book.ts';
import { CallFaults } from './calls.ts';
import { type Deed, type FaultInput, isStanding, parseFault, type StandingFault } from './fault.ts';

/** The services that can be made to fail in ways of their own. */
export interface Breakable {
  readonly ebs: Ebs;
  readonly ec2: Ec2;
  readonly events: Events;
  readonly lambda: Lambda;
  readonly states: StepFunctions;
}

/** What came of it. */
export interface Injected {
  /** By which a standing fault can be taken back; none for what is done at once. */
  readonly id?: string;
  /** What was done or is waiting, in words. */
  readonly words: string;
}

export class Faults {
  readonly #book = new FaultBook();
  readonly #context: Context;
  #parts: Breakable | undefined;
  readonly calls: CallFaults;

  constructor(context: Context) {
    this.#context = context;
    this.calls = new CallFaults(this.#book, context.clock);
  }

  /** Once the services stand: what they offer is used from then on. */
  attach(parts: Breakable): void {
    this.#parts = parts;
    parts.events.faults.watch((event) => this.#fateOf(String(event.source), String(event['detail-type'])));
  }

  /**
   * Does it at once, or lets it wait for what it strikes.
   * @throws z.ZodError for what is not understood; AwsError where the instance, function or execution is not there
   */
  inject(said: FaultInput): Injected {
    const fault = parseFault(said);
    return isStanding(fault) ? this.#stand(fault) : { words: this.#do(fault) };
  }

  list(): readonly Standing[] {
    return this.#book.list();
  }

  /** Takes a standing fault back. @returns whether it still stood. */
  remove(id: string): boolean {
    return this.#book.remove(id);
  }

  /** Takes all standing faults back. Zones that were lost stay lost. */
  clear(): void {
    for (const { id } of this.#book.list()) this.#book.remove(id);
  }

  /** S3's notifications on their way to a function, which S3 may lose or send twice, as its pages warn. */
  aroundNotifications(invokeAsync: Hooks['invokeAsync']): Hooks['invokeAsync'] {
    return (functionArn, payload, service, sourceArn) => {
      const fate = service === 's3.amazonaws.com' ? this.#fateOf('aws.s3', eventNameIn(payload)) : undefined;
      if (fate === 'drop') return;
      invokeAsync(functionArn, payload, service, sourceArn);
      if (fate === 'double') invokeAsync(functionArn, payload, service, sourceArn);
    };
  }

  #fateOf(source: string, detailType: string): 'drop' | 'double' | undefined {
    if (this.#book.empty) return undefined;
    const struck = this.#book.strike(
      ['drop-event', 'double-event'],
      (one) =>
        (one.source === undefined || one.source === source) &&
        (one.detailType === undefined || one.detailType === detailType),
    );
    if (struck === undefined) return undefined;
    return struck.kind === 'drop-event' ? 'drop' : 'double';
  }

  #stand(fault: StandingFault): Injected {
    if (fault.kind !== 'crash') return { id: this.#book.add(fault).id, words: wordsOf(fault) };
    const { nth, when, action } = fault;
    const undo = this.#services.lambda.faults.crashAt(
      { functionName: fault.function, when, nth, action },
      () => this.#book.spent(standing.id),
    );
    const standing = this.#book.add(fault, undo);
    return { id: standing.id, words: wordsOf(fault) };
  }

  #do(what: Deed): string {
    const { ec2, lambda, states } = this.#services;
    switch (what.kind) {
      case 'kill-instance':
        ec2.outages.kill(what.instance);
        return `${what.instance} is dead.`;
      case 'impair-instance':
        ec2.outages.impair(what.instance);
        return `The status checks of ${what.instance} fail.`;
      case 'recover-instance':
        ec2.outages.recover(what.instance);
        return `The status checks of ${what.instance} pass again.`;
      case 'interrupt-spot':
        ec2.outages.interruptSpot(what.instance);
        return `${what.instance} has its notice, and ends in two minutes.`;
      case 'recommend-rebalance':
        ec2.outages.recommendRebalance(what.instance);
        return `${what.instance} is said to be at risk.`;
      case 'withhold-capacity':
        return this.#withhold(what);
      case 'release-capacity':
        ec2.outages.release(poolOf(what));
        return `There is capacity for ${poolWords(what)} again.`;
      case 'lose-zone':
        ec2.outages.loseZone(what.zone);
        if (what.seconds !== undefined)
          this.#context.clock.after(what.seconds * 1000, () => ec2.outages.restoreZone(what.zone));
        return `${what.zone} is lost${what.seconds === undefined ? '' : ` for ${what.seconds} s`}.`;
      case 'restore-zone':
        ec2.outages.restoreZone(what.zone);
        return `${what.zone} is back.`;
      case 'corrupt-block':
        return this.#corrupt(what);
      case 'kill-function': {
        const names = lambda.names().filter((name) => means(what.function, name));
        const hit = names.reduce((sum, name) => sum + lambda.faults.crash(name), 0);
        return `${hit} running environments of ${what.function} are dead.`;
      }
      case 'stop-execution':
        states.stop(what.execution, 'Region.Fault', 'Stopped by a fault that was asked for.');
        return `${what.execution} is stopped.`;
    }
  }

  #corrupt({ snapshot, offset }: Extract<Deed, { kind: 'corrupt-block' }>): string {
    const { snapshots } = this.#services.ebs;
    const found = snapshots.all.get(snapshot);
    if (found === undefined) throw new AwsError('InvalidSnapshot.NotFound', `There is no ${snapshot}.`, 404);
    if (offset >= snapshots.disk(found).sizeBytes)
      throw new AwsError('InvalidParameterValue', `${snapshot} ends before ${offset}.`, 400);
    void this.#context.clock.hold(snapshots.flipByte(snapshot, offset));
    return `Byte ${offset} of ${snapshot} is another one.`;
  }

  #withhold(what: Extract<Deed, { kind: 'withhold-capacity' }>): string {
    const { outages } = this.#services.ec2;
    outages.withhold(poolOf(what));
    if (what.seconds !== undefined)
      this.#context.clock.after(what.seconds * 1000, () => outages.release(poolOf(what)));
    const long = what.seconds === undefined ? '' : ` for ${what.seconds} s`;
    return `There is no capacity for ${poolWords(what)}${long}.`;
  }

  get #services(): Breakable {
    if (this.#parts === undefined) throw new Error('The region is not up yet');
    return this.#parts;
  }
}

type Pool = Pick<Extract<Deed, { kind: 'release-capacity' }>, 'zone' | 'type' | 'market'>;

function poolOf({ zone, type, market }: Pool): Shortage {
  return {
    ...(zone === undefined ? {} : { zone }),
    ...(type === undefined ? {} : { type }),
    ...(market === undefined ? {} : { market }),
  };
}

function poolWords({ zone, type, market }: Pool): string {
  const words = [market, type, zone].filter((word) => word !== undefined);
  return words.length === 0 ? 'anything' : words.join(' in ');
}

function wordsOf(fault: StandingFault): string {
  switch (fault.kind) {
    case 'drop-event':
    case 'double-event': {
      const what = [fault.source ?? 'any source', fault.detailType ?? 'any kind'].join(', ');
      const verb = fault.kind === 'drop-event' ? 'is lost' : 'comes twice';
      return `${fault.times === 1 ? 'The next event' : `Each of the next ${fault.times} events`} (${what}) ${verb}.`;
    }
    case 'crash':
      return `${fault.function} dies ${fault.when} its ${ordinal(fault.nth)} call${fault.action === undefined ? '' : ` of ${fault.action}`}.`;
    default: {
      const whose = fault.by === undefined ? '' : ` by ${fault.by}`;
      const which =
        fault.times === 1
          ? `The ${ordinal(fault.nth)} call`
          : `${fault.times} calls from the ${ordinal(fault.nth)} on`;
      const end = {
        fail: () => (fault.kind === 'fail' ? `refused with ${fault.code}` : ''),
        throttle: () => 'throttled',
        delay: () => (fault.kind === 'delay' ? `late by ${fault.seconds} s` : ''),
        'lose-answer': () => 'done, and its answer lost',
      } satisfies Record<typeof fault.kind, () => string>;
      return `${which} of ${fault.action}${whose}: ${end[fault.kind]()}.`;
    }
  }
}

function ordinal(count: number): string {
  const tens = count % 100;
  const ending = tens > 10 && tens < 14 ? 'th' : (['th', 'st', 'nd', 'rd'][count % 10] ?? 'th');
  return `${count}${ending}`;
}

function eventNameIn(payload: unknown): string {
  return (payload as { Records?: { eventName?: string }[] } | null)?.Records?.[0]?.eventName ?? '';
}
