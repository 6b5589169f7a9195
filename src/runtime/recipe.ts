/** What an image is made from, fixed at one moment: specs and kernels may change while it is built. */
import type { Objects } from '../aws/objects.ts';
import {
  type AcceptedUpload,
  type BuildAttempt,
  buildKeys,
  type Recipe,
  recipe,
  type UploadJob,
} from '../contracts/build.ts';
import type { FleetSpec } from '../contracts/fleet-spec.ts';
import { FlotillaError } from '../errors.ts';
import { BUILDER_VERSION, imageIdentity } from '../image/identity.ts';
import { makeManifest } from '../image/manifest.ts';
import type { Config } from './config.ts';
import { describeDisk } from './disk.ts';
import { openKernel } from './kernel-bundle.ts';

export interface RecipeInput {
  readonly upload: UploadJob;
  readonly artifact: AcceptedUpload;
  readonly settings: FleetSpec['image'];
}

/**
 * Fixes the recipe of an upload's image. The fleet's name is not in it: the same bytes with the same settings
 * are one image, whoever runs it.
 *
 * @throws FlotillaError KernelNotFound, KernelInvalid, KernelStandIn, ManifestInvalid, ArtifactTooLarge
 */
export async function makeRecipe(
  objects: Objects,
  config: Pick<Config, 'storeBucket' | 'standInKernel'>,
  { upload, artifact, settings }: RecipeInput,
): Promise<Recipe> {
  const { bucket, key, versionId } = upload;
  const { sha256, kind, sizeBytes, architecture } = artifact;
  const { volumeSizeGiB } = settings;
  // Where nothing is asked for, as before it could be: identities of that time stay what they are.
  const bootMode = settings.bootMode ?? (architecture === 'arm64' ? 'uefi' : 'legacy-bios');
  const common = {
    artifact: { bucket, key, versionId, sha256, kind, sizeBytes, architecture },
    volumeSizeGiB,
    bootMode,
  };
  const identified = {
    artifactSha256: sha256,
    builderVersion: BUILDER_VERSION,
    volumeSizeGiB,
    ...(settings.bootMode && { bootMode: settings.bootMode }),
  };
  if (kind === 'nanos-disk') {
    if (bootMode !== 'legacy-bios' && artifact.efiSystem !== true) {
      throw new FlotillaError(
        'ManifestInvalid',
        `The fleet's image.bootMode is ${bootMode}, and the disk has no EFI system partition`,
        { bootMode },
      );
    }
    const made = { ...common, identity: imageIdentity(identified) };
    describeDisk(objects, made, undefined); // refuses what does not fit before anything is claimed
    return made;
  }
  const kernel = await openKernel(objects, config, { version: settings.kernel, architecture });
  const manifest = makeManifest(settings, artifact.program);
  const identity = imageIdentity({ ...identified, kernelDigest: kernel.digest, manifest });
  const made: Recipe = {
    ...common,
    identity,
    built: {
      kernel: { version: kernel.version, digest: kernel.digest },
      manifest: {
        program: manifest.program,
        arguments: [...manifest.arguments],
        environment: { ...manifest.environment },
        files: { ...manifest.files },
        klibs: [...manifest.klibs],
        flags: [...manifest.flags],
        attributes: {},
      },
    },
  };
  describeDisk(objects, made, kernel);
  return made;
}

/** The recipe that the claimed attempt left in the store. */
export async function readRecipe(
  objects: Objects,
  storeBucket: string,
  attempt: BuildAttempt,
): Promise<Recipe> {
  const key = buildKeys.recipe(attempt);
  const bytes = await objects.bytes({ bucket: storeBucket, key });
  if (bytes === undefined) {
    throw new FlotillaError('ImageBuildFailed', `The recipe ${key} is not in the store`, { key });
  }
  return recipe.parse(JSON.parse(Buffer.from(bytes).toString('utf8')));
}
