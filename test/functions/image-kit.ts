/** An image that is being built, as its item and its recipe say; what a test is about it says itself. */
export const identity = 'a'.repeat(64);
const artifactSha256 = 'b'.repeat(64);

export const buildingImage = {
  type: 'image',
  identity,
  state: 'building',
  owner: 'arn:self',
  attempt: 1,
  artifactSha256,
  architecture: 'x86_64',
  kernel: '0.1.54',
  kernelDigest: 'c'.repeat(64),
  builderVersion: '1',
  volumeSizeGiB: 1,
  createdAt: '2026-11-23T12:00:00.000Z',
} as const;

/** Of a disk that was uploaded. */
export function recipeOfDisk(sizeBytes: number) {
  return {
    identity,
    artifact: {
      bucket: 'flotilla-uploads',
      key: 'web/disk',
      versionId: 'v1',
      sha256: artifactSha256,
      kind: 'nanos-disk',
      sizeBytes,
      architecture: 'x86_64',
    },
    volumeSizeGiB: 1,
  };
}
