/**
 * One request to an instance at its private address, from inside the VPC. The function around it calls nothing of
 * AWS: there, a function has no way to AWS's APIs unless somebody pays for one.
 */
import { request } from 'node:http';
import * as z from 'zod';

export const question = z.strictObject({
  /** Private IPv4 address. */
  address: z.ipv4(),
  port: z.number().int().min(1).max(65_535),
  path: z.string().startsWith('/'),
  /** The function around it ends after a minute. */
  timeoutSeconds: z.number().int().min(1).max(50),
});
export type Question = z.infer<typeof question>;

export const answer = z.discriminatedUnion('kind', [
  z.strictObject({ kind: z.literal('status'), status: z.number().int() }),
  /** Refused, broken off, or nothing in time. */
  z.strictObject({ kind: z.literal('none'), reason: z.string() }),
]);
export type Answer = z.infer<typeof answer>;

/** Asks once. Whatever happens is an answer. */
export function askInstance({ address, port, path, timeoutSeconds }: Question): Promise<Answer> {
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
        // As the load balancer's health checks, so that a program may treat it as one.
        headers: { host: `${address}:${port}`, 'user-agent': 'ELB-HealthChecker/2.0', connection: 'close' },
      },
      (response) => {
        clearTimeout(timer);
        // What it says does not count, and may have no end.
        response.destroy();
        resolve({ kind: 'status', status: response.statusCode ?? 0 });
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
