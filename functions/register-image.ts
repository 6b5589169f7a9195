/** Registers the AMI of a completed snapshot: looks for it by name, adopts it, or creates it. */
import * as z from 'zod';
import { ec2Client } from '../src/aws/clients/ec2.ts';
import { type ImageFacts, type Images, openImages } from '../src/aws/images.ts';
import { openTable, type Table } from '../src/aws/table.ts';
import { buildAttempt, executionArn } from '../src/contracts/build.ts';
import { FlotillaError } from '../src/errors.ts';
import { amiName } from '../src/image/identity.ts';
import { type Invocation, lambdaFunction } from '../src/runtime/handler.ts';
import { attemptTags, ownAttempt } from '../src/runtime/image-attempt.ts';

const input = z.strictObject({ ...buildAttempt.shape, executionArn, snapshotId: z.string() });

interface Deps {
  readonly table: Table;
  readonly images: Images;
}

/** Ours only with our tags and on this snapshot: the name alone proves nothing. */
function isOurs(found: ImageFacts, snapshotId: string, tags: Readonly<Record<string, string>>): boolean {
  return (
    found.snapshotId === snapshotId &&
    ['flotilla:stack', 'flotilla:identity'].every((tag) => found.tags[tag] === tags[tag])
  );
}

async function register(
  { identity, attempt, executionArn: self, snapshotId }: z.output<typeof input>,
  { table, images }: Deps,
  { config }: Invocation,
) {
  const own = await ownAttempt(table, { identity, attempt }, self);
  const name = amiName(config.stack, identity);
  const tags = attemptTags(config.stack, { identity, attempt });
  const adopt = (found: ImageFacts) => {
    if (isOurs(found, snapshotId, tags)) return { imageId: found.imageId };
    throw new FlotillaError(
      'ImageBuildFailed',
      `The AMI ${found.imageId} has the name ${name}, and is not on ${snapshotId}`,
      { imageId: found.imageId, snapshotId },
    );
  };
  const present = await images.findByName(name);
  if (present !== undefined) return adopt(present);
  const answer = await images.register({
    name,
    description: `Flotilla image ${identity}`,
    architecture: own.architecture,
    bootMode: own.bootMode ?? (own.architecture === 'arm64' ? 'uefi' : 'legacy-bios'),
    snapshotId,
    volumeSizeGiB: own.volumeSizeGiB,
    tags,
  });
  if (answer.outcome === 'registered') return { imageId: answer.imageId };
  const taken = await images.findByName(name);
  if (taken !== undefined) return adopt(taken);
  // Listings lag: the next try sees it.
  throw new FlotillaError('AwsUnavailable', `EC2 says that ${name} is taken, and does not show by what`);
}

export const handler = lambdaFunction({
  name: 'register-image',
  input,
  deps: (config): Deps => ({ table: openTable(config.table), images: openImages(ec2Client()) }),
  run: register,
});
