/** `results/<fleet>/<name>.json` in the store: what became of the newest upload of a key. */
import type { Objects } from '../aws/objects.ts';
import type { Table } from '../aws/table.ts';
import { buildKeys } from '../contracts/build.ts';
import { type UploadItem, uploadItem, uploadKeyItem } from '../contracts/items.ts';
import { keys } from '../lineage/keys.ts';
import { isLaterEvent } from '../lineage/upload.ts';

/** What is told of an upload, in the file and in the event. */
export function toldOf({ type: _type, told: _told, ...upload }: UploadItem) {
  return upload;
}

/** The newest upload of the same key, this one included, as the table has it now. */
async function newestOfKey(item: UploadItem, table: Table): Promise<UploadItem> {
  const known = await table.get(keys.uploadKey(item.bucket, item.key), uploadKeyItem);
  const id = known !== undefined && isLaterEvent(known.sequencer, item.sequencer) ? known.upload : item.id;
  return (await table.get(keys.upload(id), uploadItem)) ?? item;
}

/**
 * Writes the file of an upload's key, from the newest upload of that key once it has ended: an older one that ends
 * later must not stand in its place. Who wrote meanwhile is written again, so that the last write is the truth.
 */
export async function writeResult(
  item: UploadItem,
  { table, objects }: { readonly table: Table; readonly objects: Pick<Objects, 'put'> },
  storeBucket: string,
): Promise<void> {
  for (let written: string | undefined; ; ) {
    const newest = await newestOfKey(item, table);
    if (newest.endedAt === undefined) return;
    const content = `${JSON.stringify(toldOf(newest), null, 2)}\n`;
    if (content === written) return;
    await objects.put({ bucket: storeBucket, key: buildKeys.result(item.key) }, content, 'application/json');
    written = content;
  }
}
