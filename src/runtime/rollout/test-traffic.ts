/** Leading the test listener's rule to a candidate before any traffic, proving that it does, and closing it again. */
import * as z from 'zod';
import type { Entrances } from '../../aws/entrances.ts';
import type { LoadBalancer } from '../../aws/load-balancer.ts';
import type { FleetItem } from '../../contracts/items.ts';
import { heldCall, rolloutPlan } from '../../contracts/rollout.ts';
import { FlotillaError } from '../../errors.ts';
import { phases } from '../../fleet/phases.ts';
import { exampleHost, leadsTo, nextTestTraffic, testWeights } from '../../fleet/test-listener.ts';
import { propagationSeconds } from '../../fleet/traffic.ts';
import { mostQuestions } from '../ask-instance.ts';
import type { Hold } from './hold.ts';
import { slotArns } from './look.ts';
import { refuseIfEnded } from './orders.ts';
import { fleetEvent, rolloutKey, updateRollout } from './record.ts';
import { type SmokeQuestions, smokeQuestions, smokeTimeoutSeconds } from './smoke-test.ts';

export const testTrafficCall = heldCall.extend({
  plan: rolloutPlan,
  /** What CheckHealth asks of the instances. JSONata's $merge drops it where it is null. */
  smoke: smokeQuestions.nullable().default(null),
  /** An earlier pass of this state ended well. */
  heard: z.boolean().default(false),
});

export interface TestTrafficDeps {
  readonly balancer: LoadBalancer;
  readonly entrances: Entrances;
}

export type TestTraffic =
  | { readonly proven: false; readonly seconds: number; readonly smoke: SmokeQuestions | null }
  | { readonly proven: true; readonly smoke: SmokeQuestions | null };

/**
 * One pass: writes down where the rule is to lead, sets it, or finds it proven. Safe to repeat.
 * @returns how long to wait until the next pass; or the smoke test's questions, with those through the listener.
 * @throws FlotillaError `TrafficChangedByHand`, `SmokeTestFailed` where no node is there to ask, `GateAborted`,
 * `LeaseLost`, `DeadlineNear`.
 */
export async function allowTestTraffic(
  call: z.infer<typeof testTrafficCall>,
  hold: Hold,
  { balancer, entrances }: TestTrafficDeps,
): Promise<TestTraffic> {
  const { plan, rollout, smoke, heard } = call;
  const { test } = hold.fleet.fixed;
  refuseIfEnded(hold.fleet, rollout);
  const slots = slotArns(hold.fleet);
  const rule = test === undefined ? undefined : await balancer.rule(test.ruleArn, slots);
  const step = nextTestTraffic(rule, hold.fleet.testTraffic, plan.slot, hold.now(), heard);
  if (step.do === 'refuse' || test === undefined) {
    const reasons = step.do === 'refuse' ? step.reasons : ['the fleet has no test rule any more'];
    throw new FlotillaError('TrafficChangedByHand', reasons.join('; '), {
      fleet: call.fleet,
      rollout,
      ruleArn: test?.ruleArn,
    });
  }
  if (step.do === 'wait') return { proven: false, seconds: step.seconds, smoke };
  if (step.do === 'set') {
    await hold.change((item, now) => ({
      fleet: { ...item, testTraffic: { slot: plan.slot, since: now } },
      events: [
        fleetEvent({
          fleet: call.fleet,
          key: rolloutKey(rollout, 'test-traffic-allowed'),
          kind: 'test-traffic-allowed',
          at: now,
          execution: call.execution,
          data: { rollout, slot: plan.slot, listenerArn: test.listenerArn },
        }),
      ],
    }));
    await hold.before();
    await balancer.setWeights(test.ruleArn, slots, testWeights(plan.slot));
    return { proven: false, seconds: propagationSeconds, smoke };
  }
  const asked = smoke === null ? null : await throughListener(call.fleet, hold.fleet, test, smoke, entrances);
  await hold.change((item, now) => ({
    fleet: item,
    writes: [updateRollout(call.fleet, rollout, { phase: smoke === null ? phases.shifting : phases.smoke })],
    events: [
      fleetEvent({
        fleet: call.fleet,
        key: rolloutKey(rollout, 'test-traffic-proven'),
        kind: 'test-traffic-proven',
        at: now,
        execution: call.execution,
        data: { rollout, slot: plan.slot },
      }),
    ],
  }));
  return { proven: true, smoke: asked };
}

/** Nodes that are asked: of a load balancer that grew large the first. */
const mostNodes = 20;

/** The instances' questions, and one to each node of the load balancer. */
async function throughListener(
  name: string,
  { spec }: Pick<FleetItem, 'spec'>,
  { listenerArn }: NonNullable<FleetItem['fixed']['test']>,
  smoke: SmokeQuestions,
  entrances: Entrances,
): Promise<SmokeQuestions> {
  const { port, addresses } = await entrances.of(listenerArn);
  const nodes = addresses.slice(0, mostNodes);
  if (nodes.length === 0) {
    throw new FlotillaError(
      'SmokeTestFailed',
      'The load balancer of the test listener shows no node to ask',
      {
        fleet: name,
      },
    );
  }
  const host = exampleHost(spec.rule);
  const path = spec.rollout.smokeTest?.path ?? spec.healthCheck.path;
  const room = mostQuestions - nodes.length;
  return {
    ...smoke,
    nodes: nodes.length,
    instances: [
      ...smoke.instances.slice(0, room),
      ...nodes.map((address) => `the test listener, at ${address},`),
    ],
    questions: [
      ...smoke.questions.slice(0, room),
      ...nodes.map((address) => ({
        ...{ address, port, path, timeoutSeconds: smokeTimeoutSeconds },
        ...(host === undefined ? {} : { host }),
      })),
    ],
  };
}

/**
 * Leads the test rule to nobody, if it leads where it was told to. What somebody else made of it stays: it takes no
 * traffic away, and the next plan refuses until it is set back.
 * @returns undefined where there was nothing to close
 */
export async function closeTestTraffic(
  hold: Hold,
  balancer: LoadBalancer,
): Promise<'closed' | 'changed by hand' | undefined> {
  const { fixed, testTraffic } = hold.fleet;
  const slot = testTraffic?.slot ?? null;
  if (fixed.test === undefined || slot === null) return undefined;
  const rule = await balancer.rule(fixed.test.ruleArn, slotArns(hold.fleet));
  if (rule === undefined) return 'changed by hand';
  // A repeated call finds its own work done.
  if (leadsTo(rule, null)) return 'closed';
  if (!leadsTo(rule, slot)) return 'changed by hand';
  await hold.before();
  await balancer.setWeights(fixed.test.ruleArn, slotArns(hold.fleet), testWeights(null));
  return 'closed';
}
