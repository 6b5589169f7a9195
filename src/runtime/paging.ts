/** Cursors of lists: opaque to the caller, so that a bent one is the caller's mistake and not a fault of ours. */
import * as z from 'zod';
import { FlotillaError } from '../errors.ts';

const key = z.record(z.string(), z.string());

/** @throws FlotillaError RequestInvalid */
export function cursor(after: string | undefined): { from?: string } {
  if (after === undefined) return {};
  try {
    key.parse(JSON.parse(Buffer.from(after, 'base64url').toString('utf8')));
    return { from: after };
  } catch {
    throw new FlotillaError('RequestInvalid', 'after: not a value that `next` of an earlier page gave.', {
      fields: ['after'],
    });
  }
}

/** The cursor that goes on behind one item of a list. */
export function cursorBehind(place: Readonly<Record<string, string>>): string {
  return Buffer.from(JSON.stringify(place)).toString('base64url');
}
