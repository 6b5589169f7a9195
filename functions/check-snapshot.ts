/** Looks once whether the snapshot is completed, hopeless, or still to come. */
import type { EC2Client } from '@aws-sdk/client-ec2';
import * as z from 'zod';
import { ec2Client } from '../src/aws/clients/ec2.ts';
import { describeSnapshot } from '../src/aws/snapshots.ts';
import { FlotillaError } from '../src/errors.ts';
import { lambdaFunction } from '../src/runtime/handler.ts';

/** With the waits of statemachines/build-image.asl.yml this is an hour; usually it takes seconds. */
const mostChecks = 250;
/** A fresh snapshot is unknown for a minute at most (awslabs/coldsnap issue 43); after more it was deleted. */
const mostUnknown = 20;

export const handler = lambdaFunction({
  name: 'check-snapshot',
  input: z.strictObject({ snapshotId: z.string(), checks: z.number().int().min(0) }),
  deps: (): { readonly ec2: EC2Client } => ({ ec2: ec2Client() }),
  run: async ({ snapshotId, checks }, { ec2 }) => {
    const facts = await describeSnapshot(ec2, snapshotId);
    if (facts?.prospect === 'hopeless') {
      throw new FlotillaError(
        'SnapshotFailed',
        `${snapshotId} is in the state ${facts.state}: ${facts.reason}`,
        {
          snapshotId,
        },
      );
    }
    if (facts === undefined && checks >= mostUnknown) {
      throw new FlotillaError('SnapshotFailed', `EC2 knows no snapshot ${snapshotId}: it was deleted`, {
        snapshotId,
      });
    }
    const completed = facts?.prospect === 'reached';
    if (!completed && checks >= mostChecks) {
      const state = facts?.state ?? 'unknown to EC2';
      throw new FlotillaError('SnapshotTimeout', `${snapshotId} is still ${state}`, { snapshotId });
    }
    return { completed, checks: checks + 1 };
  },
});
