/** Every few minutes: cleans up after builds, and ends smoke boots, whose execution ended without doing so itself. */
import * as z from 'zod';
import { openBootInstances } from '../src/aws/boot-instances.ts';
import { ec2Client } from '../src/aws/clients/ec2.ts';
import { openEvents } from '../src/aws/events.ts';
import { openExecutions } from '../src/aws/executions.ts';
import { openInstances } from '../src/aws/instances.ts';
import { openObjects } from '../src/aws/objects.ts';
import { openTable } from '../src/aws/table.ts';
import { lambdaFunction } from '../src/runtime/handler.ts';
import { type SweepBootsDeps, sweepBoots } from '../src/runtime/smoke-boot/sweep.ts';
import { type SweepBuildsDeps, sweepBuilds } from '../src/runtime/sweep-builds.ts';

export const handler = lambdaFunction({
  name: 'sweep-builds',
  input: z.unknown(),
  deps: (config): SweepBuildsDeps & SweepBootsDeps => {
    const ec2 = ec2Client();
    return {
      table: openTable(config.table),
      objects: openObjects(),
      events: openEvents(),
      executions: openExecutions(),
      ec2,
      instances: openBootInstances(ec2),
      consoles: openInstances(ec2),
    };
  },
  run: async (_event, deps, { clock, config }) => {
    const { stack, storeBucket, machinePrefix } = config;
    const settings = { stack, storeBucket, machinePrefix, now: clock.now() };
    // Instances cost by the second: they first. A failure of theirs must not keep uploads waiting.
    const boots = await sweepBoots(deps, settings).then(
      (ended) => ({ ended }),
      (error: unknown) => ({ error }),
    );
    const recovered = await sweepBuilds(deps, settings);
    if ('error' in boots) throw boots.error;
    return { recovered, boots: boots.ended };
  },
});
