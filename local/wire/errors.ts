/** Errors as each protocol answers them. */
import { AwsError } from '../service.ts';
import type { Protocol, ServiceShape } from './catalogue.ts';
import type { WireResponse } from './http.ts';
import { writeJsonMembers } from './json.ts';
import { writeQueryError } from './query.ts';
import { SignatureRefused } from './sigv4.ts';
import { MalformedInput } from './values.ts';
import { element } from './xml.ts';

/** Turns what the wire layer found wrong into the service's own error. */
export function toAwsError(thrown: unknown, protocol: Protocol): AwsError {
  if (thrown instanceof AwsError) return thrown;
  if (thrown instanceof SignatureRefused) return signatureError(thrown, protocol);
  if (thrown instanceof MalformedInput) return malformedError(thrown, protocol);
  const detail = thrown instanceof Error ? (thrown.stack ?? thrown.message) : String(thrown);
  process.stderr.write(`local region: the wire layer broke: ${detail}\n`);
  return new AwsError('InternalFailure', `The local region broke: ${String(thrown)}`, 500);
}

/** https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-troubleshooting.html */
function signatureError(refused: SignatureRefused, protocol: Protocol): AwsError {
  const { reason, message } = refused;
  if (protocol === 'restXml')
    switch (reason) {
      case 'unknown-key':
        return new AwsError('InvalidAccessKeyId', message, 403);
      case 'bad-token':
        return new AwsError('InvalidToken', message, 400);
      case 'old-token':
        return new AwsError('ExpiredToken', message, 400);
      case 'skewed':
        return new AwsError(
          'RequestTimeTooSkewed',
          'The difference between the request time and the current time is too large.',
          403,
        );
      case 'expired':
      case 'unsigned-headers':
        return new AwsError('AccessDenied', message, 403);
      case 'outdated':
        return new AwsError('InvalidRequest', message, 400);
      case 'presign':
        return new AwsError('AuthorizationQueryParametersError', message, 400);
      case 'scope':
      case 'incomplete':
        return new AwsError('AuthorizationHeaderMalformed', message, 400);
      case 'mismatch':
        return new AwsError('SignatureDoesNotMatch', message, 403);
    }
  if (protocol === 'ec2Query')
    switch (reason) {
      case 'skewed':
      case 'expired':
        return new AwsError('RequestExpired', `Request has expired. ${message}`, 400);
      case 'old-token':
        return new AwsError('RequestExpired', 'Request has expired.', 400);
      case 'mismatch':
      case 'unknown-key':
        return new AwsError(
          'AuthFailure',
          'AWS was not able to validate the provided access credentials',
          401,
        );
      default:
        return new AwsError('AuthFailure', message, 401);
    }
  const json = protocol !== 'awsQuery';
  switch (reason) {
    case 'unknown-key':
    case 'bad-token':
      return new AwsError(json ? 'UnrecognizedClientException' : 'InvalidClientTokenId', message, 403);
    case 'old-token':
      return new AwsError(json ? 'ExpiredTokenException' : 'ExpiredToken', message, 403);
    case 'outdated':
    case 'presign':
    case 'incomplete':
      return new AwsError(json ? 'IncompleteSignatureException' : 'IncompleteSignature', message, 400);
    default:
      return new AwsError(json ? 'InvalidSignatureException' : 'SignatureDoesNotMatch', message, 403);
  }
}

function malformedError(malformed: MalformedInput, protocol: Protocol): AwsError {
  const { message, kind } = malformed;
  switch (protocol) {
    case 'ec2Query':
      return new AwsError(kind === 'unknown' ? 'UnknownParameter' : 'InvalidParameterValue', message, 400);
    case 'awsQuery':
      return new AwsError(kind === 'unknown' ? 'ValidationError' : 'MalformedInput', message, 400);
    case 'restXml':
      return new AwsError(kind === 'type' ? 'InvalidArgument' : 'MalformedXML', message, 400);
    default:
      return new AwsError(
        kind === 'unknown' ? 'ValidationException' : 'SerializationException',
        message,
        400,
      );
  }
}

/** The answer to a request that failed. An error of the service's model has the status that the model gives it. */
export function writeError(
  error: AwsError,
  protocol: Protocol,
  service: ServiceShape | undefined,
  requestId: string,
  path: string,
): WireResponse {
  const shape = service?.errors.get(error.code);
  const status = shape?.status ?? error.status;
  if (protocol === 'ec2Query' || protocol === 'awsQuery') {
    const code = shape?.queryCode ?? error.code;
    const body = writeQueryError(
      { code, message: error.message, status },
      service,
      requestId,
      protocol === 'ec2Query',
    );
    return { status, headers: { 'content-type': 'text/xml' }, body };
  }
  if (protocol === 'restXml') {
    if (status === 304) return { status: 304, headers: {}, body: '' };
    const fields = Object.entries({ Resource: path, ...error.fields })
      .map(([name, value]) => element(name, String(value)))
      .join('');
    const inside = `${element('Code', error.code)}${element('Message', error.message)}${fields}${element('RequestId', requestId)}`;
    const body = `<?xml version="1.0" encoding="UTF-8"?>\n<Error>${inside}</Error>`;
    return { status, headers: { 'content-type': 'application/xml' }, body };
  }
  const name = shape?.name ?? error.code;
  const members =
    shape === undefined
      ? error.fields
      : writeJsonMembers(
          shape.schema,
          { Message: error.message, message: error.message, ...error.fields },
          protocol === 'restJson',
        );
  const said = 'message' in members || 'Message' in members ? {} : { message: error.message };
  const headers: Record<string, string> = {
    'content-type':
      protocol === 'restJson' ? 'application/json' : `application/x-amz-json-${protocol.slice(-3)}`,
    'x-amzn-errortype': name,
  };
  // https://smithy.io/2.0/aws/protocols/aws-query-compatible-trait.html
  if (service?.queryCompatible)
    headers['x-amzn-query-error'] =
      `${shape?.queryCode ?? error.code};${status >= 500 ? 'Receiver' : 'Sender'}`;
  return { status, headers, body: JSON.stringify({ __type: name, ...said, ...members }) };
}
