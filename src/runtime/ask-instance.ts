/**
 * Requests to instances at their private addresses, from inside the VPC. The function around it calls nothing of AWS:
 * there, a function has no way to AWS's APIs unless somebody pays for one.
 */
import { request } from 'node:http';
import * as z from 'zod';
import { readAhead } from './parallel.ts';

export const question = z.strictObject({
  /** Private IPv4 address. */
  address: z.ipv4(),
  port: z.number().int().min(1).max(65_535),
  path: z.string().startsWith('/'),
  /** The name to ask by, where the address is a load balancer's: its rules look at it. */
  host: z.string().optional(),
  /** The function around it ends after a minute. */
  timeoutSeconds: z.number().int().min(1).max(50),
});
export type Question = z.infer<typeof question>;

/** Answers, and with them the next state's payload, are bounded: a state's data may have 256 KiB. */
export const mostQuestions = 500;

export const questions = z.strictObject({
  questions: z.array(question).max(mostQuestions),
  /**
   * The only good status, of a smoke test: after another answer nobody else is asked, and the beginning of what it said
   * is kept. Absent: a health check, of which the status alone counts.
   */
  wanted: z.number().int().min(100).max(599).optional(),
});
export type Questions = z.infer<typeof questions>;

export const answer = z.discriminatedUnion('kind', [
  z.strictObject({ kind: z.literal('status'), status: z.number().int(), body: z.string().optional() }),
  /** Refused, broken off, or nothing in time. */
  z.strictObject({ kind: z.literal('none'), reason: z.string() }),
]);
export type Answer = z.infer<typeof answer>;

/** Instances that are asked at the same time. */
const atOnce = 20;
/** Of what a bad answer says. */
const bodyCharacters = 500;

/** In the order of the questions, up to the first that is not good where only one status is. */
export async function askInstances({ questions: asked, wanted }: Questions): Promise<{ answers: Answer[] }> {
  const answers: Answer[] = [];
  for await (const [, one] of readAhead(asked, atOnce, (each) => askInstance(each, wanted))) {
    answers.push(one);
    if (wanted !== undefined && !(one.kind === 'status' && one.status === wanted)) break;
  }
  return { answers };
}

/** Asks once. Whatever happens is an answer. */
function askInstance(
  { address, port, path, host = `${address}:${port}`, timeoutSeconds }: Question,
  wanted: number | undefined,
): Promise<Answer> {
  return new Promise((resolve) => {
    const none = (reason: string): void => {
      clearTimeout(timer);
      resolve({ kind: 'none', reason });
    };
    const asking = request(
      {
        host: address,
        port,
        path,
        headers: {
          host,
          // As the load balancer's health checks, where it is one, so that a program may treat it as one.
          'user-agent': wanted === undefined ? 'ELB-HealthChecker/2.0' : 'flotilla-smoke-test/1',
          connection: 'close',
        },
      },
      (response) => {
        const status = response.statusCode ?? 0;
        const end = (body?: string): void => {
          clearTimeout(timer);
          // What it goes on to say may have no end.
          response.destroy();
          resolve({ kind: 'status', status, ...(body === undefined ? {} : { body }) });
        };
        if (wanted === undefined || status === wanted) {
          end();
          return;
        }
        let body = '';
        response.setEncoding('utf8');
        response.on('data', (chunk: string) => {
          body += chunk;
          if (body.length >= bodyCharacters) end(body.slice(0, bodyCharacters));
        });
        response.on('end', () => end(body));
        response.on('error', () => end(body));
      },
    );
    const timer = setTimeout(() => {
      none(`did not answer within ${timeoutSeconds} s`);
      asking.destroy();
    }, timeoutSeconds * 1000);
    asking.on('error', (error) => none(`did not answer: ${error.message}`));
    asking.end();
  });
}
