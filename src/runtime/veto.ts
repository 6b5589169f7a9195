/** Vetoes: an image that stands, and that nothing deploys until the veto is taken back. What runs of it runs on. */
import type { Table } from '../aws/table.ts';
import { type Actor, type ImageItem, imageItem, refItem } from '../contracts/items.ts';
import { FlotillaError } from '../errors.ts';
import { imageUnvetoed, imageVetoed } from '../lineage/events.ts';
import { keys } from '../lineage/keys.ts';
import { imageUnchanged } from './image-attempt.ts';

export interface Veto {
  readonly identity: string;
  readonly reason: string;
  readonly by: Actor;
  /** What lineage keeps beside the reason. */
  readonly data?: Readonly<Record<string, unknown>>;
}

/** The identity of an image that is named by its AMI or by itself. @throws FlotillaError ImageNotFound */
export async function identityOf(table: Table, image: string): Promise<string> {
  if (!image.startsWith('ami-')) return image;
  const { pk, sk } = keys.ref(image, 'image', '');
  const [ref] = await table.queryAll(pk, sk, refItem);
  if (ref !== undefined) return ref.to;
  throw new FlotillaError('ImageNotFound', `${image} is not an image that was made here.`, {
    imageId: image,
  });
}

async function requireImage(table: Table, identity: string): Promise<ImageItem> {
  const image = await table.get(keys.image(identity), imageItem);
  if (image !== undefined) return image;
  throw new FlotillaError('ImageNotFound', `There is no image ${identity}.`, { identity });
}

/** Writes the item anew, provided that nobody else has changed it since it was read. */
async function save(
  table: Table,
  before: ImageItem,
  after: ImageItem,
  event: ReturnType<typeof imageVetoed>,
): Promise<void> {
  const { identity } = before;
  const { outcome } = await table.commit({
    writes: [{ kind: 'put', key: keys.image(identity), item: after, condition: imageUnchanged(before) }],
    events: [event],
  });
  if (outcome === 'refused') {
    throw new FlotillaError('RequestConflict', `The image ${identity} was changed meanwhile.`, { identity });
  }
}

/**
 * Vetoes an image. One that is vetoed already keeps its first reason.
 *
 * @throws FlotillaError ImageNotFound, RequestRefused for one that does not stand, RequestConflict
 */
export async function vetoImage(
  table: Table,
  { identity, reason, by, data }: Veto,
  at: string,
): Promise<{ readonly outcome: 'vetoed' | 'unchanged'; readonly image: ImageItem }> {
  const image = await requireImage(table, identity);
  if (image.state === 'vetoed') return { outcome: 'unchanged', image };
  if (image.state !== 'available') {
    throw new FlotillaError('RequestRefused', `The image is ${image.state}: there is nothing to veto.`, {
      identity,
    });
  }
  const vetoed: ImageItem = { ...image, state: 'vetoed', veto: { reason, at, by } };
  await save(table, image, vetoed, imageVetoed(vetoed, { ...data, reason }, { at, by }));
  return { outcome: 'vetoed', image: vetoed };
}

/**
 * Takes a veto back: the image may be deployed again.
 *
 * @throws FlotillaError ImageNotFound, RequestConflict
 */
export async function unvetoImage(
  table: Table,
  { identity, reason, by }: Omit<Veto, 'reason' | 'data'> & { readonly reason: string | undefined },
  at: string,
): Promise<{ readonly outcome: 'unvetoed' | 'unchanged'; readonly image: ImageItem }> {
  const image = await requireImage(table, identity);
  if (image.state !== 'vetoed') return { outcome: 'unchanged', image };
  const { veto, ...rest } = image;
  const free: ImageItem = { ...rest, state: 'available' };
  await save(table, image, free, imageUnvetoed(free, { reason, former: veto?.reason }, { at, by }));
  return { outcome: 'unvetoed', image: free };
}
