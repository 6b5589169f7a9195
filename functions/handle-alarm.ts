/** HandleAlarm: an alarm rings; rollouts that watch it are aborted, and fleets whose former release is warm go back. */
import * as z from 'zod';
import { openExecutions } from '../src/aws/executions.ts';
import { openTable } from '../src/aws/table.ts';
import type { AlarmEvidence } from '../src/contracts/failure-card.ts';
import { alarmEvidenceOf } from '../src/fleet/evidence.ts';
import { lambdaFunction } from '../src/runtime/handler.ts';
import { alarmRang } from '../src/runtime/rollout/alarm.ts';

/** EventBridge's "CloudWatch Alarm State Change". */
const input = z.looseObject({
  detail: z.looseObject({
    alarmName: z.string(),
    state: z.looseObject({
      value: z.string(),
      reason: z.string().default(''),
      reasonData: z.string().optional(),
      /** When it changed: `2026-01-01T00:00:00.000+0000`. */
      timestamp: z.string().optional(),
    }),
    configuration: z
      .looseObject({
        metrics: z
          .array(
            z.looseObject({
              metricStat: z
                .looseObject({ metric: z.looseObject({ namespace: z.string(), name: z.string() }) })
                .optional(),
            }),
          )
          .optional(),
      })
      .optional(),
  }),
});

/** The event says which metric, and what was measured; how it is compared stands in the sentence only. */
function evidenceIn({
  alarmName: name,
  state,
  configuration,
}: z.infer<typeof input>['detail']): AlarmEvidence {
  const [only, another] = configuration?.metrics ?? [];
  const metric = another === undefined ? only?.metricStat?.metric : undefined;
  return alarmEvidenceOf({
    name,
    reason: state.reason,
    reasonData: state.reasonData,
    metric: metric && `${metric.namespace} ${metric.name}`,
  });
}

export const handler = lambdaFunction({
  name: 'handle-alarm',
  input,
  deps: (config) => ({ table: openTable(config.table), executions: openExecutions() }),
  run: async ({ detail }, deps, { clock, config, log }) =>
    detail.state.value === 'ALARM'
      ? alarmRang(evidenceIn(detail), detail.state.timestamp, { ...deps, clock, config }, log)
      : { aborted: [], rollingBack: [] },
});
