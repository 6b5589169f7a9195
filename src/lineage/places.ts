/** Places of items in the index `byList`. Whoever writes such an item anew gives its place again. */
import type { UploadItem } from '../contracts/items.ts';
import { lists } from './keys.ts';

export interface Place {
  readonly listPk: string;
  readonly listSk: string;
}

/** Fleets by name. */
export function fleetPlace(fleet: string): Place {
  return { listPk: lists.fleets, listSk: fleet };
}

/** Uploads by the time at which they came. */
export function uploadPlace(upload: Pick<UploadItem, 'id' | 'receivedAt'>): Place {
  return { listPk: lists.uploads, listSk: `${upload.receivedAt}#${upload.id}` };
}
