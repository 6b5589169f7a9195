/** Asking for a rollout: numbers, items and events in one transaction, then the execution. */
import type { Executions } from '../aws/executions.ts';
import type { Table, Write } from '../aws/table.ts';
import { together } from '../aws/together.ts';
import { releaseLabel } from '../contracts/ids.ts';
import {
  type FleetItem,
  type ImageItem,
  imageItem,
  type ReleaseItem,
  type RolloutItem,
  refItem,
  releaseItem,
  rolloutItem,
} from '../contracts/items.ts';
import type { RolloutAnswer, RolloutRequest } from '../contracts/request.ts';
import { FlotillaError } from '../errors.ts';
import { phases } from '../fleet/phases.ts';
import { decideRequest, isWayBack, type RequestVerdict, type RequestWorld } from '../fleet/request.ts';
import { needsBoot } from '../image/smoke-boot.ts';
import { keys, prefixes } from '../lineage/keys.ts';
import { releaseRefs } from '../lineage/refs.ts';
import type { Clock } from './clock.ts';
import { type Config, executionArn, machineArn } from './config.ts';
import { answerGate } from './rollout/answer-gate.ts';
import { changeFleet, readFleet } from './rollout/hold.ts';
import { fleetEvent, rolloutKey, updateRelease, updateRollout } from './rollout/record.ts';

export interface RequestDeps {
  readonly table: Table;
  readonly executions: Executions;
  readonly clock: Pick<Clock, 'now'>;
  readonly config: Pick<Config, 'machinePrefix'>;
}

/** How far back a rollback looks for a release that served. */
const releasesLookedAt = 100;

/** Name of the execution of a rollout: `web-12`. */
export function swapExecutionName(fleet: string, rollout: number): string {
  return `${fleet}-${rollout}`;
}

/**
 * Asks for a rollout. Safe to repeat as far as it makes sense: the same image again is answered with
 * `already-live` once it is live or on its way.
 * @throws FlotillaError `FleetNotFound`, `ReleaseNotFound`, `ImageNotFound`, `ImageVetoed`, `LeaseHeld`,
 * `RequestRefused`.
 */
export async function requestRollout(request: RolloutRequest, deps: RequestDeps): Promise<RolloutAnswer> {
  const { table } = deps;
  const before = await readFleet(table, request.fleet);
  const image =
    request.target.kind === 'image'
      ? await table.get(keys.image(request.target.identity), imageItem)
      : undefined;

  // Decided against each version of the fleet's item that the write is tried on.
  let verdict: RequestVerdict | undefined;
  let answer: { rollout: number; release: number; arn: string } | undefined;
  let item = before;
  for (let tries = 0; verdict === undefined || tries < 5; tries += 1) {
    const world = await lookAround(request, item, image, table);
    verdict = decideRequest(request, world);
    if (verdict.verdict !== 'go') break;
    const decided = verdict;
    const revision = item.revision;
    answer = undefined;
    item = await changeFleet(
      table,
      request.fleet,
      deps.clock,
      (present, now) => {
        // Somebody wrote in between: what was decided may no longer be right, and what was allotted was not written.
        answer = undefined;
        if (present.revision !== revision) return undefined;
        const written = allot(request, decided, present, image, now, deps);
        answer = { rollout: written.rollout, release: written.release, arn: written.arn };
        return written;
      },
      item,
    );
    if (answer !== undefined && item.revision === revision + 1) break;
    answer = undefined;
  }

  if (verdict.verdict === 'refused') {
    throw new FlotillaError(verdict.error, verdict.reasons.join('; '), { fleet: request.fleet });
  }
  if (verdict.verdict === 'superseded') return { outcome: 'superseded', message: verdict.message };
  if (verdict.verdict === 'already-live') {
    const { release, rollout, message } = verdict;
    return {
      outcome: 'already-live',
      release,
      message,
      ...(rollout === undefined
        ? {}
        : {
            rollout,
            executionArn: executionArn(deps.config, 'swap-fleet', swapExecutionName(request.fleet, rollout)),
          }),
    };
  }
  if (answer === undefined) {
    throw new FlotillaError('AwsUnavailable', `The item of ${request.fleet} kept changing`, {
      fleet: request.fleet,
    });
  }
  const { rollout, release, arn } = answer;
  // A gate learns of the abort at once; elsewhere the order is read at the next border between two states.
  if (verdict.aborts !== null) await answerGate(item, deps.executions);
  if (verdict.start) await startRollout(request.fleet, rollout, deps);
  return {
    outcome: verdict.start ? 'started' : 'queued',
    rollout,
    release,
    executionArn: arn,
    message: verdict.start
      ? `Rollout ${rollout} makes ${releaseLabel(release)} live.`
      : queuedWords(rollout, release, verdict),
  };
}

