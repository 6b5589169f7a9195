/** The rule on a fleet's test listener: looked for, adopted, made, changed, and taken away. */
import type { FixedParts } from '../aws/fixed-parts.ts';
import type { FleetItem } from '../contracts/items.ts';
import { FlotillaError } from '../errors.ts';
import { fleetTags, type WantedParts } from '../fleet/fixed-parts.ts';
import { leftBehind, planTestRule, type TestRulePlan } from '../fleet/test-listener.ts';
import { noWeights } from '../fleet/traffic.ts';
import type { Clock } from './clock.ts';
import type { Undo } from './ensure-parts.ts';

/** As for the other parts: listings lag, and others take priorities. */
const patience = { tries: 5, betweenMilliseconds: 2_000 };

type Recorded = FleetItem['fixed']['test'];

/**
 * What is to be done, before anything is made of the fleet.
 * @throws FlotillaError RuleConflict; FleetInUse where something is to be changed under a rollout
 */
export async function lookAtTestRule(
  wanted: WantedParts,
  existing: FleetItem | undefined,
  parts: Pick<FixedParts, 'rules'>,
  clock: Pick<Clock, 'sleep'>,
  refused: ReadonlySet<number> = new Set(),
): Promise<Extract<TestRulePlan, { verdict: 'go' }>> {
  const { fleet, testListenerArn } = wanted;
  const recorded = existing?.fixed.test;
  for (let look = 1; ; look += 1) {
    const rules = testListenerArn === undefined ? [] : await parts.rules(testListenerArn);
    const plan = planTestRule(wanted, rules, recorded, refused);
    if (plan.verdict === 'refused') {
      throw new FlotillaError('RuleConflict', `${fleet}: ${plan.reasons.join('; ')}.`, {
        fleet,
        reasons: plan.reasons,
      });
    }
    const lost = recorded?.listenerArn === testListenerArn && plan.own?.arn !== recorded?.ruleArn;
    if (lost && look < patience.tries) {
      await clock.sleep(patience.betweenMilliseconds);
      continue;
    }
    if (plan.actions.length > 0 && existing?.lease != null) {
      throw new FlotillaError(
        'FleetInUse',
        `A ${existing.lease.purpose} holds ${fleet}, and this spec would change the rule of its test listener.`,
        { fleet, holder: existing.lease.holder },
      );
    }
    return plan;
  }
}

export interface EnsuredTestRule {
  readonly test?: NonNullable<Recorded>;
  readonly made: readonly string[];
  /** Rules to remove, once the fleet's item says that they are the fleet's no longer. */
  readonly obsolete: readonly string[];
}

/** @throws FlotillaError RuleConflict, RequestConflict, FleetInUse */
export async function ensureTestRule(
  wanted: WantedParts,
  existing: FleetItem | undefined,
  { blueArn, greenArn }: Pick<FleetItem['fixed'], 'blueArn' | 'greenArn'>,
  parts: FixedParts,
  undo: Undo[],
  clock: Pick<Clock, 'sleep'>,
): Promise<EnsuredTestRule> {
  const { testListenerArn: listenerArn, condition, stack, fleet } = wanted;
  const refused = new Set<number>();
  for (let attempt = 1; attempt <= patience.tries; attempt += 1) {
    const { own, actions } = await lookAtTestRule(wanted, existing, parts, clock, refused);
    const made: string[] = [];
    const obsolete = new Set<string>();
    let found = own === undefined ? undefined : { arn: own.arn, priority: Number(own.priority) };
    for (const action of actions) {
      switch (action.do) {
        case 'remove-test-rule':
          obsolete.add(action.arn);
          made.push('the former test listener without its rule');
          break;
        case 'change-test-rule':
          if (own !== undefined) {
            const { arn, condition: former } = own;
            const what = 'condition of the test rule';
            undo.push({ what, id: arn, changed: true, run: () => parts.changeRule(arn, former) });
          }
          await parts.changeRule(action.arn, condition);
          made.push('condition of the test rule');
          break;
        case 'create-test-rule': {
          const { priority } = action;
          const tags = fleetTags(stack, fleet);
          const slots = { blueArn, greenArn, weights: noWeights };
          const arn = await parts.createRule({
            ...{ listenerArn: listenerArn ?? '', priority, condition, tags },
            ...slots,
          });
          if (arn === undefined) {
            refused.add(priority);
            break;
          }
          made.push(`test rule at priority ${priority}`);
          undo.push({ what: 'test rule', id: arn, run: () => parts.removeRule(arn) });
          found = { arn, priority };
        }
      }
    }
    const test =
      listenerArn === undefined || found === undefined
        ? undefined
        : { listenerArn, ruleArn: found.arn, priority: found.priority };
    if (test !== undefined || listenerArn === undefined) {
      const naming = await parts.rulesNaming([blueArn, greenArn]);
      for (const rule of leftBehind(wanted, naming, test)) {
        if (obsolete.has(rule.arn)) continue;
        obsolete.add(rule.arn);
        made.push(`listener ${rule.listenerArn} without the rule that an earlier call had left there`);
      }
      return { ...(test === undefined ? {} : { test }), made, obsolete: [...obsolete] };
    }
    await clock.sleep(patience.betweenMilliseconds);
  }
  throw new FlotillaError('RequestConflict', `Every priority allotted to ${fleet} was taken at once.`, {
    fleet,
  });
}
