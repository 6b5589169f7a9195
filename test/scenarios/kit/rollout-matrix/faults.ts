/** Where a rollout can be broken, and how. */
import type { FaultInput } from '../../../../local/faults/fault.ts';
import type { FleetInVirtualTime } from '../fleet-in-virtual-time.ts';

/** The nth time that a function makes a call, in a run that nothing happens to. */
export interface CallPoint {
  readonly kind: 'call';
  /** Short: `shift-traffic`. */
  readonly by: string;
  readonly action: string;
  readonly nth: number;
}

/** The nth time that a machine enters a state in which time passes. */
export interface StatePoint {
  readonly kind: 'state';
  readonly machine: string;
  readonly state: string;
  readonly nth: number;
}

export type Point = CallPoint | StatePoint;

export interface MatrixCase {
  readonly scenario: string;
  readonly fault: string;
  readonly point: Point;
}

export function wordsOf({ scenario, fault, point }: MatrixCase): string {
  const where =
    point.kind === 'call'
      ? `${point.by} ${point.action} ${point.nth}`
      : `${point.machine} ${point.state} ${point.nth}`;
  return `${scenario}, ${where}, ${fault}`;
}

/** An armed fault. */
export interface Armed {
  /** Whether it came to the fault. */
  struck(): boolean;
  /** To be asked as time passes; does what the fault wants done later. */
  pass?(): Promise<void>;
  /** No call that the fault has delayed is on its way any more. */
  readonly doneAfterSeconds: number;
  disarm(): void;
}

type World = FleetInVirtualTime;

/** Recovery waits for a minute after the end of an execution; a sweep each minute later this lands amid its undoing. */
const afterRecoverySeconds = 100;
/** The function that called lives on, and finds itself fenced off. */
const fencedSeconds = 10;
const redriveSeconds = 5;

const callFaults = {
  'killed before': (world, { by, action, nth }) =>
    inject(world, { kind: 'crash', function: `${world.stackName}-${by}`, when: 'before', action, nth }),
  'killed after': (world, { by, action, nth }) =>
    inject(world, { kind: 'crash', function: `${world.stackName}-${by}`, when: 'after', action, nth }),
  throttled: (world, { by, action, nth }) => inject(world, { kind: 'throttle', by, action, nth }),
  'late by half a minute': (world, { by, action, nth }) =>
    inject(world, { kind: 'delay', by, action, nth, seconds: 30 }, 90),
  'answer lost': (world, { by, action, nth }) => inject(world, { kind: 'lose-answer', by, action, nth }),
} satisfies Record<string, (world: World, point: CallPoint) => Armed>;

/** Only of calls that change something. */
const mutationFaults = {
  'fenced off meanwhile': (world, point) => stopMeanwhile(world, point, fencedSeconds),
  'lands after recovery began': (world, point) => stopMeanwhile(world, point, afterRecoverySeconds),
} satisfies Record<string, (world: World, point: CallPoint) => Armed>;

const stateFaults = {
  stopped: (world, point) => stopAt(world, point),
  'stopped, event lost': (world, point) => {
    const dropped = inject(world, { kind: 'drop-event', source: 'aws.states', times: 1 }, 0, 'later');
    return stopAt(world, point, { atStop: dropped.strike, disarm: dropped.disarm });
  },
  'stopped and redriven': (world, point) => stopAt(world, point, { redriveAfterSeconds: redriveSeconds }),
  'redriven after recovery': (world, point) => stopAt(world, point, { redriveAfterSeconds: 400 }),
} satisfies Record<string, (world: World, point: StatePoint) => Armed>;

export const faultNames = [
  ...Object.keys(callFaults),
  ...Object.keys(mutationFaults),
  ...Object.keys(stateFaults),
] as const;

export function faultsAt(point: Point): string[] {
  if (point.kind === 'state') return Object.keys(stateFaults);
  const changes = !/:(?:BatchGet|Describe|Get|List|Query|TransactGet)/.test(point.action);
  return [...Object.keys(callFaults), ...(changes ? Object.keys(mutationFaults) : [])];
}

