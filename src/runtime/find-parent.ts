/** Finds the image of a fleet to which a new one is written as a difference. */
import type { Objects } from '../aws/objects.ts';
import type { Table } from '../aws/table.ts';
import type { Recipe } from '../contracts/build.ts';
import type { ParentImage } from '../contracts/image-blocks.ts';
import { fleetImageItem, imageItem } from '../contracts/items.ts';
import { chooseParent, type ParentCandidate } from '../image/delta.ts';
import { keys, prefixes } from '../lineage/keys.ts';
import { findBlockMap } from './block-map.ts';

/** How far to look back: an older image has little in common with the new one. */
const newest = 5;

/** The parent as it is best at this moment; the claim fixes it for the attempt. */
export async function findParent(
  { table, objects }: { readonly table: Table; readonly objects: Objects },
  storeBucket: string,
  fleet: string,
  { identity, artifact: { architecture }, volumeSizeGiB }: Recipe,
): Promise<ParentImage | undefined> {
  const { items } = await table.query(keys.fleet(fleet).pk, prefixes.fleetImage, fleetImageItem, {
    limit: newest,
    newestFirst: true,
  });
  const candidates: ParentCandidate[] = [];
  for (const one of new Set(items.map((item) => item.identity))) {
    const image = await table.get(keys.image(one), imageItem);
    if (image !== undefined) candidates.push({ image, map: await findBlockMap(objects, storeBucket, one) });
  }
  return chooseParent({ identity, architecture, volumeSizeGiB }, candidates);
}
