/** What an upload's address says: its id, its fleet, its place in the order of its key. */
import { createHash } from 'node:crypto';
import { fleetName } from '../contracts/ids.ts';
import { FlotillaError } from '../errors.ts';

export interface UploadAddress {
  readonly bucket: string;
  readonly key: string;
  readonly versionId: string;
}

/**
 * The id of an upload: 32 hexadecimal digits that follow from bucket, key and version, so that S3's second
 * event for the same upload finds the first.
 */
export function uploadId({ bucket, key, versionId }: UploadAddress): string {
  return createHash('sha256').update(`${bucket}/${key}/${versionId}`).digest('hex').slice(0, 32);
}

/** The name of the execution of build-image for an upload. */
export function buildExecutionName(id: string): string {
  return `up-${id}`;
}

/**
 * `web/hello` names the fleet `web` and the upload `hello`, which may hold more slashes.
 * @throws FlotillaError UploadKeyInvalid
 */
export function parseUploadKey(key: string): { fleet: string; name: string } {
  const slash = key.indexOf('/');
  const name = key.slice(slash + 1);
  if (slash < 0 || name === '' || name.endsWith('/')) {
    throw new FlotillaError(
      'UploadKeyInvalid',
      `The key ${JSON.stringify(key)} has not the form <fleet>/<name>`,
      {
        key,
      },
    );
  }
  const fleet = fleetName.safeParse(key.slice(0, slash));
  if (!fleet.success) {
    throw new FlotillaError(
      'UploadKeyInvalid',
      `${JSON.stringify(key.slice(0, slash))} cannot be the name of a fleet (${fleet.error.issues[0]?.message})`,
      { key },
    );
  }
  return { fleet: fleet.data, name };
}

/** Metadata of an object that was put on behalf of a person: the ARN of who asked for it. */
export const onBehalfOf = 'flotilla-by';

/**
 * Whether the one who put an object is a function of ours that does so on behalf of a person. Nobody else's word
 * for who asked is believed: metadata can be written by whoever may put objects.
 *
 * @param principalId of S3's event: `AWS:AROA…:session` for a role
 * @param roles ids of the functions' roles, which no other role can have
 * https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_identifiers.html#identifiers-unique-ids
 */
export function actsOnBehalf(principalId: string, roles: readonly string[]): boolean {
  const [kind, role] = principalId.split(':');
  return kind === 'AWS' && role !== undefined && roles.includes(role);
}

/** The fleet that a key names, or undefined where it names none. */
export function fleetOfKey(key: string): string | undefined {
  try {
    return parseUploadKey(key).fleet;
  } catch {
    return undefined;
  }
}

/** Keys in S3's events are encoded as in forms: a plus sign is a blank. What is no such encoding stays as it is. */
export function decodeEventKey(key: string): string {
  try {
    return decodeURIComponent(key.replaceAll('+', ' '));
  } catch {
    return key;
  }
}

/**
 * Whether the sequencer `a` belongs to a later event of the same key than `b`.
 * https://docs.aws.amazon.com/AmazonS3/latest/userguide/notification-content-structure.html: pad the shorter
 * one with zeros on the right and compare as text.
 */
export function isLaterEvent(a: string, b: string): boolean {
  const length = Math.max(a.length, b.length);
  return a.toUpperCase().padEnd(length, '0') > b.toUpperCase().padEnd(length, '0');
}
