/**
 * The region's front door: a request goes in, an answer comes out, over HTTP or in memory. It looks at host and
 * origin, checks the signature, finds the operation, and speaks its protocol.
 */
import { Readable } from 'node:stream';
import type { Context } from '../context.ts';
import { type Dispatcher, lacking } from '../dispatch.ts';
import { AnswerLost } from '../faults/calls.ts';
import type { Iam } from '../iam/iam.ts';
import { AwsError, type Principal, type Service } from '../service.ts';
import {
  type OperationShape,
  type Protocol,
  protocolOf,
  type ServiceShape,
  serviceOfTarget,
  shapeOf,
} from './catalogue.ts';
import { checkedBody, decodeChunked } from './chunked.ts';
import { toAwsError, writeError } from './errors.ts';
import { asStream, queryPairs, readAll, splitUrl, type WireRequest, type WireResponse } from './http.ts';
import { parseJson, readJsonMembers, writeJsonMembers } from './json.ts';
import { foreignness, proxied } from './loopback.ts';
import { readQuery, writeQuery } from './query.ts';
import { matchOperation, readRest, takesStream, writeRest } from './rest.ts';
import { matchS3 } from './s3-route.ts';
import {
  type Claim,
  checkFreshness,
  checkScope,
  readClaim,
  SignatureRefused,
  sha256,
  type Verified,
  verify,
} from './sigv4.ts';

/** Who signed a request, and the body that goes with it. */
export interface Authenticated {
  readonly principal: Principal;
  readonly body: Readable | Uint8Array;
}

/** Something besides AWS's APIs that answers at the front door: the region's own page, an HTTP API's stage. */
export interface Front {
  matches(request: WireRequest): boolean;
  /** `authenticate` checks the signature and reads the whole body. @throws SignatureRefused */
  handle(
    request: WireRequest,
    authenticate: (request: WireRequest) => Promise<Authenticated>,
  ): Promise<WireResponse>;
}

const anonymous: Principal = { kind: 'anonymous', arn: 'anonymous', userId: 'anonymous', policies: [] };

export class FrontDoor {
  readonly #context: Context;
  readonly #iam: Iam;
  readonly #dispatcher: Dispatcher;
  readonly #services: ReadonlyMap<string, Service>;
  readonly #fronts: readonly Front[];

  constructor(
    context: Context,
    iam: Iam,
    dispatcher: Dispatcher,
    services: ReadonlyMap<string, Service>,
    fronts: readonly Front[],
  ) {
    this.#context = context;
    this.#iam = iam;
    this.#dispatcher = dispatcher;
    this.#services = services;
    this.#fronts = fronts;
  }

