/** Finds out which image the upload wants, and who makes it: adopt it, wait for its builder, or build it. */
import * as z from 'zod';
import { ec2Client } from '../src/aws/clients/ec2.ts';
import { type Executions, openExecutions } from '../src/aws/executions.ts';
import { type Images, openImages } from '../src/aws/images.ts';
import { type Objects, openObjects } from '../src/aws/objects.ts';
import { openTable, type Table } from '../src/aws/table.ts';
import { acceptedUpload, buildKeys, executionArn, type Recipe, uploadJob } from '../src/contracts/build.ts';
import type { ParentImage } from '../src/contracts/image-blocks.ts';
import { type ImageItem, imageItem } from '../src/contracts/items.ts';
import { FlotillaError } from '../src/errors.ts';
import { decideClaim, type OwnerState } from '../src/image/claim.ts';
import { amiName, BUILDER_VERSION } from '../src/image/identity.ts';
import { needsBoot } from '../src/image/smoke-boot.ts';
import { imageAdopted, imageClaimed } from '../src/lineage/events.ts';
import { keys } from '../src/lineage/keys.ts';
import { ref } from '../src/lineage/refs.ts';
import { putRef, requireFleet, requireOpenUpload } from '../src/runtime/accept-upload.ts';
import { findParent } from '../src/runtime/find-parent.ts';
import { type Invocation, lambdaFunction } from '../src/runtime/handler.ts';
import { ownerState, putFleetImage } from '../src/runtime/image-attempt.ts';
import { makeRecipe } from '../src/runtime/recipe.ts';

const input = z.strictObject({ upload: uploadJob, artifact: acceptedUpload, executionArn });

interface Deps {
  readonly table: Table;
  readonly objects: Objects;
  readonly images: Images;
  readonly executions: Executions;
}

/** Whether EC2 has the recorded image, as our own and with the tags that it was given. */
async function stillStands(images: Images, stack: string, item: ImageItem): Promise<boolean> {
  if (item.state !== 'available' || item.imageId === undefined) return false;
  // Two looks: an image that one listing does not show must not be built anew while it runs somewhere.
  const found =
    (await images.describe(item.imageId)) ?? (await images.findByName(amiName(stack, item.identity)));
  return (
    found !== undefined &&
    found.prospect !== 'hopeless' &&
    found.snapshotId === item.snapshotId &&
    found.tags['flotilla:identity'] === item.identity
  );
}

async function stateOfOwner(
  executions: Executions,
  item: ImageItem,
  self: string,
): Promise<OwnerState | undefined> {
  if (item.state !== 'building' || item.owner === self) return undefined;
  return ownerState(await executions.describe(item.owner));
}

function claimedItem(
  recipe: Recipe,
  attempt: number,
  owner: string,
  createdAt: string,
  parent: ParentImage | undefined,
): ImageItem {
  return {
    ...(parent === undefined ? {} : { parent }),
    type: 'image',
    identity: recipe.identity,
    state: 'building',
    owner,
    attempt,
    artifactSha256: recipe.artifact.sha256,
    architecture: recipe.artifact.architecture,
    bootMode: recipe.bootMode,
    kernel: recipe.built?.kernel.version ?? '',
    kernelDigest: recipe.built?.kernel.digest ?? '',
    builderVersion: BUILDER_VERSION,
    volumeSizeGiB: recipe.volumeSizeGiB,
    createdAt,
  };
}

async function claim(
  { upload, artifact, executionArn: self }: z.output<typeof input>,
  { table, objects, images, executions }: Deps,
  { clock, config }: Invocation,
) {
  await requireOpenUpload(table, artifact.uploadId);
  const fleet = await requireFleet(table, artifact.fleet);
  const recipe = await makeRecipe(objects, config, { upload, artifact, settings: fleet.spec.image });
  const { identity } = recipe;
  const keepRecipe = (attempt: number) =>
    objects.put(
      { bucket: config.storeBucket, key: buildKeys.recipe({ identity, attempt }) },
      JSON.stringify(recipe),
      'application/json',
    );

  for (;;) {
    const item = await table.get(keys.image(identity), imageItem);
    const now = clock.now();
    const decision = decideClaim({
      item,
      self,
      owner: item && (await stateOfOwner(executions, item, self)),
      imageStands: item !== undefined && (await stillStands(images, config.stack, item)),
      now,
    });
    const when = { at: now.toISOString(), by: upload.uploader, executionArn: self };
    switch (decision.kind) {
      case 'vetoed':
        throw new FlotillaError('ImageVetoed', `The image ${identity.slice(0, 12)} was vetoed`, { identity });
      case 'wait':
        return { decision: 'wait', identity, reason: decision.reason };
      case 'adopt': {
        const { fleet: name, upload: number } = artifact;
        await table.commit({
          writes: [putFleetImage({ fleet: name, upload: number, identity, at: when.at })],
          events: [imageAdopted(identity, artifact.uploadId, when)],
        });
        const { imageId, snapshotId } = decision;
        const smokeBoot = needsBoot(fleet.spec, item);
        return { decision: 'adopt', identity, imageId, snapshotId, smokeBoot };
      }
      case 'resume':
        await keepRecipe(decision.attempt);
        return {
          decision: 'build',
          identity,
          attempt: decision.attempt,
          smokeBoot: needsBoot(fleet.spec, item),
        };
      case 'build': {
        const parent = await findParent({ table, objects }, config.storeBucket, artifact.fleet, recipe);
        const claimed = claimedItem(recipe, decision.attempt, self, when.at, parent);
        const { outcome } = await table.commit({
          writes: [
            {
              kind: 'put',
              key: keys.image(identity),
              item: claimed,
              condition:
                item === undefined
                  ? { kind: 'absent' }
                  : {
                      kind: 'equals',
                      values: { owner: item.owner, attempt: item.attempt, state: item.state },
                    },
            },
            // From the execution to what it builds: whoever cleans up after it finds the image by this.
            putRef(ref(self, 'image', identity, when.at)),
          ],
          events: [imageClaimed(claimed, decision.tookOver, when)],
        });
        if (outcome !== 'committed') continue; // somebody else was faster: look again
        await keepRecipe(decision.attempt);
        return {
          decision: 'build',
          identity,
          attempt: decision.attempt,
          smokeBoot: needsBoot(fleet.spec, claimed),
        };
      }
    }
  }
}

export const handler = lambdaFunction({
  name: 'claim-image',
  input,
  deps: (config): Deps => ({
    table: openTable(config.table),
    objects: openObjects(),
    images: openImages(ec2Client()),
    executions: openExecutions(),
  }),
  run: claim,
});
