/**
 * Undoes an attempt that failed: removes its AMI and its snapshot, and says so. Only the owner does, and only
 * what was not recorded. The failure that led here stays the one that is told.
 */
import type { EC2Client } from '@aws-sdk/client-ec2';
import * as z from 'zod';
import { ec2Client } from '../src/aws/clients/ec2.ts';
import { openTable, type Table } from '../src/aws/table.ts';
import { buildAttempt, executionArn } from '../src/contracts/build.ts';
import { imageItem } from '../src/contracts/items.ts';
import { imageAbandoned } from '../src/lineage/events.ts';
import { keys } from '../src/lineage/keys.ts';
import { caughtError, readCaughtError } from '../src/runtime/failure.ts';
import { type Invocation, lambdaFunction } from '../src/runtime/handler.ts';
import { saveAttempt } from '../src/runtime/image-attempt.ts';
import { removeLeftovers } from '../src/runtime/remove-attempt.ts';

const input = z.strictObject({ ...buildAttempt.shape, executionArn, failure: caughtError });

interface Deps {
  readonly table: Table;
  readonly ec2: EC2Client;
}

async function abandon(
  { identity, attempt, executionArn: self, failure }: z.output<typeof input>,
  { table, ec2 }: Deps,
  { clock, config, log }: Invocation,
) {
  const item = await table.get(keys.image(identity), imageItem);
  if (item?.owner !== self || item.attempt !== attempt || item.state !== 'building') {
    log.info('nothing to undo: this execution does not own the build', { identity, attempt });
    return { removed: { images: [], snapshots: [] } };
  }
  const removed = await removeLeftovers(ec2, table, {
    identity,
    stack: config.stack,
    known: item.snapshotId === undefined ? [] : [item.snapshotId],
    mayGo: (other) => other <= attempt,
  });
  const { name, message } = readCaughtError(failure);
  const { snapshotId, imageId: _gone, ...rest } = item;
  await saveAttempt(
    table,
    { ...rest, state: 'failed', error: { name, message } },
    {
      events: [
        imageAbandoned(
          item,
          {
            error: name,
            ...(snapshotId === undefined ? {} : { snapshotId }),
            ...(removed.images[0] === undefined ? {} : { imageId: removed.images[0] }),
          },
          { at: clock.now().toISOString(), executionArn: self },
        ),
      ],
    },
  );
  return { removed };
}

export const handler = lambdaFunction({
  name: 'abandon-image',
  input,
  deps: (config): Deps => ({ table: openTable(config.table), ec2: ec2Client() }),
  run: abandon,
});