  /** Answers one request. Never throws. */
  async handle(request: WireRequest): Promise<WireResponse> {
    const requestId = this.#context.random.uuid();
    const foreign = foreignness(request.headers) ?? proxied(request.url);
    if (foreign !== undefined)
      return { status: 403, headers: { 'content-type': 'text/plain' }, body: `${foreign}\n` };
    const front = this.#fronts.find((one) => one.matches(request));
    const answer =
      front === undefined
        ? await this.#api(request, requestId)
        : await this.#front(front, request, requestId);
    return {
      ...answer,
      headers: {
        date: new Date(this.#context.clock.now()).toUTCString(),
        'x-amzn-requestid': requestId,
        'x-amz-request-id': requestId,
        ...answer.headers,
      },
    };
  }

  async #front(front: Front, request: WireRequest, requestId: string): Promise<WireResponse> {
    try {
      return await front.handle(request, (one) => this.#authenticate(one, false));
    } catch (thrown) {
      return writeError(toAwsError(thrown, 'restJson'), 'restJson', undefined, requestId, request.url);
    }
  }

  async #api(request: WireRequest, requestId: string): Promise<WireResponse> {
    let protocol: Protocol = 'restXml';
    let shape: ServiceShape | undefined;
    try {
      const claim = readClaim(request);
      const target = request.headers['x-amz-target'] ?? '';
      const meant = serviceOfTarget(target);
      const id = claim?.service ?? meant ?? 's3';
      if (meant !== undefined && meant !== id) {
        protocol = protocolOf(meant) ?? protocol;
        throw new SignatureRefused('scope', `Credential should be scoped to correct service: '${meant}'.`);
      }
      const spoken = protocolOf(id);
      protocol = spoken === undefined ? protocolGuessed(request) : protocolHere(spoken, id, request);
      if (spoken === undefined || !this.#services.has(id))
        throw new AwsError('UnknownService', `The local region has no service ${id}.`, 400);
      shape = await this.#context.clock.hold(shapeOf(id) as Promise<ServiceShape>);
      const form = protocol === 'ec2Query' || protocol === 'awsQuery';
      const s3 = protocol === 'restXml';
      const match = s3
        ? matchS3(shape, request)
        : protocol === 'restJson'
          ? matchOperation(shape, request)
          : undefined;
      const streamed = match !== undefined && takesStream(match.operation);
      const { principal, body } =
        claim === undefined && s3
          ? { principal: anonymous, body: decodedBody(request, undefined, undefined) }
          : await this.#authenticate(request, streamed);
      const { operation, input } = form
        ? await formInput(shape, request, body, protocol)
        : protocol.startsWith('awsJson')
          ? await jsonInput(shape, target, body)
          : {
              operation: required(match?.operation, id, request),
              input: await readRest(
                required(match?.operation, id, request),
                match?.labels ?? {},
                request,
                body,
                s3,
              ),
            };
      const output = await this.#dispatcher.invoke(id, operation.name, input, {
        principal,
        requestId,
        sourceIp: request.sourceIp ?? '127.0.0.1',
        userAgent: request.headers['user-agent'] ?? '',
        trace: request.headers['x-amzn-trace-id'],
      });
      return write(shape, operation, output, protocol, requestId);
    } catch (thrown) {
      if (thrown instanceof AnswerLost) return { status: 503, headers: {}, body: '', lost: true };
      return writeError(toAwsError(thrown, protocol), protocol, shape, requestId, splitUrl(request.url).path);
    }
  }

  async #authenticate(request: WireRequest, streamed: boolean): Promise<Authenticated> {
    const claim = readClaim(request);
    if (claim === undefined)
      throw new AwsError('MissingAuthenticationTokenException', 'Missing Authentication Token', 403);
    const { clock, regionName } = this.#context;
    checkScope(claim, regionName);
    checkFreshness(claim, clock.now());
    const holder = this.#iam.lookUp(claim.accessKeyId, claim.sessionToken);
    if (holder === 'unknown')
      throw new SignatureRefused(
        'unknown-key',
        'The security token included in the request is invalid: the access key id is not known here.',
      );
    if (holder === 'bad-token')
      throw new SignatureRefused('bad-token', 'The security token included in the request is invalid.');
    if (holder === 'expired')
      throw new SignatureRefused('old-token', 'The security token included in the request is expired');
    const declared = request.headers['x-amz-content-sha256'];
    const presigned = claim.expiresSeconds !== undefined;
    const buffered =
      declared === undefined && !(presigned && claim.service === 's3')
        ? await clock.hold(readAll(request.body))
        : undefined;
    const bodyHash = declared ?? (buffered === undefined ? 'UNSIGNED-PAYLOAD' : sha256(buffered));
    const verified = verify(request, claim, holder.secretAccessKey, bodyHash);
    const body = buffered ?? decodedBody(request, claim, verified);
    const whole = streamed || buffered !== undefined ? body : await clock.hold(readAll(body));
    return { principal: holder.principal(), body: whole };
  }
}

/** How a service that the region does not know is refused, so that its client can read it. */
function protocolGuessed(request: WireRequest): Protocol {
  const type = request.headers['content-type'] ?? '';
  if (type.startsWith('application/x-amz-json-1.1')) return 'awsJson1.1';
  if (type.startsWith('application/x-amz-json')) return 'awsJson1.0';
  return type.startsWith('application/x-www-form-urlencoded') ? 'awsQuery' : 'restJson';
}

/** The CLI speaks CloudWatch's older query protocol: its requests are forms. */
function protocolHere(spoken: Protocol, id: string, request: WireRequest): Protocol {
  const form = request.headers['content-type']?.startsWith('application/x-www-form-urlencoded') ?? false;
  return id === 'monitoring' && form ? 'awsQuery' : spoken;
}

