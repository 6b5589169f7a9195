/** Between the SDK's shapes (bytes as Uint8Array) and DynamoDB's JSON (bytes in base64), which dynalite speaks. */

/** A copy in JSON: bytes in base64, undefined members gone. Walked by hand, as each item passes here several times. */
export function plain(input: unknown): unknown {
  return copied(input ?? {});
}

function copied(value: unknown): unknown {
  if (typeof value !== 'object' || value === null) return value;
  if (value instanceof Uint8Array) return Buffer.from(value).toString('base64');
  if (Array.isArray(value)) return value.map((one) => copied(one) ?? null);
  if (value instanceof Date) return value.toJSON();
  const copy: Record<string, unknown> = {};
  for (const key of Object.keys(value)) {
    const one = (value as Record<string, unknown>)[key];
    if (one !== undefined && typeof one !== 'function') put(copy, key, copied(one));
  }
  return copy;
}

/** Attributes have any name, and this one would be taken for something else. */
function put(into: Record<string, unknown>, key: string, value: unknown): void {
  if (key === '__proto__')
    Object.defineProperty(into, key, { value, enumerable: true, configurable: true, writable: true });
  else into[key] = value;
}

/**
 * The reverse. Only an attribute value can be an object whose sole member is `B` with a text, or `BS` with
 * texts: attributes themselves are objects.
 */
export function revived(value: unknown): unknown {
  if (typeof value !== 'object' || value === null) return value;
  if (Array.isArray(value)) return value.map(revived);
  const keys = Object.keys(value);
  const members = value as Record<string, unknown>;
  if (keys.length === 1) {
    const { B, BS } = members;
    if (typeof B === 'string') return { B: bytes(B) };
    if (Array.isArray(BS) && typeof BS[0] === 'string') return { BS: (BS as string[]).map(bytes) };
  }
  const copy: Record<string, unknown> = {};
  for (const key of keys) put(copy, key, revived(members[key]));
  return copy;
}

function bytes(text: string): Uint8Array {
  return Uint8Array.from(Buffer.from(text, 'base64'));
}
