/**
 * Keys of the one table. Everything is found by key or by query; nothing is scanned.
 *
 * | item | pk | sk |
 * | --- | --- | --- |
 * | fleet | `FLEET#web` | `FLEET` |
 * | release | `FLEET#web` | `RELEASE#0000000007` |
 * | rollout | `FLEET#web` | `ROLLOUT#0000000012` |
 * | image of a fleet | `FLEET#web` | `IMAGE#0000000012` (number of the upload) |
 * | artifact | `ARTIFACT#<sha256>` | `ARTIFACT` |
 * | image | `IMAGE#<identity>` | `IMAGE` |
 * | smoke boot | `IMAGE#<identity>` | `BOOT#<id>` |
 * | former fleet | `FLEET#web` | `FORMER` |
 * | upload | `UPLOAD#<id>` | `UPLOAD` |
 * | newest of a key | `KEY#<sha256 of bucket/key>` | `KEY` |
 * | event | `EVENTS#<subject>` | `<time-free key>` |
 * | look-up | `REF#<id>` | `<toType>#<to>` |
 *
 * A look-up is an item of its own, written in the transaction that makes the thing, so that it never lags.
 * The index `byList` lists fleets, uploads and open smoke boots: `listPk`/`listSk`.
 */
import { createHash } from 'node:crypto';

export interface Key {
  readonly pk: string;
  readonly sk: string;
}

/** Numbers sort as text when they are padded; ten digits outlast any fleet. */
function padded(number: number): string {
  return String(number).padStart(10, '0');
}

export const keys = {
  fleet: (fleet: string): Key => ({ pk: `FLEET#${fleet}`, sk: 'FLEET' }),
  formerFleet: (fleet: string): Key => ({ pk: `FLEET#${fleet}`, sk: 'FORMER' }),
  release: (fleet: string, number: number): Key => ({
    pk: `FLEET#${fleet}`,
    sk: `RELEASE#${padded(number)}`,
  }),
  rollout: (fleet: string, number: number): Key => ({
    pk: `FLEET#${fleet}`,
    sk: `ROLLOUT#${padded(number)}`,
  }),
  fleetImage: (fleet: string, upload: number): Key => ({
    pk: `FLEET#${fleet}`,
    sk: `IMAGE#${padded(upload)}`,
  }),
  artifact: (sha256: string): Key => ({ pk: `ARTIFACT#${sha256}`, sk: 'ARTIFACT' }),
  image: (identity: string): Key => ({ pk: `IMAGE#${identity}`, sk: 'IMAGE' }),
  smokeBoot: (identity: string, id: string): Key => ({ pk: `IMAGE#${identity}`, sk: `BOOT#${id}` }),
  upload: (id: string): Key => ({ pk: `UPLOAD#${id}`, sk: 'UPLOAD' }),
  uploadKey: (bucket: string, key: string): Key => ({
    pk: `KEY#${createHash('sha256').update(`${bucket}/${key}`).digest('hex')}`,
    sk: 'KEY',
  }),
  event: (subject: string, key: string): Key => ({ pk: `EVENTS#${subject}`, sk: key }),
  ref: (id: string, toType: string, to: string): Key => ({ pk: `REF#${id}`, sk: `${toType}#${to}` }),
} as const;

/** Prefixes for queries below one partition. */
export const prefixes = { release: 'RELEASE#', rollout: 'ROLLOUT#', fleetImage: 'IMAGE#' } as const;

/** Values of `listPk` in the index `byList`; `listSk` is the fleet's name, or time and id of an upload or smoke boot. */
export const lists = { fleets: 'FLEETS', uploads: 'UPLOADS', smokeBoots: 'SMOKE_BOOTS' } as const;
