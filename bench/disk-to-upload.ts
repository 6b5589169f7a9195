import { type DiskPlan, makePlan } from '../src/image/extents.ts';

export interface DiskToUpload {
  readonly file: string;
  readonly volumeSizeGiB: number;
  /** Parts of the file, and where they lie on the disk. */
  readonly extents: readonly {
    readonly offset: number;
    readonly sizeBytes: number;
    readonly fileOffset: number;
  }[];
}

export function planOf({ volumeSizeGiB, extents }: DiskToUpload): DiskPlan {
  const from = (fileOffset: number) => ({ source: 'file', offset: fileOffset });
  return makePlan(
    volumeSizeGiB * 1024 ** 3,
    extents.map(({ fileOffset, ...extent }) => ({ ...extent, from: from(fileOffset) })),
  );
}
