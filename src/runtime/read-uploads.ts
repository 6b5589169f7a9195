/** Uploads and their outcomes, read for the API. */
import type { Page, Table } from '../aws/table.ts';
import { together } from '../aws/together.ts';
import type { UploadDetailView, UploadView } from '../contracts/api-views.ts';
import { eventItem, type UploadItem, uploadItem } from '../contracts/items.ts';
import { FlotillaError } from '../errors.ts';
import { keys, lists } from '../lineage/keys.ts';
import { uploadPlace } from '../lineage/places.ts';
import { cursor, cursorBehind } from './paging.ts';
import { eventView, inOrder, uploadView, versionOf } from './views.ts';

export interface UploadFilter {
  readonly fleet?: string | undefined;
  readonly key?: string | undefined;
  readonly versionId?: string | undefined;
  readonly limit: number;
  readonly after?: string | undefined;
}

/** Read at once; a filter that matches little looks at a thousand uploads before it hands back a cursor. */
const pageSize = 100;
const pagesAtMost = 10;

/** Newest first. The list lags behind by moments; a page may be short of `limit` and still have a next one. */
export async function listUploads(table: Table, filter: UploadFilter): Promise<Page<UploadView>> {
  const { fleet, key, versionId, limit } = filter;
  const wanted = (item: UploadItem) =>
    (fleet === undefined || item.fleet === fleet) &&
    (key === undefined || item.key === key) &&
    (versionId === undefined || item.versionId === versionId);
  const found: UploadView[] = [];
  let from = cursor(filter.after);
  for (let pages = 0; pages < pagesAtMost; pages += 1) {
    const page = await table.list(lists.uploads, uploadItem, { limit: pageSize, newestFirst: true, ...from });
    for (const [index, item] of page.items.entries()) {
      if (!wanted(item)) continue;
      found.push(uploadView(item));
      const more = index < page.items.length - 1 || page.next !== undefined;
      if (found.length === limit) {
        return more
          ? { items: found, next: cursorBehind({ ...keys.upload(item.id), ...uploadPlace(item) }) }
          : { items: found };
      }
    }
    if (page.next === undefined) return { items: found };
    from = { from: page.next };
  }
  return from.from === undefined ? { items: found } : { items: found, next: from.from };
}

/** @throws FlotillaError UploadNotFound */
export async function readUpload(table: Table, id: string): Promise<UploadDetailView> {
  const [item, events] = await together([
    table.get(keys.upload(id), uploadItem),
    table.queryAll(keys.event(`upload/${id}`, '').pk, '', eventItem),
  ]);
  if (item === undefined) throw new FlotillaError('UploadNotFound', `There is no upload ${id}.`, { id });
  return {
    ...uploadView(item),
    version: versionOf([item, events.length]),
    steps: inOrder(events).map(eventView),
  };
}