/** The body without its chunking, checked while it streams. */
function decodedBody(
  request: WireRequest,
  claim: Claim | undefined,
  verified: Verified | undefined,
): Readable | Uint8Array {
  const declared = request.headers['x-amz-content-sha256'];
  if (declared?.startsWith('STREAMING-')) {
    const length = request.headers['x-amz-decoded-content-length'];
    const decodedLength = length === undefined ? undefined : Number(length);
    const source = asStream(request.body);
    const announced = (request.headers['x-amz-trailer'] ?? '').toLowerCase().split(/\s*,\s*/);
    if (declared === 'STREAMING-UNSIGNED-PAYLOAD-TRAILER')
      return decodeChunked(source, decodedLength, announced);
    const signed =
      declared === 'STREAMING-AWS4-HMAC-SHA256-PAYLOAD' ||
      declared === 'STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER';
    if (!signed || claim === undefined || verified === undefined)
      throw new AwsError('NotImplemented', `The local region does not know ${declared}.`, 501);
    return decodeChunked(source, decodedLength, announced, {
      ...verified,
      timestamp: claim.timestamp,
      seed: claim.signature,
    });
  }
  if (declared === undefined || declared === 'UNSIGNED-PAYLOAD') return request.body;
  if (!/^[0-9a-f]{64}$/.test(declared))
    throw new AwsError(
      'InvalidArgument',
      'x-amz-content-sha256 must be UNSIGNED-PAYLOAD, STREAMING-…, or a valid sha256 value.',
    );
  if (request.body instanceof Readable) return checkedBody(request.body, declared);
  if (sha256(request.body) !== declared)
    throw new AwsError(
      'XAmzContentSHA256Mismatch',
      "The provided 'x-amz-content-sha256' header does not match what was computed.",
    );
  return request.body;
}

function required(operation: OperationShape | undefined, id: string, request: WireRequest): OperationShape {
  if (operation === undefined) throw lacking(id, `${request.method} ${splitUrl(request.url).path}`);
  return operation;
}

async function formInput(
  shape: ServiceShape,
  request: WireRequest,
  body: Readable | Uint8Array,
  protocol: Protocol,
): Promise<{ operation: OperationShape; input: unknown }> {
  const text = Buffer.from(await readAll(body)).toString('utf8');
  const pairs = queryPairs(text === '' ? splitUrl(request.url).query : text, true);
  const action = pairs.find(([name]) => name === 'Action')?.[1];
  if (action === undefined)
    throw new AwsError('MissingAction', 'The request lacks the parameter Action.', 400);
  const operation = shape.operations.get(action);
  if (operation === undefined)
    throw new AwsError('InvalidAction', `The action ${action} is not valid for this web service.`, 400);
  return { operation, input: readQuery(pairs, operation, protocol === 'ec2Query') };
}

async function jsonInput(
  shape: ServiceShape,
  target: string,
  body: Readable | Uint8Array,
): Promise<{ operation: OperationShape; input: unknown }> {
  const name = target.slice(target.lastIndexOf('.') + 1);
  const operation = shape.operations.get(name);
  if (operation === undefined || target !== `${shape.target}.${name}`)
    throw new AwsError('UnknownOperationException', `The operation ${target} is not known.`, 400);
  const json = parseJson(await readAll(body));
  return {
    operation,
    input: operation.input.isUnitSchema() ? {} : readJsonMembers(operation.input, json, '', false),
  };
}

function write(
  shape: ServiceShape,
  operation: OperationShape,
  output: unknown,
  protocol: Protocol,
  requestId: string,
): WireResponse {
  switch (protocol) {
    case 'ec2Query':
    case 'awsQuery': {
      const body = writeQuery(shape, operation, output, requestId, protocol === 'ec2Query');
      return { status: 200, headers: { 'content-type': 'text/xml' }, body };
    }
    case 'awsJson1.0':
    case 'awsJson1.1': {
      const members = operation.output.isUnitSchema()
        ? {}
        : writeJsonMembers(operation.output, output ?? {}, false);
      const type = `application/x-amz-json-${protocol.slice(-3)}`;
      return { status: 200, headers: { 'content-type': type }, body: JSON.stringify(members) };
    }
    case 'restJson':
    case 'restXml':
      return writeRest(shape, operation, output);
  }
}
