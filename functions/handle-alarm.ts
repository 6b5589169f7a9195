/** HandleAlarm: an alarm rings; rollouts that watch it are aborted. */
import * as z from 'zod';
import { openExecutions } from '../src/aws/executions.ts';
import { openTable } from '../src/aws/table.ts';
import { lambdaFunction } from '../src/runtime/handler.ts';
import { alarmRang } from '../src/runtime/rollout/alarm.ts';

/** EventBridge's "CloudWatch Alarm State Change". */
const input = z.looseObject({
  detail: z.looseObject({
    alarmName: z.string(),
    state: z.looseObject({ value: z.string(), reason: z.string().default('') }),
  }),
});

export const handler = lambdaFunction({
  name: 'handle-alarm',
  input,
  deps: (config) => ({ table: openTable(config.table), executions: openExecutions() }),
  run: async ({ detail }, deps, { clock }) =>
    detail.state.value === 'ALARM'
      ? alarmRang(detail.alarmName, detail.state.reason, { ...deps, clock })
      : { aborted: [] },
});
