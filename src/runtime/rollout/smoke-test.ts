/**
 * The smoke test: one request to each instance of the candidate, at its private address. The function has to reach
 * that address: in an account it needs the fleet's subnets (docs/deploying.md).
 */
import type { Groups } from '../../aws/groups.ts';
import type { Instances } from '../../aws/instances.ts';
import type { HeldCall, RolloutPlan } from '../../contracts/rollout.ts';
import { FlotillaError } from '../../errors.ts';
import { phases } from '../../fleet/phases.ts';
import type { Hold } from './hold.ts';
import { refuseIfEnded } from './orders.ts';
import { fleetEvent, rolloutKey, updateRollout } from './record.ts';

/** A smoke test is one small request; who needs longer is not ready. */
const timeoutMilliseconds = 5_000;
/** Of the answer, in the failure. */
const bodyCharacters = 500;

/** @throws FlotillaError `SmokeTestFailed` naming the instance and its answer, `GateAborted`, `LeaseLost`. */
export async function smokeTest(
  call: HeldCall & { readonly plan: RolloutPlan },
  hold: Hold,
  deps: { readonly groups: Groups; readonly instances: Instances },
): Promise<{ asked: number }> {
  const { fleet } = hold;
  refuseIfEnded(fleet, call.rollout);
  const wanted = fleet.spec.rollout.smokeTest;
  if (wanted === undefined) return { asked: 0 };
  const group = await deps.groups.describe(call.plan.groupName);
  const ids = (group?.members ?? [])
    .filter(({ lifecycleState }) => lifecycleState === 'InService')
    .map(({ id }) => id);
  const addresses = await deps.instances.addresses(ids);
  for (const [instance, address] of addresses) {
    const url = `http://${address}:${fleet.spec.port}${wanted.path}`;
    const fail = (what: string, answer?: string) =>
      new FlotillaError('SmokeTestFailed', `${instance} ${what}`, {
        fleet: fleet.fleet,
        instance,
        url,
        answer,
      });
    let status: number;
    let body: string;
    try {
      const response = await fetch(url, {
        redirect: 'manual',
        signal: AbortSignal.timeout(timeoutMilliseconds),
      });
      status = response.status;
      body = await response.text();
    } catch (error) {
      throw fail(`did not answer: ${error instanceof Error ? error.message : String(error)}`);
    }
    if (status !== wanted.status) {
      throw fail(`answered ${status}, not ${wanted.status}`, body.slice(0, bodyCharacters));
    }
  }
  await hold.change((item, now) => ({
    fleet: item,
    writes: [updateRollout(call.fleet, call.rollout, { phase: phases.shifting })],
    events: [
      fleetEvent({
        fleet: call.fleet,
        key: rolloutKey(call.rollout, 'smoke-tested'),
        kind: 'candidate-smoke-tested',
        at: now,
        execution: call.execution,
        data: {
          rollout: call.rollout,
          instances: [...addresses.keys()],
          path: wanted.path,
          status: wanted.status,
        },
      }),
    ],
  }));
  return { asked: addresses.size };
}