/** @throws Error for a fault that there is not */
export function arm(world: World, { fault, point }: MatrixCase): Armed {
  const made =
    point.kind === 'call'
      ? { ...callFaults, ...mutationFaults }[fault as keyof typeof callFaults]?.(world, point)
      : stateFaults[fault as keyof typeof stateFaults]?.(world, point);
  if (made === undefined) throw new Error(`there is no fault ${fault}`);
  return made;
}

function inject(world: World, said: FaultInput, doneAfterSeconds?: number): Armed;
function inject(
  world: World,
  said: FaultInput,
  doneAfterSeconds: number,
  when: 'later',
): Armed & { strike(): void };
function inject(world: World, said: FaultInput, doneAfterSeconds = 0, when: 'now' | 'later' = 'now') {
  let id: string | undefined;
  const strike = (): void => {
    id = world.region.faults.inject(said).id;
  };
  if (when === 'now') strike();
  return {
    strike,
    doneAfterSeconds,
    struck: () => id !== undefined && world.region.faults.list().every((one) => one.id !== id),
    disarm: () => {
      if (id !== undefined) world.region.faults.remove(id);
    },
  };
}

/** The execution is stopped as soon as the call is on its way; the call lands so much later. */
function stopMeanwhile(world: World, { by, action, nth }: CallPoint, seconds: number): Armed {
  const delay = inject(world, { kind: 'delay', by, action, nth, seconds }, 150);
  const standing = (): boolean => world.region.faults.list().length > 0;
  const end = world.region.onChange(() => {
    if (standing()) return;
    end();
    const { states } = world.region.parts;
    const running = states.executions().filter(({ status }) => status === 'RUNNING');
    const swapping = running.filter(({ init }) => init.arn.includes('-swap-fleet:'));
    for (const { init } of swapping.length > 0 ? swapping : running)
      states.stop(init.arn, 'Matrix.Stopped', 'as the matrix wants it');
  });
  return {
    doneAfterSeconds: delay.doneAfterSeconds,
    struck: () => delay.struck(),
    disarm: () => {
      end();
      delay.disarm();
    },
  };
}

interface StopOptions {
  readonly redriveAfterSeconds?: number;
  atStop?(): void;
  disarm?(): void;
}

function stopAt(world: World, point: StatePoint, options: StopOptions = {}): Armed {
  const { clock, region } = world;
  let left = point.nth;
  let stopped: { readonly arn: string; readonly at: number } | undefined;
  const end = watchStates(world, (arn, machine, state) => {
    if (machine !== point.machine || state !== point.state) return;
    left -= 1;
    if (left !== 0) return;
    // In the midst of a step nothing may be changed; a moment later the function that it began runs.
    queueMicrotask(() => {
      options.atStop?.();
      region.parts.states.stop(arn, 'Matrix.Stopped', 'as the matrix wants it');
      stopped = { arn, at: clock.now() };
    });
  });
  const { redriveAfterSeconds } = options;
  return {
    doneAfterSeconds: (redriveAfterSeconds ?? 0) + 60,
    struck: () => left <= 0,
    async pass() {
      if (redriveAfterSeconds === undefined || stopped === undefined) return;
      if (clock.now() - stopped.at < redriveAfterSeconds * 1000) return;
      const { arn } = stopped;
      stopped = undefined;
      await world.call('states', 'RedriveExecution', { executionArn: arn });
    },
    disarm() {
      end();
      options.disarm?.();
    },
  };
}

/** Tells of each state as it is entered. @returns ends it */
export function watchStates(
  world: World,
  entered: (arn: string, machine: string, state: string) => void,
): () => void {
  return world.region.parts.states.onEvent((arn, { type, stateEnteredEventDetails }) => {
    if (type === undefined || stateEnteredEventDetails?.name === undefined) return;
    if (type !== 'TaskStateEntered' && type !== 'WaitStateEntered') return;
    const machine = arn.split(':').at(-2)?.replace(`${world.stackName}-`, '') ?? '';
    entered(arn, machine, stateEnteredEventDetails.name);
  });
}
