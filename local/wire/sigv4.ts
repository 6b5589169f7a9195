/**
 * Signature version 4, checked as AWS checks it.
 * https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html
 * https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-query-string-auth.html
 */
import { createHash, createHmac, createSecretKey, type KeyObject, timingSafeEqual } from 'node:crypto';
import { queryPairs, splitUrl, type WireRequest } from './http.ts';

/** What a request says of its signature. */
export interface Claim {
  readonly accessKeyId: string;
  /** `20260101`. */
  readonly date: string;
  readonly region: string;
  readonly service: string;
  readonly signedHeaders: readonly string[];
  readonly signature: string;
  /** `20260101T120000Z`. */
  readonly timestamp: string;
  readonly sessionToken: string | undefined;
  /** For presigned urls: how long they hold. */
  readonly expiresSeconds: number | undefined;
}

/** Why a signature was refused, before the protocol words it. */
export class SignatureRefused extends Error {
  override readonly name = 'SignatureRefused';
  readonly reason:
    | 'incomplete'
    | 'outdated'
    | 'scope'
    | 'presign'
    | 'expired'
    | 'skewed'
    | 'unsigned-headers'
    | 'mismatch'
    | 'unknown-key'
    | 'bad-token'
    | 'old-token';

  constructor(reason: SignatureRefused['reason'], message: string) {
    super(message);
    this.reason = reason;
  }
}

const algorithm = 'AWS4-HMAC-SHA256';

/** Reads the claim from the header or the query. `undefined`: not signed. @throws SignatureRefused */
export function readClaim(request: WireRequest): Claim | undefined {
  const header = request.headers.authorization;
  if (header !== undefined) return claimOfHeader(request, header);
  const { query } = splitUrl(request.url);
  // The older signature (`aws s3 presign` of the CLI's version 1 makes it, unless it is told s3v4) is no longer
  // taken by S3 for new buckets: https://docs.aws.amazon.com/AmazonS3/latest/API/Appendix-Sigv2.html
  if (query.includes('AWSAccessKeyId=') && query.includes('Signature='))
    throw new SignatureRefused(
      'outdated',
      `The authorization mechanism you have provided is not supported. Please use ${algorithm}.`,
    );
  if (!query.includes('X-Amz-Signature=')) return undefined;
  const pairs = Object.fromEntries(queryPairs(query));
  return claim(pairs['X-Amz-Credential'], pairs['X-Amz-SignedHeaders'], pairs['X-Amz-Signature'], {
    timestamp: pairs['X-Amz-Date'],
    sessionToken: pairs['X-Amz-Security-Token'],
    expiresSeconds: Number(pairs['X-Amz-Expires']),
  });
}

function claimOfHeader(request: WireRequest, header: string): Claim {
  if (!header.startsWith(`${algorithm} `))
    throw new SignatureRefused(
      'incomplete',
      `The authorization mechanism is not supported: use ${algorithm}.`,
    );
  const fields = Object.fromEntries(
    header
      .slice(algorithm.length + 1)
      .split(',')
      .map((part) => part.trim().split(/=(.*)/s) as [string, string]),
  );
  const dateHeader = request.headers['x-amz-date'] ?? compact(request.headers.date);
  return claim(fields.Credential, fields.SignedHeaders, fields.Signature, {
    timestamp: dateHeader,
    sessionToken: request.headers['x-amz-security-token'],
    expiresSeconds: undefined,
  });
}

function compact(date: string | undefined): string | undefined {
  const time = date === undefined ? Number.NaN : Date.parse(date);
  return Number.isNaN(time) ? undefined : basicIso(time);
}

