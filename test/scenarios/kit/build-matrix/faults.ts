/** Where a build can be broken, and how. */
import type { FaultInput } from '../../../../local/faults/fault.ts';
import type { FleetInVirtualTime } from '../fleet-in-virtual-time.ts';
import type { Build } from './builds.ts';

/** The nth time that a function makes a call, in a build that nothing happens to. */
export interface CallPoint {
  readonly build: Build;
  /** Short: `write-blocks`. */
  readonly by: string;
  readonly action: string;
  readonly nth: number;
}

export interface MatrixCase extends CallPoint {
  readonly fault: string;
}

export function wordsOf({ build, by, action, nth, fault }: MatrixCase): string {
  return `${build}, ${by}, ${action} ${nth}: ${fault}`;
}

type At = (point: Omit<CallPoint, 'build'>) => FaultInput;

/** What is done at each call. A service that fails twenty times outlasts the retries of a client and of a state. */
const faults = {
  'killed before': ({ by, action, nth }) => ({
    kind: 'crash',
    function: `flotilla-${by}`,
    when: 'before',
    action,
    nth,
  }),
  'killed after': ({ by, action, nth }) => ({
    kind: 'crash',
    function: `flotilla-${by}`,
    when: 'after',
    action,
    nth,
  }),
  throttled: (point) => ({ kind: 'throttle', ...point }),
  'throttled for minutes': (point) => ({ kind: 'throttle', ...point, times: 60 }),
  'fails once': (point) => ({ kind: 'fail', ...point, code: 'InternalError', status: 500 }),
  'fails twenty times': (point) => ({
    kind: 'fail',
    ...point,
    code: 'InternalError',
    status: 500,
    times: 20,
  }),
  // As the EBS direct APIs refuse a checksum that is not the block's, and others what they do not understand.
  refused: (point) => ({ kind: 'fail', ...point, code: 'ValidationException', status: 400 }),
  'answer lost': (point) => ({ kind: 'lose-answer', ...point }),
  'late by half a minute': (point) => ({ kind: 'delay', ...point, seconds: 30 }),
} satisfies Record<string, At>;

/** Beside those at every call: what EC2 may say of a snapshot while it does not know it yet. */
export const unknownSnapshot: Omit<MatrixCase, 'build'> = {
  by: 'check-snapshot',
  action: 'ec2:DescribeSnapshots',
  nth: 1,
  fault: 'unknown for a minute',
};

/** What EBS may do to a snapshot at any time until it is sealed, and no answer of its own tells. */
const snapshotGone = 'snapshot gone to error';
/** The functions at whose calls a snapshot is there and not sealed yet. */
const whilePending = /^(?:start-snapshot|write-blocks|complete-snapshot|check-snapshot)$/;

export const faultNames: readonly string[] = [...Object.keys(faults), unknownSnapshot.fault, snapshotGone];

export function faultsAt({ by }: CallPoint): string[] {
  return [...Object.keys(faults), ...(whilePending.test(by) ? [snapshotGone] : [])];
}

/** @returns takes it back */
export function strike(world: FleetInVirtualTime, one: MatrixCase): () => void {
  if (one.fault !== snapshotGone) {
    world.region.faults.inject(faultOf(one));
    return () => world.region.faults.clear();
  }
  let left = one.nth;
  return world.region.onChange((call) => {
    if (call === undefined || call.action !== one.action || !call.who.endsWith(`/flotilla-${one.by}`)) return;
    left -= 1;
    if (left !== 0) return;
    for (const snapshot of world.region.parts.ebs.snapshots.all.values())
      if (snapshot.status === 'pending') snapshot.status = 'error';
  });
}

function faultOf({ fault, build: _build, ...point }: MatrixCase): FaultInput {
  if (fault === unknownSnapshot.fault)
    return { kind: 'fail', ...point, code: 'InvalidSnapshot.NotFound', status: 400, times: 12 };
  const made = (faults as Record<string, At>)[fault];
  if (made === undefined) throw new Error(`there is no fault ${fault}`);
  return made(point);
}
