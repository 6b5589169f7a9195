/** The documents that are kept with an image: its bill of materials and how it was built. */
import { createHash } from 'node:crypto';
import type { Objects } from '../aws/objects.ts';
import { buildKeys, type Recipe } from '../contracts/build.ts';
import type { ImageItem } from '../contracts/items.ts';
import { type StoredArtifact, storedArtifact } from '../contracts/stored-artifact.ts';
import { FlotillaError } from '../errors.ts';
import { BLOCK_BYTES } from '../image/blocks.ts';
import { provenance } from '../image/provenance.ts';
import { cycloneDx } from '../image/sbom.ts';
import { type Config, machineArn } from './config.ts';
import { productVersion } from './version.ts';

/** What was seen at the artifact's inspection. @throws FlotillaError ImageBuildFailed where it is gone */
export async function readArtifact(
  objects: Objects,
  storeBucket: string,
  sha256: string,
): Promise<StoredArtifact> {
  const key = buildKeys.artifact(sha256);
  const bytes = await objects.bytes({ bucket: storeBucket, key });
  if (bytes === undefined) {
    throw new FlotillaError('ImageBuildFailed', `The record ${key} is not in the store`, { key });
  }
  return storedArtifact.parse(JSON.parse(Buffer.from(bytes).toString('utf8')));
}

/**
 * Puts both documents into the store. Repeatable: the same image gives the same documents, but for the time.
 * @param image with its AMI and snapshot
 */
export async function putDocuments(
  objects: Objects,
  config: Pick<Config, 'storeBucket' | 'machinePrefix'>,
  image: ImageItem & { readonly imageId: string; readonly snapshotId: string },
  recipe: Recipe,
  at: string,
): Promise<void> {
  const { storeBucket } = config;
  const { identity } = image;
  const artifact = await readArtifact(objects, storeBucket, image.artifactSha256);
  const { buildInfo } = artifact;
  const bill = JSON.stringify(
    cycloneDx({
      identity,
      builder: { name: 'flotilla', version: productVersion },
      madeAt: at,
      artifact,
      buildInfo,
      kernel: recipe.built?.kernel,
    }),
    null,
    2,
  );
  const manifest = recipe.built?.manifest;
  const statement = JSON.stringify(
    provenance({
      identity,
      imageId: image.imageId,
      snapshotId: image.snapshotId,
      checksum: image.checksum,
      parent: image.parent,
      artifact: recipe.artifact,
      buildInfo,
      kernel: recipe.built?.kernel,
      settings: {
        program: manifest?.program ?? artifact.program,
        arguments: manifest?.arguments ?? [],
        environmentNames: Object.keys(manifest?.environment ?? {}).sort(),
        files: Object.keys(manifest?.files ?? {}).sort(),
        klibs: manifest?.klibs ?? [],
      },
      volumeSizeGiB: recipe.volumeSizeGiB,
      bootMode: recipe.bootMode,
      blockBytes: BLOCK_BYTES,
      builder: {
        id: machineArn(config, 'build-image'),
        version: productVersion,
        layoutVersion: image.builderVersion,
      },
      invocationId: image.owner,
      startedOn: image.createdAt,
      finishedOn: at,
      sbom: {
        uri: `s3://${storeBucket}/${buildKeys.sbom(identity)}`,
        sha256: createHash('sha256').update(bill).digest('hex'),
      },
    }),
    null,
    2,
  );
  await objects.put(
    { bucket: storeBucket, key: buildKeys.sbom(identity) },
    bill,
    'application/vnd.cyclonedx+json',
  );
  await objects.put(
    { bucket: storeBucket, key: buildKeys.provenance(identity) },
    statement,
    'application/vnd.in-toto+json',
  );
}