function claim(
  credential: string | undefined,
  signedHeaders: string | undefined,
  signature: string | undefined,
  rest: {
    timestamp: string | undefined;
    sessionToken: string | undefined;
    expiresSeconds: number | undefined;
  },
): Claim {
  const parts = credential?.split('/') ?? [];
  const [accessKeyId, date, region, service, terminator] = parts.length > 5 ? [] : parts;
  if (!accessKeyId || !date || !region || !service || terminator !== 'aws4_request')
    throw new SignatureRefused(
      'incomplete',
      'Credential must have exactly 5 slash-delimited elements, e.g. keyid/date/region/service/term.',
    );
  if (!signedHeaders || !signature || !/^\d{8}T\d{6}Z$/.test(rest.timestamp ?? ''))
    throw new SignatureRefused('incomplete', 'The signature lacks SignedHeaders, Signature, or a date.');
  return {
    accessKeyId,
    date,
    region,
    service,
    signedHeaders: signedHeaders.toLowerCase().split(';'),
    signature,
    timestamp: rest.timestamp as string,
    sessionToken: rest.sessionToken,
    expiresSeconds: rest.expiresSeconds,
  };
}

/** The moment of signing, in milliseconds since the epoch. */
function signedAt(claim: Claim): number {
  const t = claim.timestamp;
  return Date.parse(
    `${t.slice(0, 4)}-${t.slice(4, 6)}-${t.slice(6, 8)}T${t.slice(9, 11)}:${t.slice(11, 13)}:${t.slice(13, 15)}Z`,
  );
}

/**
 * The widest that AWS states, for S3; the others say five minutes, and refuse at fifteen.
 * https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html (RequestTimeTooSkewed)
 * https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-troubleshooting.html
 */
const skewMs = 15 * 60_000;
/** Seven days, the longest life of a presigned url. */
const longestPresignSeconds = 604_800;

/** @throws SignatureRefused when the request was signed for another region or another day than it says. */
export function checkScope(claim: Claim, regionName: string): void {
  if (claim.region !== regionName)
    throw new SignatureRefused(
      'scope',
      `Credential should be scoped to a valid region: expecting '${regionName}', not '${claim.region}'.`,
    );
  if (claim.date !== claim.timestamp.slice(0, 8))
    throw new SignatureRefused(
      'incomplete',
      'Date in Credential scope does not match YYYYMMDD from ISO-8601 version of date from HTTP.',
    );
}

/** @throws SignatureRefused when the request was signed too long before `now`, or after it. */
export function checkFreshness(claim: Claim, now: number): void {
  const at = signedAt(claim);
  if (Number.isNaN(at)) throw new SignatureRefused('incomplete', `${claim.timestamp} is no date.`);
  if (claim.expiresSeconds !== undefined) {
    const seconds = claim.expiresSeconds;
    if (!Number.isInteger(seconds) || seconds < 1 || seconds > longestPresignSeconds)
      throw new SignatureRefused('presign', 'X-Amz-Expires must be between 1 and 604800 seconds.');
    if (now > at + seconds * 1000) throw new SignatureRefused('expired', 'Request has expired');
    if (at > now + skewMs) throw new SignatureRefused('expired', 'Request is not yet valid');
    return;
  }
  if (Math.abs(now - at) <= skewMs) return;
  const here = basicIso(now);
  throw new SignatureRefused(
    'skewed',
    at < now
      ? `Signature expired: ${claim.timestamp} is now earlier than ${basicIso(now - skewMs)} (${here} - 15 min.)`
      : `Signature not yet current: ${claim.timestamp} is still later than ${basicIso(now + skewMs)} (${here} + 15 min.)`,
  );
}

/** `20260101T120000Z`. */
function basicIso(time: number): string {
  return new Date(time).toISOString().replace(/[-:]|\.\d+/g, '');
}

/** The key and the text that further signatures of the same request (chunks) start from. */
export interface Verified {
  readonly signingKey: KeyObject;
  readonly scope: string;
}

/**
 * Checks the signature. `bodyHash` is what stands for the body in the canonical request: the value of
 * `x-amz-content-sha256` or, where that was not sent, the body's SHA-256.
 * @throws SignatureRefused
 */
