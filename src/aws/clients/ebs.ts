import { EBSClient } from '@aws-sdk/client-ebs';
import { clientSettings } from './settings.ts';

/**
 * EBS direct APIs. Retries are the block writer's own, because a stall multiplies through nested ones
 * (awslabs/coldsnap issue 437). The body goes unsigned: its checksum is a header of its own, and hashing half
 * a megabyte once more per block costs a third of the time of a put.
 */
export function ebsClient(): EBSClient {
  const client = new EBSClient({ ...clientSettings, maxAttempts: 1 });
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
  return client;
}
