/**
 * The smoke test: one request to each instance of the candidate at its private address, before any traffic; and, where
 * the fleet has a test listener, one to each node of its load balancer (test-traffic.ts). The function in the VPC asks
 * (src/runtime/ask-instance.ts); here it is said whom, and what the answers mean.
 */
import * as z from 'zod';
import type { Instances } from '../../aws/instances.ts';
import type { FleetSpec } from '../../contracts/fleet-spec.ts';
import { type HeldCall, heldCall } from '../../contracts/rollout.ts';
import { FlotillaError } from '../../errors.ts';
import { phases } from '../../fleet/phases.ts';
import type { TargetView } from '../../fleet/world.ts';
import { answer, mostQuestions, question } from '../ask-instance.ts';
import type { Hold } from './hold.ts';
import { refuseIfEnded } from './orders.ts';
import { fleetEvent, rolloutKey, updateRollout } from './record.ts';

/** A smoke test is one small request; who needs longer is not ready. */
export const smokeTimeoutSeconds = 5;

export const smokeQuestions = z.strictObject({
  /** Whom each question asks: an instance, or the test listener at one of its nodes. */
  instances: z.array(z.string()),
  questions: z.array(question),
  /** How many of the questions, the last ones, go through the test listener. */
  nodes: z.number().int().default(0),
  wanted: z.number().int(),
});
export type SmokeQuestions = z.infer<typeof smokeQuestions>;

export const smokeCall = heldCall.extend({ smoke: smokeQuestions, answers: z.array(answer) });

/** What to ask the healthy instances of a candidate; of more than 500 the first. Null where the spec asks nothing. */
export async function smokeQuestionsFor(
  { port, rollout: { smokeTest } }: Pick<FleetSpec, 'port' | 'rollout'>,
  targets: readonly TargetView[],
  instances: Pick<Instances, 'addresses'>,
): Promise<SmokeQuestions | null> {
  if (smokeTest === undefined) return null;
  const healthy = targets.filter(({ state }) => state === 'healthy').map(({ id }) => id);
  const addresses = [...(await instances.addresses(healthy.slice(0, mostQuestions)))];
  return {
    instances: addresses.map(([instance]) => instance),
    questions: addresses.map(([, address]) => ({
      address,
      port,
      path: smokeTest.path,
      timeoutSeconds: smokeTimeoutSeconds,
    })),
    nodes: 0,
    wanted: smokeTest.status,
  };
}

/** @throws FlotillaError `SmokeTestFailed` naming the instance and its answer, `GateAborted`, `LeaseLost`. */
export async function smokeTest(call: z.infer<typeof smokeCall>, hold: Hold): Promise<{ asked: number }> {
  const { instances, questions, wanted } = call.smoke;
  refuseIfEnded(hold.fleet, call.rollout);
  if (instances.length === 0) {
    throw new FlotillaError('SmokeTestFailed', 'No instance of the candidate has an address to ask', {
      fleet: call.fleet,
    });
  }
  instances.forEach((instance, index) => {
    const asked = questions[index];
    const heard = call.answers[index];
    if (heard?.kind === 'status' && heard.status === wanted) return;
    const what =
      heard === undefined
        ? 'was not asked'
        : heard.kind === 'none'
          ? heard.reason
          : `answered ${heard.status}, not ${wanted}`;
    throw new FlotillaError('SmokeTestFailed', `${instance} ${what}`, {
      fleet: call.fleet,
      instance,
      url: `http://${asked?.address}:${asked?.port}${asked?.path}`,
      host: asked?.host,
      answer: heard?.kind === 'status' ? heard.body : undefined,
    });
  });
  await recordPassed(call, hold);
  return { asked: instances.length };
}

async function recordPassed(call: HeldCall & { readonly smoke: SmokeQuestions }, hold: Hold): Promise<void> {
  const { instances, questions, nodes, wanted } = call.smoke;
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
          instances: instances.slice(0, instances.length - nodes),
          path: questions[0]?.path,
          status: wanted,
          ...(nodes === 0 ? {} : { testListener: instances.slice(-nodes) }),
        },
      }),
    ],
  }));
}
