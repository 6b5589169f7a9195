/**
 * Which of S3's operations a request means. S3's paths do not tell: the bucket may stand in the host name, and
 * the same method and path mean different operations by sub-resource, parameter or header.
 * https://docs.aws.amazon.com/AmazonS3/latest/userguide/VirtualHosting.html
 */
import type { OperationShape, ServiceShape } from './catalogue.ts';
import { decodeComponent, queryPairs, splitUrl, type WireRequest } from './http.ts';
import type { Match } from './rest.ts';

/** The bucket and key that a request names. */
function s3Target(request: WireRequest): { bucket: string | undefined; key: string | undefined } {
  const { path } = splitUrl(request.url);
  const host = (request.headers.host ?? '').replace(/:\d+$/, '').toLowerCase();
  const virtual = /^(.+?)(?:\.s3)?\.localhost$/.exec(host)?.[1];
  if (virtual !== undefined && virtual !== 's3')
    return { bucket: virtual, key: path.length > 1 ? decodeComponent(path.slice(1)) : undefined };
  const slash = path.indexOf('/', 1);
  const bucket = slash < 0 ? path.slice(1) : path.slice(1, slash);
  const key = slash < 0 ? '' : path.slice(slash + 1);
  return {
    bucket: bucket === '' ? undefined : decodeComponent(bucket),
    key: key === '' ? undefined : decodeComponent(key),
  };
}

/** Parameters that select nothing by themselves. */
const modifiers = new Set(['x-id', 'list-type', 'uploads']);

export function matchS3(service: ServiceShape, request: WireRequest): Match | undefined {
  const { bucket, key } = s3Target(request);
  const query = new Map(queryPairs(splitUrl(request.url).query));
  const name =
    subResource(service, request.method, key !== undefined, query) ??
    plainOperation(request, bucket !== undefined, key !== undefined, query);
  const operation = name === undefined ? undefined : service.operations.get(name);
  if (operation === undefined) return undefined;
  const labels: Record<string, string> = {};
  if (bucket !== undefined) labels.Bucket = bucket;
  if (key !== undefined) labels.Key = key;
  return { operation, labels };
}

function subResource(
  service: ServiceShape,
  method: string,
  onKey: boolean,
  query: ReadonlyMap<string, string>,
): string | undefined {
  let best: [OperationShape, number] | undefined;
  for (const operation of service.operations.values()) {
    if (operation.http === undefined || operation.http[0] !== method) continue;
    const { path, query: fixed } = splitUrl(operation.http[1]);
    if ((path === '/{Key+}') !== onKey || (!onKey && path !== '/')) continue;
    const names = queryPairs(fixed)
      .map(([one]) => one)
      .filter((one) => !modifiers.has(one));
    if (names.length === 0 || !names.every((one) => query.has(one))) continue;
    if (best === undefined || names.length > best[1]) best = [operation, names.length];
  }
  return best?.[0].name;
}

function plainOperation(
  request: WireRequest,
  onBucket: boolean,
  onKey: boolean,
  query: ReadonlyMap<string, string>,
): string | undefined {
  const part = query.has('partNumber') && query.has('uploadId');
  const copy = request.headers['x-amz-copy-source'] !== undefined;
  if (!onBucket) return request.method === 'GET' ? 'ListBuckets' : undefined;
  if (!onKey)
    switch (request.method) {
      case 'PUT':
        return 'CreateBucket';
      case 'DELETE':
        return 'DeleteBucket';
      case 'HEAD':
        return 'HeadBucket';
      case 'GET':
        if (query.has('uploads')) return 'ListMultipartUploads';
        return query.get('list-type') === '2' ? 'ListObjectsV2' : 'ListObjects';
      default:
        return undefined;
    }
  switch (request.method) {
    case 'PUT':
      if (part) return copy ? 'UploadPartCopy' : 'UploadPart';
      return copy ? 'CopyObject' : 'PutObject';
    case 'GET':
      return query.has('uploadId') ? 'ListParts' : 'GetObject';
    case 'HEAD':
      return 'HeadObject';
    case 'DELETE':
      return query.has('uploadId') ? 'AbortMultipartUpload' : 'DeleteObject';
    case 'POST':
      if (query.has('uploads')) return 'CreateMultipartUpload';
      return query.has('uploadId') ? 'CompleteMultipartUpload' : undefined;
    default:
      return undefined;
  }
}
