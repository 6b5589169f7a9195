/**
 * Every fault at every call of a build: the calls are those of a build that nothing happens to; then, for each of
 * them and each fault, a build with that fault is let end, and what must hold of it is looked at.
 */
import { createHash } from 'node:crypto';
import { imageItem } from '../../../../src/contracts/items.ts';
import { keys } from '../../../../src/lineage/keys.ts';
import type { Doors } from '../doors.ts';
import { type Asked, type Build, builds, openDoors, orderOf } from './builds.ts';
import { leaks, untruths, wrongBlocks } from './ends.ts';
import { type CallPoint, faultsAt, type MatrixCase, strike, unknownSnapshot, wordsOf } from './faults.ts';

export interface CaseResult {
  readonly one: MatrixCase;
  /** How the first build ended: the name of its error, or its state. */
  readonly end: string;
  /** What was not as it must be, in words. */
  readonly wrong: readonly string[];
}

/** Every case that there is, in the order of the calls. */
export async function allCases(): Promise<MatrixCase[]> {
  const doors = await openDoors();
  try {
    const cases: MatrixCase[] = [];
    for (const build of builds) {
      const points = await pointsOf(doors, build);
      cases.push(...points.flatMap((point) => faultsAt(point).map((fault) => ({ ...point, fault }))), {
        ...unknownSnapshot,
        build,
      });
    }
    return cases;
  } finally {
    await doors.close();
  }
}

/** Functions that whoever looks on calls, or the clock. */
const besides = /^(?:api-read|sweep.*|verify-images)$/;

/** The calls of a build that nothing happens to. */
async function pointsOf(doors: Doors, build: Build): Promise<CallPoint[]> {
  const { log } = doors.world.region;
  const order = await orderOf(doors, build, `clean-${builds.indexOf(build)}`);
  const before = log.total;
  const { upload, refused, wrong } = await order.ask();
  if (upload?.state !== 'built')
    throw new Error(`the build without a fault: ${refused ?? JSON.stringify(upload)} ${wrong.join()}`);
  const image = await doors.table.get(keys.image(upload.identity ?? ''), imageItem);
  if ((image?.parent !== undefined) !== (build !== 'in full'))
    throw new Error(`a build ${build} has the parent ${image?.parent?.identity}`);
  const counts = new Map<string, number>();
  const points: CallPoint[] = [];
  for (const { who, action } of log.list().slice(before - log.total)) {
    const by = /flotilla-([a-z-]+)$/.exec(who)?.[1];
    if (by === undefined || besides.test(by) || action.startsWith('logs:')) continue;
    const nth = (counts.get(`${by} ${action}`) ?? 0) + 1;
    counts.set(`${by} ${action}`, nth);
    points.push({ build, by, action, nth });
  }
  return points;
}

/** Sweepers have removed by then what nobody owns. */
const sweptSeconds = 3600;

/** Builds with the fault, then once more without. */
export async function tryCase(doors: Doors, one: MatrixCase): Promise<CaseResult> {
  const { world } = doors;
  const name = `m${createHash('sha256').update(wordsOf(one)).digest('hex').slice(0, 12)}`;
  const order = await orderOf(doors, one.build, name);
  const takeBack = strike(world, one);
  const first = await order.ask();
  takeBack();
  await world.seconds(60);
  const wrong = [...first.wrong];
  if (first.upload !== undefined) wrong.push(...(await untruths(doors, first.upload, !keepsSilent(one))));
  else if (first.refused === undefined && one.by !== 'receive-upload') wrong.push('the upload never ended');
  // Only where something lies about is there anything to wait for.
  if ((await leaks(doors)).length > 0) await world.seconds(sweptSeconds);
  wrong.push(...(await leaks(doors)));
  const again = await order.askAgain();
  wrong.push(...again.wrong);
  if (again.upload?.state === 'built') {
    // Where the image was there already, it is the first upload that stands for it.
    const isTold = again.upload.id !== first.upload?.id || !keepsSilent(one);
    wrong.push(
      ...(await untruths(doors, again.upload, isTold)),
      ...(await wrongBlocks(doors, again.upload, order)),
    );
  } else wrong.push(`the same again: ${JSON.stringify(again.upload?.error ?? endOf(again))}`);
  wrong.push(...(await leaks(doors)));
  return { one, end: endOf(first), wrong };
}

function endOf({ upload, refused }: Asked): string {
  if (upload === undefined && refused !== undefined) return `${refused}, by the API`;
  return upload?.error?.name ?? upload?.state ?? 'not received';
}

/**
 * Where the last step is refused for good, nobody can be told: the item is right, and the execution fails, so that
 * somebody looks.
 */
function keepsSilent({ by, fault }: MatrixCase): boolean {
  return (
    by === 'report-outcome' && ['refused', 'fails twenty times', 'throttled for minutes'].includes(fault)
  );
}