function queuedWords(
  rollout: number,
  release: number,
  { spares, waitsFor }: Extract<RequestVerdict, { verdict: 'go' }>,
): string {
  return [
    `Rollout ${rollout} of ${releaseLabel(release)} waits for those before it.`,
    ...spares.map((one) => `Rollout ${one} goes back, and is not superseded.`),
    ...(waitsFor === undefined ? [] : [`The fleet needs attention: ${waitsFor}.`]),
  ].join(' ');
}

/** Starts the execution of a rollout; again is the same execution. */
export async function startRollout(
  fleet: string,
  rollout: number,
  deps: Pick<RequestDeps, 'executions' | 'config'>,
): Promise<'started' | 'exists'> {
  const { outcome } = await deps.executions.start(
    machineArn(deps.config, 'swap-fleet'),
    swapExecutionName(fleet, rollout),
    { fleet, rollout },
  );
  return outcome;
}

/** The rollout that holds the fleet and may still succeed: what is being undone is not on its way to be live. */
function holdingRollout(
  { lease }: Pick<FleetItem, 'lease'>,
  ahead: readonly RolloutItem[],
): FleetItem['lease'] | undefined {
  if (lease?.purpose !== 'rollout' || lease.state !== 'held') return undefined;
  const rollout = ahead.find(({ number }) => number === lease.rollout);
  const lost = rollout?.phase === phases.undoing || (rollout?.error ?? undefined) !== undefined;
  return lost ? undefined : lease;
}

/** The rollouts that hold the fleet or wait for it. */
async function rolloutsAhead({ fleet, lease, queue }: FleetItem, table: Table): Promise<RolloutItem[]> {
  const numbers = [...(lease?.purpose === 'rollout' ? [lease.rollout] : []), ...queue];
  const rollouts = await together(numbers.map((one) => table.get(keys.rollout(fleet, one), rolloutItem)));
  return rollouts.filter((rollout) => rollout !== undefined);
}

/** Reads what {@link decideRequest} looks at. */
export async function lookAround(
  request: RolloutRequest,
  fleet: FleetItem,
  image: ImageItem | undefined,
  table: Table,
): Promise<RequestWorld> {
  const release = async (number: number | undefined): Promise<ReleaseItem | undefined> =>
    number === undefined || number === 0
      ? undefined
      : table.get(keys.release(fleet.fleet, number), releaseItem);
  const { target } = request;
  const lastRollout = fleet.queue.at(-1);
  const ahead = await rolloutsAhead(fleet, table);
  const last = ahead.find(({ number }) => number === lastRollout);
  const holding = holdingRollout(fleet, ahead);
  const lastNumber = last?.release ?? holding?.release ?? fleet.live?.release;
  const [live, asked, lastRelease, former] = await together([
    release(fleet.live?.release),
    target.kind === 'release' ? release(target.number) : undefined,
    release(lastNumber),
    target.kind === 'rollback'
      ? table.query(keys.fleet(fleet.fleet).pk, prefixes.release, releaseItem, {
          newestFirst: true,
          limit: releasesLookedAt,
        })
      : undefined,
  ]);
  const back = asked !== undefined && isWayBack(request, asked, fleet);
  const identity = back ? undefined : (asked ?? image)?.identity;
  const [askedImage, sameImage] = await together([
    asked === undefined ? image : table.get(keys.image(asked.identity), imageItem),
    identity === undefined ? [] : releasesOf(fleet.fleet, identity, table),
  ]);
  return {
    fleet,
    image: askedImage,
    unbooted: needsBoot(fleet.spec, askedImage),
    release: asked,
    sameImage,
    live,
    last:
      lastRelease === undefined
        ? undefined
        : { release: lastRelease, rollout: lastRollout ?? holding?.rollout ?? 0 },
    ahead,
    former: former?.items ?? [],
  };
}

/** The fleet's releases of an image: a few at most, since what is live is not deployed again. */
async function releasesOf(fleet: string, identity: string, table: Table): Promise<ReleaseItem[]> {
  const { pk } = keys.ref(identity, 'release', '');
  const refs = await table.queryAll(pk, `release#${fleet}/`, refItem);
  const releases = await together(
    // `web/v7`
    refs.map(({ to }) => table.get(keys.release(fleet, Number(to.slice(fleet.length + 2))), releaseItem)),
  );
  return releases.filter((release) => release !== undefined);
}

