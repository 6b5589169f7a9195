/** What S3 keeps over restarts: bytes lie in the region's folder, or in the state where they are few. */
import { type Collection, mapOf, type Persistent, type Saved } from '../../state/persistent.ts';
import type { ByteStore, Piece } from './bytes.ts';
import type { Bucket, Buckets, Part, Upload, Version } from './state.ts';

type SavedBucket = Omit<Bucket, 'keys' | 'sortedKeys' | 'uploads'>;
type SavedVersion = Omit<Version, 'pieces'> & { readonly pieces: readonly number[] };
type SavedUpload = Omit<Upload, 'parts'> & {
  readonly parts: readonly (Omit<Part, 'piece'> & { readonly piece: number })[];
};

export function persistentS3(
  buckets: Buckets,
  bytes: ByteStore,
  others: readonly Collection[],
): Omit<Persistent, 'resume'> {
  const bucketOf = (id: string): Bucket => {
    const bucket = buckets.get(id.slice(0, id.indexOf('/')));
    if (bucket === undefined) throw new Error(`There is no bucket for ${id}`);
    return bucket;
  };

  const keys: Collection = {
    name: 'keys',
    *save(): Iterable<Saved> {
      for (const bucket of buckets.values())
        for (const [key, versions] of bucket.keys)
          yield {
            id: `${bucket.name}/${key}`,
            stamp: stampOf(versions),
            value: () => versions.map(saveVersion),
          };
    },
    load(id, value) {
      const bucket = bucketOf(id);
      const versions = (value as SavedVersion[]).map((version) => ({
        ...version,
        pieces: version.pieces.map((piece) => bytes.piece(piece)),
      }));
      bucket.keys.set(id.slice(bucket.name.length + 1), versions);
    },
  };

  const uploads: Collection = {
    name: 'uploads',
    *save(): Iterable<Saved> {
      for (const bucket of buckets.values())
        for (const upload of bucket.uploads.values())
          yield { id: `${bucket.name}/${upload.id}`, value: () => saveUpload(upload) };
    },
    load(id, value) {
      const upload = value as SavedUpload;
      const parts = upload.parts.map(
        (part) => [part.number, { ...part, piece: bytes.piece(part.piece) }] as const,
      );
      bucketOf(id).uploads.set(upload.id, { ...upload, parts: new Map(parts) });
    },
  };

  return {
    name: 's3',
    version: 1,
    collections: [
      bytes.collection(),
      mapOf<Bucket>('buckets', buckets, {
        save: ({ keys: _keys, sortedKeys: _sorted, uploads: _uploads, ...rest }): SavedBucket => rest,
        load: (plain: SavedBucket) => ({
          ...plain,
          keys: new Map(),
          sortedKeys: undefined,
          uploads: new Map(),
        }),
      }),
      keys,
      uploads,
      ...others,
    ],
  };
}

const idsOf = (pieces: readonly Piece[]): number[] => pieces.map((piece) => piece.id);

/** Versions do not change but for their tags. */
function stampOf(versions: readonly Version[]): string {
  return versions
    .map(({ versionId, lastModified, pieces, tags }) => {
      const shown = tags.length === 0 ? '' : JSON.stringify(tags);
      return `${versionId} ${lastModified.getTime()} ${pieces[0]?.id ?? ''} ${shown}`;
    })
    .join('\n');
}

function saveVersion({ pieces, ...rest }: Version): SavedVersion {
  return { ...rest, pieces: idsOf(pieces) };
}

function saveUpload({ parts, ...rest }: Upload): SavedUpload {
  return { ...rest, parts: [...parts.values()].map(({ piece, ...part }) => ({ ...part, piece: piece.id })) };
}
