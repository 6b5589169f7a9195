/**
 * What must not stand on a page that is shown, sent and subscribed to. A program may print its environment, and an
 * answer may quote an address that is signed; both come from outside.
 */

/** Shorter values (`1`, `true`, `info`) say nothing, and are found everywhere. */
const tellingCharacters = 8;

const patterns: readonly (readonly [RegExp, string])[] = [
  // Presigned addresses: https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-query-string-auth.html
  [/([?&]X-Amz-(?:Signature|Credential|Security-Token)=)[^&\s"'<>]+/gi, '$1<removed>'],
  // The older form of the same.
  [/([?&](?:Signature|AWSAccessKeyId)=)[^&\s"'<>]+/g, '$1<removed>'],
  // https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_identifiers.html#identifiers-unique-ids
  [/\b(?:AKIA|ASIA)[A-Z0-9]{16}\b/g, '<access key removed>'],
  [/\b((?:authorization|cookie|set-cookie):\s*)\S.*/gi, '$1<removed>'],
  [/\b(\w*(?:password|passwd|secret|token|api_?key)\w*\s*[=:]\s*)[^\s,;&]+/gi, '$1<removed>'],
];

/** A text without values of the environment, signatures and keys. */
export function redactText(text: string, environment: Readonly<Record<string, string>>): string {
  // The longest first: one value may be part of another.
  const values = Object.entries(environment)
    .filter(([, value]) => value.length >= tellingCharacters)
    .sort(([, one], [, other]) => other.length - one.length);
  let clean = text;
  for (const [name, value] of values) clean = clean.replaceAll(value, `<${name}>`);
  for (const [pattern, instead] of patterns) clean = clean.replaceAll(pattern, instead);
  return clean;
}

/** The same for every text within a value. */
export function redact<T>(value: T, environment: Readonly<Record<string, string>>): T {
  return clean(value, environment) as T; // the shape stays; only texts change
}

function clean(value: unknown, environment: Readonly<Record<string, string>>): unknown {
  if (typeof value === 'string') return redactText(value, environment);
  if (Array.isArray(value)) return value.map((one) => clean(one, environment));
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([name, one]) => [name, clean(one, environment)]));
}
