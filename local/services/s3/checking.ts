/** Checksums of one upload: those that were said, in headers or behind the body, against those of the bytes. */
import { AwsError } from '../../service.ts';
import { announcedTrailers, trailersOf } from '../../wire/chunked.ts';
import {
  algorithmNamed,
  type ChecksumAlgorithm,
  checksumAlgorithms,
  type Summing,
  summing,
} from './checksums.ts';
import type { Checksum } from './state.ts';

const member = (algorithm: ChecksumAlgorithm) => `Checksum${algorithm}` as const;

/** The members that carry a checksum, for an answer. */
export function checksumFields(checksum: Checksum | undefined): Readonly<Record<string, string>> {
  if (checksum === undefined) return {};
  return { [member(checksum.algorithm)]: checksum.value, ChecksumType: checksum.type };
}

const prefix = 'x-amz-checksum-';

export class Checking {
  readonly #input: Readonly<Record<string, unknown>>;
  readonly #algorithm: ChecksumAlgorithm | undefined;
  readonly #sum: Summing | undefined;

  /** `fallback`: the algorithm that an upload in parts was begun with. */
  constructor(input: object, fallback?: ChecksumAlgorithm) {
    this.#input = input as Readonly<Record<string, unknown>>;
    // A checksum that cannot be checked is refused rather than believed.
    for (const [name, value] of Object.entries(this.#input)) {
      const sum = /^Checksum((?!Algorithm$|Type$|Mode$)\w+)$/.exec(name)?.[1];
      if (sum !== undefined && value !== undefined) algorithmNamed(sum);
    }
    const said = checksumAlgorithms.find((one) => this.#input[member(one)] !== undefined);
    const announced = announcedTrailers(this.#input.Body).find((name) => name.startsWith(prefix));
    const named = announced?.slice(prefix.length) ?? (this.#input.ChecksumAlgorithm as string | undefined);
    this.#algorithm = said ?? (named === undefined ? fallback : algorithmNamed(named));
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
