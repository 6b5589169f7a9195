/** Every few minutes: cleans up after builds whose execution ended without doing so itself. */
import * as z from 'zod';
import { ec2Client } from '../src/aws/clients/ec2.ts';
import { openEvents } from '../src/aws/events.ts';
import { openExecutions } from '../src/aws/executions.ts';
import { openObjects } from '../src/aws/objects.ts';
import { openTable } from '../src/aws/table.ts';
import { lambdaFunction } from '../src/runtime/handler.ts';
import { type SweepBuildsDeps, sweepBuilds } from '../src/runtime/sweep-builds.ts';

export const handler = lambdaFunction({
  name: 'sweep-builds',
  input: z.unknown(),
  deps: (config): SweepBuildsDeps => ({
    table: openTable(config.table),
    objects: openObjects(),
    events: openEvents(),
    executions: openExecutions(),
    ec2: ec2Client(),
  }),
  run: async (_event, deps, { clock, config }) => ({
    recovered: await sweepBuilds(deps, {
      stack: config.stack,
      storeBucket: config.storeBucket,
      now: clock.now(),
    }),
  }),
});