export function verify(request: WireRequest, claim: Claim, secret: string, bodyHash: string): Verified {
  const missing = claim.signedHeaders.includes('host') ? undefined : 'host';
  if (missing !== undefined) throw new SignatureRefused('incomplete', 'The header host must be signed.');
  // https://docs.aws.amazon.com/AmazonS3/latest/API/sig-v4-header-based-auth.html: "any x-amz-* headers"
  const loose = Object.keys(request.headers).filter(
    (name) => name.startsWith('x-amz-') && !claim.signedHeaders.includes(name),
  );
  if (claim.service === 's3' && loose.length > 0)
    throw new SignatureRefused(
      'unsigned-headers',
      `There were headers present in the request which were not signed: ${loose.join(', ')}`,
    );
  const scope = `${claim.date}/${claim.region}/${claim.service}/aws4_request`;
  const key = signingKeyOf(secret, claim);
  const signed = canonicalPaths(request, claim).some((path) => {
    const hash = sha256(canonicalRequest(request, claim, path, bodyHash));
    const text = [algorithm, claim.timestamp, scope, hash].join('\n');
    return sameText(createHmac('sha256', key).update(text).digest('hex'), claim.signature);
  });
  if (!signed)
    throw new SignatureRefused(
      'mismatch',
      'The request signature we calculated does not match the signature you provided. Check your key and signing method.',
    );
  return { signingKey: key, scope };
}

/** Derived once for each secret, day and service: five digests a request would be a tenth of what a request costs. */
const signingKeys = new Map<string, KeyObject>();

function signingKeyOf(secret: string, claim: Claim): KeyObject {
  const name = `${secret}/${claim.date}/${claim.region}/${claim.service}`;
  const found = signingKeys.get(name);
  if (found !== undefined) return found;
  let key: Buffer = createHmac('sha256', `AWS4${secret}`).update(claim.date).digest();
  for (const part of [claim.region, claim.service, 'aws4_request'])
    key = createHmac('sha256', key).update(part).digest();
  if (signingKeys.size >= 1_000) signingKeys.clear();
  const made = createSecretKey(key);
  signingKeys.set(name, made);
  return made;
}

/** Compares in constant time. */
export function sameText(one: string, other: string): boolean {
  const [left, right] = [Buffer.from(one), Buffer.from(other)];
  return left.length === right.length && timingSafeEqual(left, right);
}

export function sha256(data: string | Uint8Array): string {
  return createHash('sha256').update(data).digest('hex');
}

/** The spellings of the path that may have been signed. */
function canonicalPaths(request: WireRequest, claim: Claim): readonly string[] {
  const { path } = splitUrl(request.url);
  // Most services tidy the path and encode it once more.
  if (claim.service !== 's3') return [encodePath(normalised(path))];
  // S3 does neither: clients sign its own spelling of the key, or the one that they send.
  return [encodePath(decodePath(path)), path];
}

function canonicalRequest(request: WireRequest, claim: Claim, path: string, bodyHash: string): string {
  const { query } = splitUrl(request.url);
  const headers = claim.signedHeaders
    .map((name) => `${name}:${(request.headers[name] ?? '').trim().replace(/\s+/g, ' ')}\n`)
    .join('');
  return [request.method, path, canonicalQuery(query), headers, claim.signedHeaders.join(';'), bodyHash].join(
    '\n',
  );
}

/** Without empty and dotted segments (RFC 3986, section 6.2.2.3). */
function normalised(path: string): string {
  const segments: string[] = [];
  for (const segment of path.split('/'))
    if (segment === '..') segments.pop();
    else if (segment !== '' && segment !== '.') segments.push(segment);
  return `/${segments.join('/')}${segments.length > 0 && path.endsWith('/') ? '/' : ''}`;
}

function decodePath(path: string): string {
  try {
    return decodeURIComponent(path);
  } catch {
    return path;
  }
}

function encodePath(path: string): string {
  return encode(path).replaceAll('%2F', '/');
}

function canonicalQuery(query: string): string {
  return queryPairs(query)
    .filter(([name]) => name !== 'X-Amz-Signature')
    .map(([name, value]) => [encode(name), encode(value)] as const)
    .sort(([a, x], [b, y]) => (a < b ? -1 : a > b ? 1 : x < y ? -1 : x > y ? 1 : 0))
    .map(([name, value]) => `${name}=${value}`)
    .join('&');
}

/** RFC 3986, with only the unreserved characters kept. */
function encode(text: string): string {
  return encodeURIComponent(text).replace(
    /[!'()*]/g,
    (character) => `%${character.charCodeAt(0).toString(16).toUpperCase()}`,
  );
}
