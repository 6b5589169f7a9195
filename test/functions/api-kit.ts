/** Requests to the API's functions as API Gateway hands them on, with a fleet that the table could hold. */
import type { Context } from 'aws-lambda';
import { type FleetItem, fleetItem } from '../../src/contracts/items.ts';
import type { HttpAnswer } from '../../src/runtime/http.ts';
import { lambdaContext } from '../support/function-kit.ts';

export const arn = {
  listener: 'arn:aws:elasticloadbalancing:us-east-1:000000000000:listener/app/web/1/2',
  rule: 'arn:aws:elasticloadbalancing:us-east-1:000000000000:listener-rule/app/web/1/2/3',
  blue: 'arn:aws:elasticloadbalancing:us-east-1:000000000000:targetgroup/flt-web-blue/1',
  green: 'arn:aws:elasticloadbalancing:us-east-1:000000000000:targetgroup/flt-web-green/2',
} as const;

export const digest = 'a'.repeat(64);
const at = '2026-11-23T12:00:00.000Z';

/** The fleet `web`, with nothing in it. */
export function fleet(changes: object = {}): FleetItem {
  return fleetItem.parse({
    type: 'fleet',
    fleet: 'web',
    spec: { rule: { hosts: ['web.example.com'] }, healthCheck: { path: '/' } },
    specVersion: 1,
    fixed: {
      listenerArn: arn.listener,
      ruleArn: arn.rule,
      priority: 1000,
      blueArn: arn.blue,
      greenArn: arn.green,
      launchTemplateId: 'lt-1',
    },
    live: null,
    candidate: null,
    warm: null,
    weights: { blue: 0, green: 0 },
    served: false,
    lease: null,
    fence: 0,
    gate: null,
    orders: [],
    pins: [],
    nextRelease: 1,
    nextRollout: 1,
    nextUpload: 1,
    newestUpload: 0,
    queue: [],
    createdAt: at,
    updatedAt: at,
    revision: 1,
    ...changes,
  });
}

/** An image that stands. */
export const image = {
  type: 'image',
  identity: digest,
  state: 'available',
  owner: 'arn:aws:states:us-east-1:000000000000:execution:flotilla-build-image:up-1',
  attempt: 1,
  artifactSha256: digest,
  architecture: 'x86_64',
  kernel: '0.1.54',
  kernelDigest: digest,
  builderVersion: '1',
  volumeSizeGiB: 1,
  snapshotId: 'snap-1',
  imageId: 'ami-0123456789abcdef0',
  createdAt: at,
};

type Handler = (event: unknown, context: Context) => Promise<HttpAnswer>;

/** Sends one request: `POST /fleets/web/rollouts`. */
export async function send(handler: Handler, request: string, body?: object) {
  const [method = '', path = ''] = request.split(' ');
  const answer = await handler(
    {
      rawPath: path,
      headers: { 'content-type': 'application/json' },
      requestContext: {
        requestId: '1',
        stage: '$default',
        http: { method, sourceIp: '127.0.0.1' },
        authorizer: { iam: { userArn: 'arn:aws:iam::000000000000:user/ada' } },
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    },
    lambdaContext(),
  );
  return { status: answer.statusCode, headers: answer.headers, body: JSON.parse(answer.body) };
}

/** A transaction of which DynamoDB refused the items with these codes. */
export function cancelled(...codes: readonly string[]): Error {
  return Object.assign(new Error('Transaction cancelled'), {
    name: 'TransactionCanceledException',
    CancellationReasons: codes.map((Code) => ({ Code })),
    $fault: 'client',
    $metadata: { httpStatusCode: 400 },
  });
}
