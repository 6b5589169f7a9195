import { shapeOf } from '../../wire/catalogue.ts';
import { queryPairs, readAll, type WireRequest } from '../../wire/http.ts';
import { matchOperation } from '../../wire/rest.ts';
import { matchS3 } from '../../wire/s3-route.ts';
import { readClaim } from '../../wire/sigv4.ts';

/**
 * What a signed request asks for, such as `ec2:RegisterImage`.
 * @returns also the request to hand on, as a form had to be read.
 */
export async function actionOf(request: WireRequest): Promise<{ action: string; request: WireRequest }> {
  const service = readClaim(request)?.service ?? 's3';
  const shape = await shapeOf(service);
  const target = request.headers['x-amz-target'];
  if (target !== undefined) {
    return { action: `${service}:${target.slice(target.lastIndexOf('.') + 1)}`, request };
  }
  if (shape?.protocol === 'ec2Query' || shape?.protocol === 'awsQuery') {
    const body = await readAll(request.body);
    const pairs = queryPairs(Buffer.from(body).toString('utf8'), true);
    const name = pairs.find(([key]) => key === 'Action')?.[1];
    return { action: `${service}:${name}`, request: { ...request, body } };
  }
  const match =
    shape === undefined
      ? undefined
      : service === 's3'
        ? matchS3(shape, request)
        : matchOperation(shape, request);
  return { action: `${service}:${match?.operation.name}`, request };
}