/** Everything that a new rollout writes at once. */
function allot(
  request: RolloutRequest,
  verdict: Extract<RequestVerdict, { verdict: 'go' }>,
  fleet: FleetItem,
  image: ImageItem | undefined,
  now: string,
  deps: RequestDeps,
) {
  const number = fleet.nextRollout;
  const arn = executionArn(deps.config, 'swap-fleet', swapExecutionName(fleet.fleet, number));
  const fresh = verdict.release === 'new' ? newRelease(request, fleet, image, now) : undefined;
  const release = fresh?.number ?? (verdict.release === 'new' ? 0 : verdict.release.number);
  const identity = fresh?.identity ?? (verdict.release === 'new' ? undefined : verdict.release.identity);
  const rollout: RolloutItem = {
    type: 'rollout',
    fleet: fleet.fleet,
    number,
    kind: verdict.kind,
    release,
    ...(identity === undefined ? {} : { identity }),
    from: fleet.live?.release ?? 0,
    executionArn: arn,
    status: verdict.start ? 'requested' : 'queued',
    phase: verdict.start ? phases.acquiring : phases.queued,
    ...(request.force === true ? { force: true } : {}),
    ...(request.uploadId === undefined ? {} : { uploadId: request.uploadId }),
    requestedAt: now,
    by: request.by,
  };
  const put = (key: { pk: string; sk: string }, item: Readonly<Record<string, unknown>>): Write => ({
    kind: 'put',
    key,
    item,
    condition: { kind: 'absent' },
  });
  const event = (key: string, kind: string, data: Record<string, unknown>) =>
    fleetEvent({ fleet: fleet.fleet, key, kind, at: now, by: request.by, data });
  return {
    rollout: number,
    release,
    arn,
    fleet: {
      ...fleet,
      nextRollout: number + 1,
      nextRelease: fresh === undefined ? fleet.nextRelease : fresh.number + 1,
      newestUpload: Math.max(fleet.newestUpload, request.upload ?? 0),
      queue: [...fleet.queue.filter((one) => !verdict.supersedes.includes(one)), number],
      orders:
        verdict.aborts === null
          ? fleet.orders
          : [
              ...fleet.orders,
              {
                verb: 'abort' as const,
                rollout: verdict.aborts,
                by: request.by,
                at: now,
                reason: `superseded by rollout ${number}`,
              },
            ],
    },
    writes: [
      put(keys.rollout(fleet.fleet, number), rollout),
      ...markedByAlarm(request, fleet, now),
      ...verdict.supersedes.map((old) =>
        updateRollout(fleet.fleet, old, { status: 'superseded', phase: phases.ended, endedAt: now }),
      ),
      ...(fresh === undefined
        ? []
        : [
            put(keys.release(fleet.fleet, fresh.number), fresh),
            ...releaseRefs(fresh, now).map(
              (ref): Write => ({ kind: 'put', key: keys.ref(ref.id, ref.toType, ref.to), item: ref }),
            ),
          ]),
    ],
    events: [
      event(rolloutKey(number, 'requested'), 'rollout-requested', {
        rollout: number,
        release,
        kind: verdict.kind,
        target: request.target,
        upload: request.upload,
      }),
      ...(fresh === undefined
        ? []
        : [
            event(`release-${fresh.number}/made`, 'release-made', {
              release: fresh.number,
              identity: fresh.identity,
              imageId: fresh.imageId,
              upload: fresh.upload,
            }),
          ]),
      ...verdict.supersedes.map((old) =>
        event(rolloutKey(old, 'superseded'), 'rollout-superseded', { rollout: old, by: number }),
      ),
    ],
  };
}

/** An alarm that takes a fleet back says of what it takes it back from that it failed. */
function markedByAlarm({ by, rang }: RolloutRequest, { fleet, live }: FleetItem, now: string): Write[] {
  if (by.through !== 'alarm' || rang === false || live === null) return [];
  const reason = `alarm ${by.principal} rang after its promotion`;
  return [updateRelease(fleet, live.release, { failedAt: now, reason })];
}

/** The release that a request for an image makes. @throws FlotillaError `ImageNotFound` */
export function newRelease(
  request: RolloutRequest,
  fleet: FleetItem,
  image: ImageItem | undefined,
  now: string,
): ReleaseItem {
  if (image?.imageId === undefined) {
    throw new FlotillaError('ImageNotFound', 'The image has no AMI', { fleet: fleet.fleet });
  }
  return {
    type: 'release',
    fleet: fleet.fleet,
    number: fleet.nextRelease,
    identity: image.identity,
    imageId: image.imageId,
    artifactSha256: image.artifactSha256,
    image: fleet.spec.image,
    kernel: image.kernel,
    upload: request.upload ?? 0,
    state: 'new',
    createdAt: now,
    by: request.by,
  };
}
