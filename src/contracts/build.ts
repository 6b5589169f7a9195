/** What the states of build-image hand to each other. */
import { createHash } from 'node:crypto';
import * as z from 'zod';
import { architecture, bootMode, sha256Hex } from './ids.ts';
import { actor } from './items.ts';

/** Input of build-image: all from S3's event, so that the event's double has the same name and input. */
export const uploadJob = z.strictObject({
  bucket: z.string(),
  key: z.string(),
  versionId: z.string(),
  sequencer: z.string(),
  sizeBytes: z.number().int().min(0),
  uploader: actor,
});
export type UploadJob = z.infer<typeof uploadJob>;

/** The execution that acts. */
export const executionArn = z.string().startsWith('arn:');

/** What inspect-artifact found: an artifact that this fleet can run. */
export const acceptedUpload = z.strictObject({
  uploadId: z.string(),
  fleet: z.string(),
  /** The fleet's number of this upload. */
  upload: z.number().int().min(1),
  sha256: sha256Hex,
  kind: z.enum(['go-elf', 'nanos-disk']),
  architecture,
  sizeBytes: z.number().int().min(1),
  /** Where the program lies in the image: follows from the artifact alone. */
  program: z.string(),
  /** The artifact is a disk that can boot by UEFI. */
  efiSystem: z.boolean().optional(),
  deployOnUpload: z.boolean(),
});
export type AcceptedUpload = z.infer<typeof acceptedUpload>;

/** An attempt to build an image, as its owner hands it on. */
export const buildAttempt = z.strictObject({
  identity: sha256Hex,
  attempt: z.number().int().min(1),
});
export type BuildAttempt = z.infer<typeof buildAttempt>;

/** Everything that an image is made from, kept in the store for the functions that write its blocks. */
export const recipe = z.strictObject({
  identity: sha256Hex,
  artifact: z.strictObject({
    bucket: z.string(),
    key: z.string(),
    versionId: z.string(),
    sha256: sha256Hex,
    kind: z.enum(['go-elf', 'nanos-disk']),
    sizeBytes: z.number().int().min(1),
    architecture,
  }),
  volumeSizeGiB: z.number().int().min(1),
  /** A recipe of before there was a choice says nothing: it was for BIOS. */
  bootMode: bootMode.default('legacy-bios'),
  /** Absent for a disk, which brings both. */
  built: z
    .strictObject({
      kernel: z.strictObject({ version: z.string(), digest: sha256Hex }),
      manifest: z.strictObject({
        program: z.string(),
        arguments: z.array(z.string()),
        environment: z.record(z.string(), z.string()),
        files: z.record(z.string(), z.string()),
        klibs: z.array(z.string()),
        flags: z.array(z.string()),
        /** Further keys of the manifest: a fleet's spec has none. */
        attributes: z.strictObject({}),
      }),
    })
    .optional(),
});
export type Recipe = z.infer<typeof recipe>;

/** https://docs.aws.amazon.com/AmazonS3/latest/userguide/object-keys.html: of a key, in UTF-8. */
const mostKeyBytes = 1024;

/** A key's place below results/: itself, and of one that is too long for that the beginning and the key's SHA-256. */
function resultKey(uploadKey: string): string {
  const [before, after] = ['results/', '.json'];
  const room = mostKeyBytes - before.length - after.length;
  const bytes = Buffer.from(uploadKey);
  if (bytes.length <= room) return `${before}${uploadKey}${after}`;
  const tail = `-${createHash('sha256').update(bytes).digest('hex')}`;
  // `stream`: a character that is cut in two is left out.
  const begins = new TextDecoder().decode(bytes.subarray(0, room - tail.length), { stream: true });
  return `${before}${begins}${tail}${after}`;
}

/** Keys in the store. */
export const buildKeys = {
  recipe: ({ identity, attempt }: BuildAttempt) => `recipes/${identity}/${attempt}.json`,
  /** Digests of the blocks of one segment, see segmentBlocks. */
  digests: ({ identity, attempt }: BuildAttempt, segment: number) =>
    `digests/${identity}/${attempt}/${String(segment).padStart(6, '0')}.json`,
  /** The map of an attempt's blocks, see blockMap: the image's once it is recorded. */
  blockMap: ({ identity, attempt }: BuildAttempt) => `digests/${identity}/${attempt}/map.json`,
  /** What was seen when the artifact was inspected, see storedArtifact. */
  artifact: (sha256: string) => `artifacts/${sha256}.json`,
  /** CycloneDX. */
  sbom: (identity: string) => `images/${identity}/sbom.cdx.json`,
  /** An in-toto Statement with SLSA's provenance. */
  provenance: (identity: string) => `images/${identity}/provenance.json`,
  /** The console of a smoke boot's instance, at its end. */
  console: (identity: string, boot: string) => `consoles/${identity}/${boot}.txt`,
  /** What became of an upload, for those who only use the bucket. */
  result: resultKey,
} as const;

/** A run of blocks that one call of write-blocks takes: from `first`, `count` blocks. */
export const segment = z.strictObject({
  number: z.number().int().min(0),
  first: z.number().int().min(0),
  count: z.number().int().min(1),
});
export type Segment = z.infer<typeof segment>;

/** What one segment wrote; the digests themselves lie in the store (see image-blocks.ts). */
export const writtenSegment = z.strictObject({
  ...segment.shape,
  /** Blocks of the image that are not zero, and blocks that were put. */
  nonZero: z.number().int().min(0),
  put: z.number().int().min(0),
  /** SHA-256, hexadecimal, of the file with the digests. */
  digest: sha256Hex,
});
export type WrittenSegment = z.infer<typeof writtenSegment>;
