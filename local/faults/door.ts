/**
 * Faults over HTTP, below `/_region/faults`: GET lists what stands, POST adds one (its JSON is a {@link FaultInput}),
 * DELETE takes back one (`/_region/faults/fault-3`) or all. Signed as any call of AWS is, for whatever service; the
 * caller needs `region:InjectFault`, which the operator has and no function's role does.
 */
import * as z from 'zod';
import type { Iam } from '../iam/iam.ts';
import { AwsError } from '../service.ts';
import type { Front } from '../wire/front-door.ts';
import { namesNoBucket, readAll, splitUrl, type WireRequest, type WireResponse } from '../wire/http.ts';
import type { Standing } from './book.ts';
import type { FaultInput } from './fault.ts';
import type { Faults } from './faults.ts';

const path = '/_region/faults';

export function createFaultsDoor(iam: Iam, faults: Faults): Front {
  return {
    matches: (request) => {
      const at = splitUrl(request.url).path;
      return namesNoBucket(request) && (at === path || at.startsWith(`${path}/`));
    },
    handle: async (request, authenticate) => {
      const { principal, body } = await authenticate(request);
      const words = iam.refusal(principal, { action: 'region:InjectFault', resources: ['*'] }, () => []);
      if (words !== undefined) return json(403, { message: words });
      try {
        return answer(faults, request, await readAll(body));
      } catch (error) {
        if (error instanceof z.ZodError) return json(400, { message: z.prettifyError(error) });
        if (error instanceof AwsError)
          return json(error.status, { code: error.code, message: error.message });
        throw error;
      }
    },
  };
}

function answer(faults: Faults, request: WireRequest, body: Uint8Array): WireResponse {
  const id = splitUrl(request.url).path.slice(path.length + 1);
  switch (request.method) {
    case 'GET':
      return json(200, { faults: faults.list().map(view) });
    case 'POST':
      return json(201, faults.inject(parsed(body)));
    case 'DELETE':
      if (id !== '' && !faults.remove(id)) return json(404, { message: `No fault ${id} stands.` });
      if (id === '') faults.clear();
      return json(200, { faults: faults.list().map(view) });
    default:
      return { ...json(405, { message: 'GET, POST or DELETE.' }), headers: { allow: 'GET, POST, DELETE' } };
  }
}

/** Judged by its schema afterwards. */
function parsed(body: Uint8Array): FaultInput {
  try {
    return JSON.parse(Buffer.from(body).toString('utf8')) as FaultInput;
  } catch {
    throw new AwsError('BadRequest', 'The body is no JSON.', 400);
  }
}

/** A standing fault for people and pages. */
export function view({ id, fault, passing, left, struck }: Standing) {
  return { id, ...fault, passing, left, struck };
}

function json(status: number, body: unknown): WireResponse {
  return { status, headers: { 'content-type': 'application/json' }, body: `${JSON.stringify(body)}\n` };
}
