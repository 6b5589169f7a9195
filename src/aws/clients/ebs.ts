import { EBSClient, type EBSClientConfig } from '@aws-sdk/client-ebs';
import { withCalls } from '../calls.ts';
import { requestHandler } from './settings.ts';

/**
 * EBS direct APIs. Retries are the block writer's own, because a stall multiplies through nested ones
 * (awslabs/coldsnap issue 437). The body goes unsigned: its checksum is a header of its own, and hashing half
 * a megabyte once more per block costs a third of the time of a put.
 */
export function ebsClient(
  settings: Pick<EBSClientConfig, 'endpoint' | 'region' | 'credentials'> = {},
): EBSClient {
  const client = new EBSClient({
    ...settings,
    maxAttempts: 1,
    requestHandler: {
      ...requestHandler,
      /** Silence on a connection, either way (coldsnap issue 437 settled on the same). */
      socketTimeout: 12_000,
      // As many as a writer may have in flight; by default the client would queue them behind 50.
      httpAgent: { keepAlive: true, maxSockets: 128 },
      httpsAgent: { keepAlive: true, maxSockets: 128 },
    },
  });
  client.middlewareStack.add(
    (next, context) => (args) => {
      const request = args.request as { headers?: Record<string, string> };
      if (context.commandName === 'PutSnapshotBlockCommand' && request.headers !== undefined) {
        request.headers['x-amz-content-sha256'] = 'UNSIGNED-PAYLOAD';
      }
      return next(args);
    },
    { step: 'build', name: 'unsignedBlockBody' },
  );
  return withCalls('ebs', client);
}
