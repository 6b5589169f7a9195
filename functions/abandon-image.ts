/**
 * Undoes an attempt that failed: removes its AMI and its snapshot, and says so. Only the owner does, and only
 * what was not recorded. The failure that led here stays the one that is told.
 */
import type { EC2Client } from '@aws-sdk/client-ec2';
import * as z from 'zod';
import { ec2Client } from '../src/aws/clients/ec2.ts';
import { openTable, type Table } from '../src/aws/table.ts';
import { buildAttempt, executionArn } from '../src/contracts/build.ts';
import { abandonAttempt } from '../src/runtime/abandon-attempt.ts';
import { caughtError, readCaughtError } from '../src/runtime/failure.ts';
import { lambdaFunction } from '../src/runtime/handler.ts';

interface Deps {
  readonly table: Table;
  readonly ec2: EC2Client;
}

export const handler = lambdaFunction({
  name: 'abandon-image',
  input: z.strictObject({ ...buildAttempt.shape, executionArn, failure: caughtError }),
  deps: (config): Deps => ({ table: openTable(config.table), ec2: ec2Client() }),
  run: async ({ identity, attempt, executionArn: owner, failure }, deps, { clock, config, log }) => {
    const removed = await abandonAttempt(deps, {
      identity,
      attempt,
      owner,
      stack: config.stack,
      failure: readCaughtError(failure),
      now: clock.now(),
    });
    if (removed === undefined)
      log.info('nothing to undo: this execution does not own the build', { identity });
    return { removed: removed ?? { images: [], snapshots: [] } };
  },
});
