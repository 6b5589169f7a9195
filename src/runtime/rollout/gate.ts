/** Waiting at a gate: the state machine waits, on a token; nothing polls. */
import * as z from 'zod';
import type { Alarms } from '../../aws/alarms.ts';
import type { Executions } from '../../aws/executions.ts';
import type { FleetItem } from '../../contracts/items.ts';
import { heldCall, rolloutPlan, trafficProof } from '../../contracts/rollout.ts';
import { isFlotillaError } from '../../errors.ts';
import { watchedAt } from '../../fleet/gates.ts';
import { endingOrder, type WaitsFor } from '../../fleet/orders.ts';
import { phases } from '../../fleet/phases.ts';
import { failureMessage } from '../failure.ts';
import { answerGate } from './answer-gate.ts';
import type { Hold } from './hold.ts';
import { refuseIfRinging } from './orders.ts';
import { fleetEvent, rolloutKey, updateRollout } from './record.ts';

export const gateInput = heldCall.extend({
  /** The step that has the traffic; 0 before the first. */
  step: z.number().int().min(0),
  /** How many there are. */
  steps: z.number().int().min(1),
  kind: rolloutPlan.shape.kind,
  waitsFor: z.enum(['time', 'approval', 'resume']),
  /** Absent at a pause, which has no end of its own. */
  seconds: z.number().int().min(1).optional(),
  token: z.string().min(1),
  proof: z.union([trafficProof, z.literal('none')]),
});

const phaseAt = {
  time: phases.baking,
  approval: phases.approval,
  resume: phases.paused,
} as const satisfies Record<WaitsFor, string>;

/**
 * Stores the token, then reads what was ordered before it was there. An order that comes later finds the token on
 * the fleet's item: between the two nothing can be lost, because both write the same item.
 */
export async function holdAtGate(
  call: z.infer<typeof gateInput>,
  hold: Hold,
  deps: { readonly executions: Executions; readonly alarms: Alarms },
): Promise<{ outcome: 'waiting' | 'left' }> {
  const { rollout, step, waitsFor, token, seconds } = call;
  const watchedNow = ({ spec }: FleetItem) =>
    watchedAt(spec.rollout.alarms, call).map(({ name, missingData }) => ({ name, missingData }));
  const fleet = await hold.change((item, now) => {
    const { gate } = item;
    const again = gate?.rollout === rollout && gate.step === step && gate.waitsFor === waitsFor;
    return {
      fleet: {
        ...item,
        gate: {
          token,
          rollout,
          step,
          waitsFor,
          since: now,
          alarms: watchedNow(item),
          ...(seconds === undefined
            ? {}
            : { until: new Date(Date.parse(now) + seconds * 1000).toISOString() }),
        },
      },
      // A function that died after it had stored its token is called again with another one.
      ...(again ? {} : entered(call, item, now)),
    };
  });

  // Who was told to end does not look at alarms first.
  if (endingOrder(fleet, rollout) === undefined) {
    try {
      await refuseIfRinging(fleet, rollout, watchedNow(fleet), deps.alarms);
    } catch (error) {
      if (!isFlotillaError(error)) throw error;
      await deps.executions.fail(token, error.name, failureMessage(error));
      return { outcome: 'left' };
    }
  }
  const told = await answerGate(fleet, deps.executions);
  return { outcome: told === 'waits' ? 'waiting' : 'left' };
}

function entered(call: z.infer<typeof gateInput>, item: FleetItem, now: string) {
  const { rollout, step, waitsFor, seconds, proof } = call;
  return {
    writes: [updateRollout(item.fleet, rollout, { phase: phaseAt[waitsFor] })],
    events: [
      fleetEvent({
        fleet: item.fleet,
        // A gate may be entered again after a pause.
        key: rolloutKey(rollout, `gate-${step}-${waitsFor}-at-${item.revision}`),
        kind: 'gate-entered',
        at: now,
        execution: call.execution,
        data: { rollout, step, waitsFor, ...(seconds === undefined ? {} : { seconds }), proof },
      }),
    ],
  };
}
