/** Checksums of one upload: those that were said, in headers or behind the body, against those of the bytes. */
import { AwsError } from '../../service.ts';
import { announcedTrailers, trailersOf } from '../../wire/chunked.ts';
import { algorithmNamed, type ChecksumAlgorithm, type Summing, summing } from './checksums.ts';
import type { Checksum, Upload } from './state.ts';

const member = (algorithm: ChecksumAlgorithm) => `Checksum${algorithm}` as const;

/** The members that carry a checksum, for an answer. */
export function checksumFields(checksum: Checksum | undefined): Readonly<Record<string, string>> {
  if (checksum === undefined) return {};
  return { [member(checksum.algorithm)]: checksum.value, ChecksumType: checksum.type };
}

const prefix = 'x-amz-checksum-';

/**
 * What an upload in parts is begun with: an algorithm, and how the parts' sums make that of the whole. CRC64NVME is of
 * the whole alone, SHA of the parts alone.
 * https://docs.aws.amazon.com/AmazonS3/latest/userguide/checking-object-integrity-upload.html
 */
export function checksumOfUpload({
  ChecksumAlgorithm: named,
  ChecksumType: type,
}: {
  readonly ChecksumAlgorithm?: string | undefined;
  readonly ChecksumType?: Checksum['type'] | undefined;
}): Upload['checksum'] {
  if (named === undefined) {
    if (type === undefined) return undefined;
    throw new AwsError(
      'InvalidRequest',
      'The x-amz-checksum-type header can only be used with the x-amz-checksum-algorithm header.',
    );
  }
  const algorithm = algorithmNamed(named);
  const only =
    algorithm === 'CRC64NVME' ? 'FULL_OBJECT' : algorithm.startsWith('SHA') ? 'COMPOSITE' : undefined;
  if (type !== undefined && only !== undefined && type !== only)
    throw new AwsError(
      'InvalidRequest',
      `The ${type} checksum type cannot be used with the ${algorithm.toLowerCase()} checksum algorithm.`,
    );
  return { algorithm, type: type ?? only ?? 'COMPOSITE' };
}

/**
 * A part has a checksum by the algorithm of its upload, which a checksum of the whole can do without.
 * https://docs.aws.amazon.com/AmazonS3/latest/userguide/checking-object-integrity-upload.html
 * @throws AwsError InvalidRequest
 */
export function checkPartAlgorithm(input: object, upload: Upload['checksum']): void {
  if (upload === undefined) return;
  const said = algorithmSaid(input as Input);
  if (said === upload.algorithm || (said === undefined && upload.type === 'FULL_OBJECT')) return;
  const [expected, actual] = [upload.algorithm, said ?? 'null'].map((one) => one.toLowerCase());
  throw new AwsError(
    'InvalidRequest',
    `Checksum Type mismatch occurred, expected checksum Type: ${expected}, actual checksum Type: ${actual}`,
  );
}

type Input = Readonly<Record<string, unknown>>;

/** The algorithms of the checksums that are said in members, which headers or the part of a list carry. */
export function algorithmsOf(input: object): readonly ChecksumAlgorithm[] {
  // A checksum that cannot be checked is refused rather than believed.
  return Object.entries(input).flatMap(([name, value]) => {
    const sum = /^Checksum((?!Algorithm$|Type$|Mode$)\w+)$/.exec(name)?.[1];
    return sum === undefined || value === undefined ? [] : [algorithmNamed(sum)];
  });
}

/** The algorithm of the one checksum that a request carries, in a header or behind its body, or that it names. */
function algorithmSaid(input: Input): ChecksumAlgorithm | undefined {
  const headers = algorithmsOf(input);
  const trailers = announcedTrailers(input.Body).filter((name) => name.startsWith(prefix));
  if (headers.length + trailers.length > 1)
    throw new AwsError(
      'InvalidRequest',
      'Expecting a single x-amz-checksum- header. Multiple checksum Types are not allowed.',
    );
  const named = trailers[0]?.slice(prefix.length) ?? (input.ChecksumAlgorithm as string | undefined);
  return headers[0] ?? (named === undefined ? undefined : algorithmNamed(named));
}

export class Checking {
  readonly #input: Input;
  readonly #algorithm: ChecksumAlgorithm | undefined;
  readonly #sum: Summing | undefined;

  /** `fallback`: the algorithm that an upload in parts was begun with. */
  constructor(input: object, fallback?: ChecksumAlgorithm) {
    this.#input = input as Input;
    this.#algorithm = algorithmSaid(this.#input) ?? fallback;
    this.#sum = this.#algorithm === undefined ? undefined : summing(this.#algorithm);
  }

  get sums(): readonly Summing[] {
    return this.#sum === undefined ? [] : [this.#sum];
  }

  /** To be called once the body has ended. @throws AwsError BadDigest, InvalidDigest */
  verify(md5: string, body: unknown): Checksum | undefined {
    const said = this.#input.ContentMD5 as string | undefined;
    if (said !== undefined) {
      if (Buffer.from(said, 'base64').length !== 16)
        throw new AwsError('InvalidDigest', 'The Content-MD5 you specified was invalid.');
      if (Buffer.from(said, 'base64').toString('hex') !== md5)
        throw new AwsError('BadDigest', 'The Content-MD5 you specified did not match what we received.');
    }
    if (this.#algorithm === undefined || this.#sum === undefined) return undefined;
    const value = this.#sum.digest();
    const expected =
      (this.#input[member(this.#algorithm)] as string | undefined) ??
      trailersOf(body)[prefix + this.#algorithm.toLowerCase()];
    if (expected !== undefined && expected !== value)
      throw new AwsError(
        'BadDigest',
        `The ${this.#algorithm} you specified did not match the calculated checksum.`,
      );
    return { algorithm: this.#algorithm, value, type: 'FULL_OBJECT' };
  }
}
