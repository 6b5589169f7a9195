/** Looks at what was uploaded: its digest in one pass, and what it is by ranges. Nothing is held in memory. */
import { createHash } from 'node:crypto';
import * as z from 'zod';
import { hasCode } from '../src/aws/errors.ts';
import { type Objects, openObjects } from '../src/aws/objects.ts';
import { openTable, type Table } from '../src/aws/table.ts';
import {
  type AcceptedUpload,
  buildKeys,
  executionArn,
  type UploadJob,
  uploadJob,
} from '../src/contracts/build.ts';
import type { FleetSpec } from '../src/contracts/fleet-spec.ts';
import type { ArtifactItem } from '../src/contracts/items.ts';
import { type StoredArtifact, storedArtifact } from '../src/contracts/stored-artifact.ts';
import { FlotillaError } from '../src/errors.ts';
import { type Advice, adviceInImage, adviseSettings, holdsFiles } from '../src/image/advice.ts';
import type { GoBuildInfo } from '../src/image/build-info.ts';
import { programPath } from '../src/image/manifest.ts';
import { type Recognised, recognise } from '../src/image/recognise.ts';
import { uploadId } from '../src/lineage/upload.ts';
import { acceptUpload, numberUpload } from '../src/runtime/accept-upload.ts';
import { type Invocation, lambdaFunction } from '../src/runtime/handler.ts';

interface Deps {
  readonly table: Table;
  readonly objects: Objects;
}

const gib = 1_073_741_824;

/** Enough to end by name: Lambda would kill the function without one, and the next try would come no further. */
const reserveMilliseconds = 20_000;

/** @throws FlotillaError ArtifactTooSlow */
function requireTime({ key, versionId, sizeBytes }: UploadJob, invocation: Invocation): void {
  if (invocation.remainingMilliseconds() >= reserveMilliseconds) return;
  throw new FlotillaError(
    'ArtifactTooSlow',
    `The time of the inspection was over before the file's ${sizeBytes} bytes were read`,
    { key, versionId },
  );
}

async function sha256Of(
  objects: Objects,
  job: UploadJob,
  invocation: Invocation,
): Promise<{ sha256: string; sizeBytes: number }> {
  const hash = createHash('sha256');
  let sizeBytes = 0;
  for await (const piece of await objects.stream(job)) {
    hash.update(piece);
    sizeBytes += piece.length;
    requireTime(job, invocation);
  }
  return { sha256: hash.digest('hex'), sizeBytes };
}

function goFacts(info: GoBuildInfo | undefined): Partial<ArtifactItem> {
  const facts = {
    goVersion: info?.goVersion,
    module: info?.main?.path ?? info?.path,
    moduleVersion: info?.main?.version,
    vcsRevision: info?.vcs?.revision,
    vcsTime: info?.vcs?.time,
    vcsModified: info?.vcs?.modified,
  };
  return Object.fromEntries(Object.entries(facts).filter(([, value]) => value !== undefined));
}

/** @throws FlotillaError ArtifactArchitectureMismatch, ArtifactTooLarge */
function requireFit(found: Recognised, sizeBytes: number, architecture: string, volumeSizeGiB: number): void {
  if (found.architecture !== architecture) {
    throw new FlotillaError(
      'ArtifactArchitectureMismatch',
      `The program is for ${found.architecture}, and the fleet runs ${architecture}`,
      { artifact: found.architecture, fleet: architecture },
    );
  }
  if (sizeBytes > volumeSizeGiB * gib) {
    throw new FlotillaError(
      'ArtifactTooLarge',
      `The file has ${sizeBytes} bytes, a volume of the fleet ${volumeSizeGiB} GiB`,
      { sizeBytes, volumeSizeGiB },
    );
  }
}

/** Of the program, and of the fleet's settings; a disk brings its own. */
function allAdvice(found: Recognised, spec: FleetSpec, program: string): Advice[] {
  const { image, port } = spec;
  if (found.kind === 'nanos-disk') {
    const { advice, environment, holds } = found;
    return [...advice, ...adviseSettings({ arguments: [], environment, holds, port })];
  }
  const { arguments: given, environment } = image;
  const holds = holdsFiles([program, ...Object.keys(image.files), '/etc/resolv.conf']);
  return [
    ...adviceInImage(found.advice, { environment, holds }),
    ...adviseSettings({ arguments: given, environment, holds, port }),
  ];
}

async function inspect(job: UploadJob, { table, objects }: Deps, invocation: Invocation) {
  const { clock, config } = invocation;
  const id = uploadId(job);
  const { upload, fleet } = await numberUpload(table, id, clock.now);
  const head = await objects.head(job);
  if (head === undefined) throw uploadGone(job);
  const source = objects.source(job, head.sizeBytes);
  const found = await recognise({
    ...source,
    async read(...range) {
      requireTime(job, invocation);
      return await source.read(...range);
    },
  });
  requireFit(found, head.sizeBytes, fleet.spec.architecture, fleet.spec.image.volumeSizeGiB);
  const { sha256, sizeBytes } = await sha256Of(objects, job, invocation);
  if (sizeBytes !== head.sizeBytes) throw new Error(`S3 gave ${sizeBytes} of ${head.sizeBytes} bytes`);

  const { kind, architecture } = found;
  const program = found.kind === 'go-elf' ? programPath(found.buildInfo) : found.program;
  const programSha256 = found.kind === 'nanos-disk' ? found.programSha256 : undefined;
  const seen: StoredArtifact = storedArtifact.parse({
    sha256,
    kind,
    architecture,
    program,
    programSha256,
    buildInfo: found.buildInfo,
    advice: found.advice,
  });
  await objects.put(
    { bucket: config.storeBucket, key: buildKeys.artifact(sha256) },
    JSON.stringify(seen),
    'application/json',
  );
  await acceptUpload(
    table,
    id,
    {
      type: 'artifact',
      sha256,
      kind,
      sizeBytes,
      architecture,
      ...goFacts(found.buildInfo),
      program,
      ...(programSha256 === undefined ? {} : { programSha256 }),
      bucket: job.bucket,
      key: job.key,
      versionId: job.versionId,
    },
    allAdvice(found, fleet.spec, program),
    clock.now,
  );
  return {
    uploadId: id,
    fleet: fleet.fleet,
    upload: upload.number,
    sha256,
    kind,
    architecture,
    sizeBytes,
    program,
    ...(found.kind === 'nanos-disk' ? { efiSystem: found.hasEfiSystem } : {}),
    deployOnUpload: fleet.spec.deployOnUpload,
  } satisfies AcceptedUpload;
}

function uploadGone({ bucket, key, versionId }: UploadJob): FlotillaError {
  return new FlotillaError('UploadGone', `${bucket}/${key} has no version ${versionId} any more`, {
    bucket,
    key,
    versionId,
  });
}

export const handler = lambdaFunction({
  name: 'inspect-artifact',
  input: z.strictObject({ upload: uploadJob, executionArn }),
  deps: (config): Deps => ({ table: openTable(config.table), objects: openObjects() }),
  run: async ({ upload }, deps, invocation) => {
    try {
      return await inspect(upload, deps, invocation);
    } catch (error) {
      if (hasCode(error, 'NoSuchKey', 'NoSuchVersion')) throw uploadGone(upload);
      throw error;
    }
  },
});
