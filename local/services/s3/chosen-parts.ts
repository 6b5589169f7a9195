/** The parts that a whole is made of. */
import type { CompletedPart } from '@aws-sdk/client-s3';
import { AwsError } from '../../service.ts';
import { algorithmsOf } from './checking.ts';
import { isSum } from './checksums.ts';
import type { Part, Upload } from './state.ts';

/** Each part but the last has at least 5 MiB: https://docs.aws.amazon.com/AmazonS3/latest/userguide/qfacts.html */
const smallestPartBytes = 5 * 1024 * 1024;

const bare = (etag: string): string => etag.replaceAll('"', '');

/**
 * The parts that the caller listed.
 * @throws AwsError MalformedXML, InvalidPartOrder, InvalidPart, EntityTooSmall; of checksums, as {@link checkSum}
 */
export function chosenParts(upload: Upload, listed: readonly CompletedPart[]): readonly Part[] {
  if (listed.length === 0) throw new AwsError('MalformedXML', 'You must specify at least one part');
  let before = 0;
  const chosen = listed.map((one) => {
    const { PartNumber: number = 0, ETag: etag = '' } = one;
    if (number <= before)
      throw new AwsError(
        'InvalidPartOrder',
        'The list of parts was not in ascending order. Parts must be ordered by part number.',
      );
    before = number;
    const part = upload.parts.get(number);
    if (part === undefined || bare(part.etag) !== bare(etag)) throw invalidPart(upload, one);
    checkSum(upload, part, one);
    return part;
  });
  const small = chosen.slice(0, -1).find((part) => part.piece.sizeBytes < smallestPartBytes);
  if (small !== undefined)
    throw new AwsError(
      'EntityTooSmall',
      'Your proposed upload is smaller than the minimum allowed size',
      400,
      { PartNumber: small.number },
    );
  return chosen;
}

function invalidPart(upload: Upload, { PartNumber, ETag = '' }: CompletedPart): AwsError {
  return new AwsError(
    'InvalidPart',
    "One or more of the specified parts could not be found. The part may not have been uploaded, or the specified entity tag may not match the part's entity tag.",
    400,
    { UploadId: upload.id, PartNumber: PartNumber ?? 0, ETag: bare(ETag) },
  );
}

/**
 * Judges the checksum that is listed with a part. The whole's checksum is made of those listed, where it is a composite
 * one; an upload that was begun without an algorithm has none that could match.
 * https://docs.aws.amazon.com/AmazonS3/latest/API/API_CompletedPart.html
 * What the page leaves open is as OpenStack met it when it played its tests against S3:
 * https://github.com/openstack/swift (test/s3api/test_object_checksums.py)
 * @throws AwsError InvalidArgument, InvalidPart, InvalidRequest, BadDigest
 */
function checkSum(upload: Upload, part: Part, listed: CompletedPart): void {
  const [algorithm, ...others] = algorithmsOf(listed);
  const said = algorithm === undefined ? undefined : listed[`Checksum${algorithm}`];
  if (others.length > 0 || (algorithm !== undefined && !isSum(algorithm, said ?? '')))
    throw new AwsError('InvalidArgument', 'Invalid Base64 or multiple checksums present in request', 400, {
      ArgumentName: 'Checksum',
    });
  const { checksum } = upload;
  if (algorithm === undefined) {
    if (checksum?.type !== 'COMPOSITE') return;
    throw new AwsError(
      'InvalidRequest',
      `The upload was created using a ${checksum.algorithm.toLowerCase()} checksum. The complete request must include the checksum for each part. It was missing for part ${part.number} in the request.`,
    );
  }
  if (checksum === undefined) throw invalidPart(upload, listed);
  if (algorithm !== checksum.algorithm)
    throw new AwsError(
      'BadDigest',
      `The ${algorithm.toLowerCase()} you specified for part ${part.number} did not match what we received.`,
    );
  if (said !== part.checksum) throw invalidPart(upload, listed);
}
