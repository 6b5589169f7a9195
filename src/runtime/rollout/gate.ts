/** Waiting at a gate: the state machine waits, on a token; nothing polls. */
import * as z from 'zod';
import type { Alarms } from '../../aws/alarms.ts';
import type { Executions } from '../../aws/executions.ts';
import { heldCall, trafficProof } from '../../contracts/rollout.ts';
import { isFlotillaError } from '../../errors.ts';
import { describeOrder, errorOfOrder, ordersFor } from '../../fleet/orders.ts';
import { phases } from '../../fleet/phases.ts';
import { opens } from '../give-order.ts';
import type { Hold } from './hold.ts';
import { refuseIfRinging } from './orders.ts';
import { fleetEvent, rolloutKey, updateRollout } from './record.ts';

export const gateInput = heldCall.extend({
  step: z.number().int().min(1),
  waitsFor: z.enum(['time', 'approval']),
  seconds: z.number().int().min(1),
  token: z.string().min(1),
  proof: trafficProof,
});

/**
 * Stores the token, then reads what was ordered before it was there. An order that comes later finds the token on
 * the fleet's item: between the two nothing can be lost, because both write the same item.
 */
export async function holdAtGate(
  call: z.infer<typeof gateInput>,
  hold: Hold,
  deps: { readonly executions: Executions; readonly alarms: Alarms },
): Promise<{ outcome: 'waiting' | 'opened' | 'closed' }> {
  const { rollout, step, waitsFor, token } = call;
  const fleet = await hold.change((item, now) => ({
    fleet: {
      ...item,
      gate: {
        token,
        rollout,
        step,
        waitsFor,
        since: now,
        until: new Date(Date.parse(now) + call.seconds * 1000).toISOString(),
      },
    },
    writes: [
      updateRollout(item.fleet, rollout, { phase: waitsFor === 'time' ? phases.baking : phases.approval }),
    ],
    events: [
      fleetEvent({
        fleet: item.fleet,
        key: rolloutKey(rollout, `gate-${step}-${waitsFor}`),
        kind: 'gate-entered',
        at: now,
        execution: call.execution,
        data: { rollout, step, waitsFor, seconds: call.seconds, proof: call.proof },
      }),
    ],
  }));

  const order = ordersFor(fleet, rollout).find(({ verb }) => opens(verb, waitsFor));
  if (order?.verb === 'abort' || order?.verb === 'reject') {
    await deps.executions.fail(token, errorOfOrder(order), describeOrder(order));
    return { outcome: 'closed' };
  }
  try {
    await refuseIfRinging(fleet, rollout, deps.alarms);
  } catch (error) {
    if (!isFlotillaError(error)) throw error;
    await deps.executions.fail(token, error.name, error.message);
    return { outcome: 'closed' };
  }
  if (order !== undefined) {
    await deps.executions.succeed(token, { ended: order.verb });
    return { outcome: 'opened' };
  }
  return { outcome: 'waiting' };
}
