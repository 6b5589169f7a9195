/** What makes two images the same one. */
import { createHash } from 'node:crypto';
import type { Manifest } from './manifest.ts';

/**
 * Changes whenever the same input would give other bytes: it is part of every identity, so that a newer builder
 * never adopts an older builder's image for its own.
 */
export const BUILDER_VERSION = '2';

export interface IdentityInput {
  /** SHA-256 of what was uploaded, in hexadecimal. */
  readonly artifactSha256: string;
  /** Digest of the kernel bundle, see {@link kernelDigest}; absent for a disk that brings its own. */
  readonly kernelDigest?: string;
  /** Absent for a disk that brings its own. */
  readonly manifest?: Manifest;
  readonly builderVersion: string;
  readonly volumeSizeGiB: number;
  /** Where the fleet asks for one: the disk differs by it, and how it is registered. */
  readonly bootMode?: string;
}

/**
 * SHA-256, in hexadecimal, of everything that goes into an image. The order of keys does not matter; the order
 * of lists does.
 */
export function imageIdentity(input: IdentityInput): string {
  return createHash('sha256')
    .update(`flotilla image\n${canonicalJson(input)}`)
    .digest('hex');
}

/**
 * JSON with sorted keys and without white space; keys whose value is `undefined` are left out.
 */
export function canonicalJson(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map((inner) => canonicalJson(inner)).join(',')}]`;
  if (value === null || typeof value !== 'object') return JSON.stringify(value) ?? 'null';
  const pairs = Object.entries(value)
    .filter(([, inner]) => inner !== undefined)
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, inner]) => `${JSON.stringify(name)}:${canonicalJson(inner)}`);
  return `{${pairs.join(',')}}`;
}

/**
 * The name of the AMI. It is what makes registering repeatable, since RegisterImage knows no client token: names
 * are unique in an account and region, 3 to 128 characters. Each stack has its own, as two stacks of one account may
 * build the same artifact.
 * https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_RegisterImage.html
 */
export function amiName(stack: string, identity: string): string {
  return `flotilla/${stack}/${identity}`;
}

/** One digest for all files of a kernel bundle: their names and SHA-256 (hexadecimal), in any order. */
export function kernelDigest(files: Iterable<{ readonly name: string; readonly sha256: string }>): string {
  const lines = [...files].map(({ name, sha256 }) => `${sha256} ${name}\n`).sort();
  return createHash('sha256').update(lines.join('')).digest('hex');
}

/**
 * Sixteen bytes for a UUID that follow from a text, marked as version 8 (made by the application, RFC 9562), so
 * that the same image has the same UUIDs whoever builds it.
 */
export function uuidFrom(text: string): Uint8Array {
  const bytes = createHash('sha256').update(text).digest().subarray(0, 16);
  bytes[6] = ((bytes[6] ?? 0) & 0x0f) | 0x80;
  bytes[8] = ((bytes[8] ?? 0) & 0x3f) | 0x80;
  return bytes;
}
