/** An image that the person named, as lineage and as EC2 know it; and the clients to look at it with. */
import { openImages } from '../src/aws/images.ts';
import { type Objects, openObjects } from '../src/aws/objects.ts';
import { operatorEbs, operatorEc2, operatorS3 } from '../src/aws/operator.ts';
import { isWorthReadingAgain, openSnapshotReader, type SnapshotReader } from '../src/aws/snapshot-blocks.ts';
import type { LineageView } from '../src/contracts/api-views.ts';
import { withBackoff } from '../src/runtime/backoff.ts';
import type { ApiClient } from './api-client.ts';
import type { CommandContext } from './command.ts';
import { CommandError, exitCodes } from './exit-codes.ts';

export interface OwnAccess {
  readonly objects: Objects;
  readonly reader: SnapshotReader;
  readonly storeBucket: string;
}

/** What lineage tells of an image that was finished. */
export type KnownImage = LineageView['images'][number] & {
  readonly imageId: string;
  readonly snapshotId: string;
};

export interface ImageTarget extends OwnAccess {
  readonly known: KnownImage;
  /** What the AMI boots from, as EC2 says now. */
  readonly bootsFrom: string;
}

/** A person waits: throttling for longer than this is told of rather than sat out. */
const patienceMilliseconds = 60_000;

/** Clients with the person's own rights. */
export async function ownAccess(context: CommandContext): Promise<OwnAccess> {
  const api = await context.api();
  const { storeBucket } = await api.call('describeStack');
  const clock = { now: context.now, sleep: context.sleep };
  return {
    storeBucket,
    objects: openObjects(operatorS3(api.connection)),
    reader: openSnapshotReader(operatorEbs(api.connection), (call) =>
      withBackoff(
        {
          clock,
          random: Math.random,
          baseMilliseconds: 100,
          capMilliseconds: 5_000,
          withinMilliseconds: patienceMilliseconds,
          retry: isWorthReadingAgain,
        },
        call,
      ),
    ),
  };
}

/**
 * The one image that an AMI, a snapshot, an identity, or a release (`web/v7`) stands for.
 * @throws CommandError refused where it stands for none, or for several
 */
export async function imageNamed(api: ApiClient, id: string): Promise<LineageView['images'][number]> {
  const { images } = await api.call('getLineage', { params: { id } });
  const named = images.filter((one) => [one.imageId, one.snapshotId, one.identity].includes(id));
  const [known, another] = named.length > 0 ? named : images;
  if (known === undefined || another !== undefined) {
    const what = known === undefined ? 'no image' : `${images.length} images: name one by its AMI`;
    throw new CommandError(exitCodes.refused, `${id} stands for ${what}.`);
  }
  return known;
}

/**
 * @param id as for {@link imageNamed}
 * @throws CommandError as that, and where the image has no AMI, or EC2 has it no more
 */
export async function findImage(context: CommandContext, id: string): Promise<ImageTarget> {
  const api = await context.api();
  const known = await imageNamed(api, id);
  const { imageId, snapshotId } = known;
  if (imageId === undefined || snapshotId === undefined) {
    throw new CommandError(
      exitCodes.refused,
      `The image ${known.identity} is ${known.state}: it has no AMI.`,
    );
  }
  const facts = await openImages(operatorEc2(api.connection)).describe(imageId);
  if (facts?.snapshotId === undefined) {
    throw new CommandError(exitCodes.refused, `EC2 has no image ${imageId} any more.`);
  }
  return {
    ...(await ownAccess(context)),
    known: { ...known, imageId, snapshotId },
    bootsFrom: facts.snapshotId,
  };
}
