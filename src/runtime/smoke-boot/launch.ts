/**
 * Launching the one instance of a smoke boot. What is about to be launched is written first, so that a call whose
 * answer is lost, in a function that dies, still leaves somebody who knows of it.
 */
import { createHash } from 'node:crypto';
import { type BootInstances, bootTag } from '../../aws/boot-instances.ts';
import type { Table } from '../../aws/table.ts';
import { together } from '../../aws/together.ts';
import { type FleetItem, type ImageItem, imageItem, type SmokeBootItem } from '../../contracts/items.ts';
import { FlotillaError } from '../../errors.ts';
import { bootPlaces, bootQuestionOf } from '../../image/smoke-boot.ts';
import { keys } from '../../lineage/keys.ts';
import { requireFleet } from '../accept-upload.ts';
import type { Invocation } from '../handler.ts';
import { bootEnded, bootId, putBoot, readBoot, saveOpenBoot } from './lease.ts';

export interface BootWish {
  readonly identity: string;
  readonly imageId: string;
  readonly fleet: string;
  readonly executionArn: string;
}

/** A launch is one call and two writes. */
const secondsForOne = 10;

/** Repeatable: a place once tried is tried again with its own client token, which gives the same instance. */
export async function launchBoot(
  wish: BootWish,
  { table, instances }: { readonly table: Table; readonly instances: BootInstances },
  { clock, config, remainingMilliseconds }: Pick<Invocation, 'clock' | 'config' | 'remainingMilliseconds'>,
): Promise<{ boot: string; instanceId: string }> {
  const id = bootId(wish.identity, wish.executionArn);
  let boot = (await readBoot(table, wish.identity, id)) ?? (await open(wish, id, { table, clock, config }));
  for (;;) {
    if (boot.state === 'ended') throw bootEnded(boot);
    if (boot.instanceId !== undefined) return { boot: id, instanceId: boot.instanceId };
    const place = boot.places[boot.place];
    if (place === undefined) {
      throw new FlotillaError('SmokeBootFailed', `EC2 launches none: ${boot.refusals.at(-1)}`, {
        imageId: boot.imageId,
        tried: boot.refusals,
      });
    }
    if (clock.now().toISOString() >= boot.deadline) throw bootEnded(boot);
    if (remainingMilliseconds() < secondsForOne * 1000) {
      throw new FlotillaError('DeadlineNear', 'Too little time is left to launch an instance');
    }
    const token = `${config.stack}/${id}/${boot.place}`;
    const answer = await instances.launch({
      place,
      imageId: boot.imageId,
      securityGroups: boot.securityGroups,
      profile: boot.profile,
      clientToken: createHash('sha256').update(token).digest('hex'),
      tags: {
        Name: `smoke boot of ${boot.identity.slice(0, 12)}`,
        'flotilla:stack': config.stack,
        'flotilla:identity': boot.identity,
        [bootTag]: id,
      },
    });
    const { place: at, refusals } = boot;
    const next: SmokeBootItem =
      answer.outcome === 'launched'
        ? { ...boot, instanceId: answer.instanceId, launchedAt: clock.now().toISOString() }
        : {
            ...boot,
            // Another place would hide an instance that ends by itself, and might launch while the boot is ended.
            place: answer.outcome === 'no-room' ? at + 1 : boot.places.length,
            refusals: [...refusals, `${place.market} ${place.instanceType} ${answer.reason}`.slice(0, 300)],
          };
    boot = await saveOpenBoot(table, next);
  }
}

/** The image is ours to boot: this execution builds it, or it was built and stands. */
function mayBoot(image: ImageItem | undefined, { executionArn, imageId }: BootWish): boolean {
  if (image?.state === 'building') return image.owner === executionArn;
  return image?.state === 'available' && image.imageId === imageId;
}

async function open(
  wish: BootWish,
  id: string,
  { table, clock, config }: { readonly table: Table } & Pick<Invocation, 'clock' | 'config'>,
): Promise<SmokeBootItem> {
  const { identity, imageId, fleet: name, executionArn } = wish;
  const [fleet, image] = await together([
    requireFleet(table, name),
    table.get(keys.image(identity), imageItem),
  ]);
  if (!mayBoot(image, wish)) {
    throw new FlotillaError('ImageBuildFailed', 'The image is not this execution’s any more', { identity });
  }
  const boot = newBoot({ id, identity, imageId, owner: executionArn, fleet, now: clock.now(), config });
  const { outcome } = await table.commit({ writes: [putBoot(boot, { kind: 'absent' })] });
  // An earlier call of ours may have landed late.
  return outcome === 'refused' ? ((await readBoot(table, identity, id)) ?? boot) : boot;
}

function newBoot(wanted: {
  readonly id: string;
  readonly identity: string;
  readonly imageId: string;
  readonly owner: string;
  readonly fleet: FleetItem;
  readonly now: Date;
  readonly config: Invocation['config'];
}): SmokeBootItem {
  const { id, identity, imageId, owner, now, config } = wanted;
  const { fleet, spec } = wanted.fleet;
  const { instances, healthCheck, image } = spec;
  const { timeoutSeconds, healthyThreshold } = healthCheck;
  const openSeconds = image.smokeBoot?.deadlineSeconds ?? 0;
  return {
    type: 'smoke-boot',
    id,
    identity,
    imageId,
    fleet,
    owner,
    state: 'open',
    question: { ...bootQuestionOf(spec), timeoutSeconds, healthyThreshold },
    places: bootPlaces(spec, instances.subnets ?? config.defaults.subnetIds),
    securityGroups: [...(instances.securityGroups ?? config.defaults.securityGroupIds)],
    ...(instances.profile === undefined ? {} : { profile: instances.profile }),
    place: 0,
    refusals: [],
    openedAt: now.toISOString(),
    deadline: new Date(now.getTime() + openSeconds * 1000).toISOString(),
  };
}
