/** `POST /fleets/{fleet}/rollouts`: from what a person names to an image, and from there to a rollout. */
import { type Copies, largestCopyBytes } from '../aws/copy-object.ts';
import type { Objects } from '../aws/objects.ts';
import type { BodyOf, RolloutAnswer } from '../contracts/api.ts';
import type { Architecture } from '../contracts/ids.ts';
import { rolloutId } from '../contracts/ids.ts';
import {
  type Actor,
  artifactItem,
  eventItem,
  type FleetItem,
  imageItem,
  refItem,
  type UploadItem,
  uploadItem,
} from '../contracts/items.ts';
import { kernelKeys, latestKernel } from '../contracts/kernel-bundle.ts';
import type { RolloutTarget } from '../contracts/request.ts';
import { FlotillaError } from '../errors.ts';
import { needsBoot } from '../image/smoke-boot.ts';
import { keys } from '../lineage/keys.ts';
import { onBehalfOf, uploadId } from '../lineage/upload.ts';
import type { Invocation } from './handler.ts';
import { type PlanRequestDeps, planRequest } from './plan-request.ts';
import { requireFleet } from './read-fleet.ts';
import { type RequestDeps, requestRollout } from './request-rollout.ts';
import { identityOf } from './veto.ts';

export interface AskDeps extends Omit<RequestDeps, 'clock' | 'config'>, PlanRequestDeps {}

export interface DeployDeps extends AskDeps {
  readonly objects: Pick<Objects, 'bytes'>;
  readonly copies: Copies;
}

export type DeployWish = BodyOf<'requestRollout'> & { readonly fleet: string; readonly by: Actor };

/**
 * @throws FlotillaError as requestRollout, and ArtifactNotFound, UploadGone, ImageNotFound, ArtifactTooLargeToCopy,
 * ArtifactCopyUnderWay
 */
export async function deploy(
  wish: DeployWish,
  deps: DeployDeps,
  invocation: Invocation,
): Promise<RolloutAnswer> {
  const { fleet, by, release, image, artifact } = wish;
  const item = await requireFleet(deps.table, fleet);
  if (item.lease?.purpose === 'removal') {
    throw new FlotillaError('FleetInUse', `Fleet ${fleet} is being removed.`, { fleet });
  }
  let target: RolloutTarget;
  if (release !== undefined) target = { kind: 'release', number: release };
  else if (image !== undefined) target = { kind: 'image', identity: await identityOf(deps.table, image) };
  else {
    const found = await imageOfArtifact(artifact ?? '', item, deps, invocation);
    if (found.kind === 'building') return onTheWay(found.upload, item, wish.plan);
    if (found.kind === 'none') return await rebuild(artifact ?? '', item, wish, deps, invocation);
    target = { kind: 'image', identity: found.identity };
  }
  return await ask({ fleet, target, by, force: wish.force, plan: wish.plan }, deps, invocation);
}

export interface Ask {
  readonly fleet: string;
  readonly target: RolloutTarget;
  readonly by: Actor;
  readonly force: boolean;
  readonly plan: boolean;
}

/** Asks for the rollout, and answers in the words of the API. */
export async function ask(
  { fleet, target, by, force, plan }: Ask,
  deps: AskDeps,
  { clock, config }: Invocation,
): Promise<RolloutAnswer> {
  const request = { fleet, target, by, force };
  if (plan) return await planRequest(request, deps, { clock, config });
  const answer = await requestRollout(request, { ...deps, clock, config });
  const { outcome, message, rollout, release, executionArn } = answer;
  if (outcome === 'superseded') throw new FlotillaError('SupersededUpload', message, { fleet });
  const id = rollout === undefined ? undefined : rolloutId(fleet, rollout);
  return {
    outcome,
    message,
    ...(release === undefined ? {} : { release }),
    ...(id === undefined ? {} : { rollout: id, address: `/rollouts/${id}` }),
    ...(executionArn === undefined ? {} : { executionArn }),
  };
}

/** An AMI's id through its look-up, an identity as it is. */
type Found =
  | { readonly kind: 'image'; readonly identity: string }
  | { readonly kind: 'building'; readonly upload: UploadItem }
  | { readonly kind: 'none' };

/**
 * The image that this artifact becomes with the fleet's present settings, if one was made: that of an upload of
 * the same bytes to this fleet since the spec was last applied, with the kernel that the spec means today.
 */
