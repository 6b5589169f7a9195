/** Sweep: once a minute, what nobody finished is finished, and candidates at gates are looked after. */
import * as z from 'zod';
import { openAlarms } from '../src/aws/alarms.ts';
import { openExecutions } from '../src/aws/executions.ts';
import { openGroups } from '../src/aws/groups.ts';
import { openInstances } from '../src/aws/instances.ts';
import { openLaunchTemplates } from '../src/aws/launch-template.ts';
import { openLoadBalancer } from '../src/aws/load-balancer.ts';
import { openTable } from '../src/aws/table.ts';
import { lambdaFunction } from '../src/runtime/handler.ts';
import { sweep } from '../src/runtime/rollout/sweep.ts';

export const handler = lambdaFunction({
  name: 'sweep',
  input: z.unknown(),
  deps: (config) => ({
    table: openTable(config.table),
    balancer: openLoadBalancer(),
    groups: openGroups(),
    templates: openLaunchTemplates(),
    instances: openInstances(),
    executions: openExecutions(),
    alarms: openAlarms(),
  }),
  run: (_event, deps, invocation) => sweep(deps, invocation, invocation.config, invocation.log),
});
