/** Between the SDK's shapes (bytes as Uint8Array) and DynamoDB's JSON (bytes in base64), which dynalite speaks. */

/** A copy in JSON: bytes in base64, undefined members gone. */
export function plain(input: unknown): unknown {
  return JSON.parse(
    JSON.stringify(input ?? {}, function (this: Record<string, unknown>, key, value: unknown) {
      // A Buffer has turned itself into an object by now: look at what it was.
      const was = this[key];
      return was instanceof Uint8Array ? Buffer.from(was).toString('base64') : value;
    }),
  );
}

/**
 * The reverse. Only an attribute value can be an object whose sole member is `B` with a text, or `BS` with
 * texts: attributes themselves are objects.
 */
export function revived(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(revived);
  if (typeof value !== 'object' || value === null) return value;
  const entries = Object.entries(value);
  const [only] = entries;
  if (entries.length === 1 && only !== undefined) {
    if (only[0] === 'B' && typeof only[1] === 'string') return { B: bytes(only[1]) };
    if (only[0] === 'BS' && Array.isArray(only[1]) && typeof only[1][0] === 'string')
      return { BS: (only[1] as string[]).map(bytes) };
  }
  return Object.fromEntries(entries.map(([key, one]) => [key, revived(one)]));
}

function bytes(text: string): Uint8Array {
  return Uint8Array.from(Buffer.from(text, 'base64'));
}
