/**
 * The checksums that S3 keeps beside an object.
 * https://docs.aws.amazon.com/AmazonS3/latest/userguide/checking-object-integrity-upload.html
 */
import { createHash } from 'node:crypto';
import { crc32 } from 'node:zlib';
import { AwsError } from '../../service.ts';

export const checksumAlgorithms = ['CRC32', 'CRC32C', 'CRC64NVME', 'SHA1', 'SHA256'] as const;
export type ChecksumAlgorithm = (typeof checksumAlgorithms)[number];

const sumBytes = { CRC32: 4, CRC32C: 4, CRC64NVME: 8, SHA1: 20, SHA256: 32 } satisfies Record<
  ChecksumAlgorithm,
  number
>;

/** Whether a text can be a sum: base64 of the right length. */
export function isSum(algorithm: ChecksumAlgorithm, text: string): boolean {
  const bytes = Buffer.from(text, 'base64');
  return bytes.length === sumBytes[algorithm] && bytes.toString('base64') === text;
}

/** Takes bytes in and says the sum in base64; `digest` may be asked once. */
export interface Summing {
  update(chunk: Uint8Array): void;
  digest(): string;
}

export function summing(algorithm: ChecksumAlgorithm): Summing {
  switch (algorithm) {
    case 'CRC32': {
      let sum = 0;
      return {
        update: (chunk) => {
          sum = crc32(chunk, sum);
        },
        digest: () => words(sum),
      };
    }
    case 'CRC32C':
      return crc32c();
    case 'CRC64NVME':
      return crc64nvme();
    default: {
      const hash = createHash(algorithm.toLowerCase());
      return { update: (chunk) => void hash.update(chunk), digest: () => hash.digest('base64') };
    }
  }
}

/** The algorithm that a request names. @throws AwsError for those that the region lacks. */
export function algorithmNamed(name: string): ChecksumAlgorithm {
  const found = checksumAlgorithms.find((one) => one === name.toUpperCase());
  if (found === undefined)
    throw new AwsError('InvalidRequest', `The local region does not know the checksum algorithm ${name}.`);
  return found;
}

/** The sum over the parts' sums, as S3 gives it for a composite checksum, without the count. */
export function compositeSum(algorithm: ChecksumAlgorithm, parts: readonly string[]): string {
  const sum = summing(algorithm);
  for (const part of parts) sum.update(Buffer.from(part, 'base64'));
  return sum.digest();
}

function words(...values: readonly number[]): string {
  const bytes = Buffer.alloc(values.length * 4);
  for (const [index, value] of values.entries()) bytes.writeUInt32BE(value >>> 0, index * 4);
  return bytes.toString('base64');
}

let castagnoli: Uint32Array | undefined;

function crc32c(): Summing {
  castagnoli ??= Uint32Array.from({ length: 256 }, (_, index) => {
    let value = index;
    for (let bit = 0; bit < 8; bit += 1) value = value & 1 ? (value >>> 1) ^ 0x82f63b78 : value >>> 1;
    return value;
  });
  const table = castagnoli;
  let sum = 0xffffffff;
  return {
    update: (chunk) => {
      for (const byte of chunk) sum = (table[(sum ^ byte) & 255] as number) ^ (sum >>> 8);
    },
    digest: () => words(~sum),
  };
}

let nvme: { readonly high: Uint32Array; readonly low: Uint32Array } | undefined;

/** CRC-64/NVME in two halves of 32 bits: BigInt would be thirty times slower. */
function crc64nvme(): Summing {
  nvme ??= nvmeTables();
  const { high, low } = nvme;
  let upper = 0xffffffff;
  let lower = 0xffffffff;
  return {
    update: (chunk) => {
      for (const byte of chunk) {
        const index = (lower ^ byte) & 255;
        lower = ((lower >>> 8) | (upper << 24)) ^ (low[index] as number);
        upper = (upper >>> 8) ^ (high[index] as number);
      }
    },
    digest: () => words(~upper, ~lower),
  };
}

function nvmeTables(): { high: Uint32Array; low: Uint32Array } {
  const high = new Uint32Array(256);
  const low = new Uint32Array(256);
  const polynomial = 0x9a6c9329ac4bc9b5n; // 0xad93d23594c93659, reflected
  for (let index = 0; index < 256; index += 1) {
    let value = BigInt(index);
    for (let bit = 0; bit < 8; bit += 1) value = value & 1n ? (value >> 1n) ^ polynomial : value >> 1n;
    high[index] = Number(value >> 32n);
    low[index] = Number(value & 0xffffffffn);
  }
  return { high, low };
}