async function imageOfArtifact(
  sha256: string,
  fleet: FleetItem,
  deps: DeployDeps,
  { config }: Invocation,
): Promise<Found> {
  const { pk, sk } = keys.ref(sha256, 'upload', '');
  const refs = await deps.table.queryAll(pk, sk, refItem);
  const applied = await deps.table.get(
    keys.event(`fleet/${fleet.fleet}`, `spec-${String(fleet.specVersion).padStart(10, '0')}`),
    eventItem,
  );
  const uploads: UploadItem[] = [];
  for (const ref of refs) {
    const upload = await deps.table.get(keys.upload(ref.to), uploadItem);
    if (upload?.fleet === fleet.fleet && upload.receivedAt >= (applied?.at ?? '')) uploads.push(upload);
  }
  uploads.sort((a, b) => (a.receivedAt < b.receivedAt ? 1 : -1));
  const kernel =
    fleet.spec.image.kernel ?? (await newestKernel(deps, config.storeBucket, fleet.spec.architecture));
  for (const { identity } of uploads) {
    if (identity === undefined) continue;
    const image = await deps.table.get(keys.image(identity), imageItem);
    // A disk brought its own kernel, which the item calls ''.
    // One that has to boot first goes the way of an upload, where it is adopted and booted.
    if (
      image?.state === 'available' &&
      (image.kernel === '' || image.kernel === kernel) &&
      !needsBoot(fleet.spec, image)
    ) {
      return { kind: 'image', identity };
    }
  }
  const building = uploads.find((upload) => upload.endedAt === undefined);
  return building === undefined ? { kind: 'none' } : { kind: 'building', upload: building };
}

async function newestKernel(
  { objects }: DeployDeps,
  bucket: string,
  wanted: Architecture,
): Promise<string | undefined> {
  const bytes = await objects.bytes({ bucket, key: kernelKeys.latest(wanted) });
  if (bytes === undefined) return undefined;
  return latestKernel.parse(JSON.parse(Buffer.from(bytes).toString('utf8'))).version;
}

function onTheWay({ id }: UploadItem, fleet: FleetItem, plan: boolean): RolloutAnswer {
  const message = `Upload ${id} of the same bytes is being built; ${afterBuild(fleet)}.`;
  return {
    outcome: plan ? 'planned' : 'building',
    message: plan ? `Nothing was changed. ${message}` : message,
    address: `/uploads/${id}`,
  };
}

function afterBuild({ spec }: FleetItem): string {
  return spec.deployOnUpload
    ? 'its rollout follows'
    : 'the fleet does not deploy on upload: ask for the rollout again once it is built';
}

/**
 * Sends the bytes the way of every upload once more: a copy under the fleet's own prefix. An image that fits is
 * adopted there, so that this costs no second build.
 */
async function rebuild(
  sha256: string,
  fleet: FleetItem,
  wish: DeployWish,
  { table, copies }: DeployDeps,
  { config }: Invocation,
): Promise<RolloutAnswer> {
  const artifact = await table.get(keys.artifact(sha256), artifactItem);
  if (artifact === undefined) {
    throw new FlotillaError('ArtifactNotFound', `Nothing with the digest ${sha256} was ever accepted.`, {
      sha256,
    });
  }
  const name = artifact.key.slice(artifact.key.indexOf('/') + 1);
  const key = `${fleet.fleet}/${name}`;
  if (artifact.sizeBytes > largestCopyBytes) {
    throw new FlotillaError(
      'ArtifactTooLargeToCopy',
      `The artifact has ${artifact.sizeBytes} bytes, and S3 copies ${largestCopyBytes} at most.`,
      { sha256, key, sizeBytes: artifact.sizeBytes },
    );
  }
  const then = afterBuild(fleet);
  if (wish.plan) {
    return {
      outcome: 'planned',
      message: `Nothing was changed. The artifact would be built for ${fleet.fleet} as ${key}; ${then}.`,
    };
  }
  const copied = await copies.copy({
    from: { bucket: artifact.bucket, key: artifact.key, versionId: artifact.versionId },
    bucket: config.uploadBucket,
    key,
    metadata: { [onBehalfOf]: wish.by.principal },
  });
  if (copied === 'gone') {
    throw new FlotillaError('UploadGone', `The bytes of ${sha256} are no longer in the upload bucket.`, {
      sha256,
      key: artifact.key,
    });
  }
  if (copied === 'unanswered') {
    throw new FlotillaError(
      'ArtifactCopyUnderWay',
      `S3 still copies the artifact to ${key}, or has failed to. Where it comes, it is built for ${fleet.fleet}; ${then}.`,
      { sha256, key },
    );
  }
  const id = uploadId({ bucket: config.uploadBucket, key, versionId: copied.versionId });
  return {
    outcome: 'building',
    message: `The artifact is being built for ${fleet.fleet}; ${then}.`,
    address: `/uploads/${id}`,
  };
}
