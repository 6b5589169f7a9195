/**
 * The rule that a fleet has on its test listener. It leads to the candidate's slot while a rollout lets it, and to
 * nobody otherwise: an answer there is the candidate's, or the load balancer's own 503.
 *
 * As CodeDeploy's test traffic route and the test listener rule of ECS, except that those stay where they were led last:
 * https://docs.aws.amazon.com/codedeploy/latest/userguide/deployment-groups-create-load-balancer-for-ecs.html
 * https://docs.aws.amazon.com/AmazonECS/latest/developerguide/alb-resources-for-blue-green.html
 */
import type { SlotColour } from '../contracts/ids.ts';
import type { FleetItem } from '../contracts/items.ts';
import type { Condition } from './conditions.ts';
import { sameCondition } from './conditions.ts';
import {
  allotPriority,
  describeRule,
  isOurs,
  type ObservedRule,
  overlappingRules,
  type RuleOfListener,
  type WantedParts,
} from './fixed-parts.ts';
import { formatWeights, mayAppear, noWeights, propagationSeconds, sameWeights } from './traffic.ts';
import type { RuleView, Weights } from './world.ts';

export type TestRuleAction =
  | { readonly do: 'create-test-rule'; readonly priority: number }
  | { readonly do: 'change-test-rule'; readonly arn: string }
  | { readonly do: 'remove-test-rule'; readonly arn: string };

export type TestRulePlan =
  | {
      readonly verdict: 'go';
      readonly own: ObservedRule | undefined;
      readonly actions: readonly TestRuleAction[];
    }
  | { readonly verdict: 'refused'; readonly reasons: readonly string[] };

/**
 * What to make, change and remove so that the fleet has a rule on the test listener that its spec names, if any.
 * @param rules of that listener
 * @param recorded the test rule that the fleet's item names
 */
export function planTestRule(
  wanted: Pick<WantedParts, 'stack' | 'fleet' | 'testListenerArn' | 'condition'>,
  rules: readonly ObservedRule[],
  recorded: FleetItem['fixed']['test'],
  refusedPriorities: ReadonlySet<number>,
): TestRulePlan {
  const actions: TestRuleAction[] = [];
  if (recorded !== undefined && recorded.listenerArn !== wanted.testListenerArn) {
    actions.push({ do: 'remove-test-rule', arn: recorded.ruleArn });
  }
  if (wanted.testListenerArn === undefined) return { verdict: 'go', own: undefined, actions };
  const own = rules.find((rule) => rule.priority !== 'default' && isOurs(wanted, rule.tags));
  const overlaps = overlappingRules(wanted.condition, rules, own);
  if (overlaps.length > 0) {
    return { verdict: 'refused', reasons: overlaps.map((rule) => `test listener: ${describeRule(rule)}`) };
  }
  if (own === undefined) {
    const priority = allotPriority(rules, refusedPriorities);
    if (priority === undefined) {
      return { verdict: 'refused', reasons: ['the test listener has no free priority'] };
    }
    actions.push({ do: 'create-test-rule', priority });
  } else if (!sameCondition(own.condition, wanted.condition)) {
    actions.push({ do: 'change-test-rule', arn: own.arn });
  }
  return { verdict: 'go', own, actions };
}

/**
 * The fleet's own rules on other listeners than those that its spec names. A call that made one and died before it
 * was written down left it; those without our tags are somebody else's.
 * @param naming every rule that names one of the fleet's slots
 * @param kept the test rule that the fleet has from now on
 */
export function leftBehind(
  wanted: Pick<WantedParts, 'stack' | 'fleet' | 'listenerArn'>,
  naming: readonly RuleOfListener[],
  kept: FleetItem['fixed']['test'],
): readonly RuleOfListener[] {
  return naming.filter(
    (rule) =>
      isOurs(wanted, rule.tags) && rule.listenerArn !== wanted.listenerArn && rule.arn !== kept?.ruleArn,
  );
}

/** What the test rule has while it leads to a slot, or to nobody. */
export function testWeights(slot: SlotColour | null): Weights {
  return slot === null ? noWeights : { ...noWeights, [slot]: 100 };
}

/** Whether the rule leads there and nowhere else. */
export function leadsTo(rule: RuleView, slot: SlotColour | null): boolean {
  return rule.foreign.length === 0 && !rule.sticky && sameWeights(rule.weights, testWeights(slot));
}

/**
 * Whether a rule may be shown as it was before our own change, or not yet; see `mayBeStale` and `mayAppear`.
 * @param rule null where the fleet has none, undefined where it is not shown
 */
export function mayShowBefore(
  rule: RuleView | undefined | null,
  told: FleetItem['testTraffic'],
  now: Date,
): boolean {
  if (rule === null || told === undefined) return false;
  if (rule === undefined) return mayAppear({ createdAt: told.since }, now);
  if (leadsTo(rule, told.slot)) return false;
  return now.getTime() - Date.parse(told.since) < propagationSeconds * 1000;
}

/** The rule in words. */
export function describeTestRule(rule: RuleView | undefined): string {
  if (rule === undefined) return 'the test rule is gone';
  const foreign = rule.foreign.map((arn) => `, and a share for ${arn}`).join('');
  return `the test rule has ${formatWeights(rule.weights)}${foreign}${rule.sticky ? ', and is sticky' : ''}`;
}

/** Between two looks at a rule that is not shown yet. */
const lookAgainSeconds = 5;

export type TestTrafficStep =
  /** Written down by an earlier call, or this one: set it. */
  | { readonly do: 'set' }
  | { readonly do: 'wait'; readonly seconds: number }
  | { readonly do: 'proven' }
  | { readonly do: 'refuse'; readonly reasons: readonly string[] };

/**
 * The next step of leading the test rule to a candidate's slot. It is proven when it is read back after every node of
 * the load balancer must have heard of it; before that an answer might be the former rule's.
 * @param heard an earlier step was heard to its end: that the rule leads to nobody is then somebody's doing, and else
 *   may be that of a call that never came to AWS
 */
export function nextTestTraffic(
  rule: RuleView | undefined,
  told: FleetItem['testTraffic'],
  slot: SlotColour,
  now: Date,
  heard: boolean,
): TestTrafficStep {
  const reasons = [
    `${describeTestRule(rule)}; lineage expects ${formatWeights(testWeights(told?.slot ?? null))}`,
  ];
  if (rule === undefined) {
    return mayShowBefore(rule, told, now)
      ? { do: 'wait', seconds: lookAgainSeconds }
      : { do: 'refuse', reasons };
  }
  const age = told === undefined ? Number.POSITIVE_INFINITY : (now.getTime() - Date.parse(told.since)) / 1000;
  const left = Math.ceil(propagationSeconds - age);
  if (told?.slot !== slot) {
    if (leadsTo(rule, null)) return { do: 'set' };
    // The end of the rollout before may not show yet.
    return left > 0 ? { do: 'wait', seconds: left } : { do: 'refuse', reasons };
  }
  if (leadsTo(rule, slot)) return left > 0 ? { do: 'wait', seconds: left } : { do: 'proven' };
  // The call that was to set it may have been lost, or does not show yet.
  return (left > 0 || !heard) && leadsTo(rule, null) ? { do: 'set' } : { do: 'refuse', reasons };
}

/** A host that the rule's patterns match; undefined where it matches every one. */
export function exampleHost({ hosts }: Pick<Condition, 'hosts'>): string | undefined {
  return hosts[0]?.replaceAll('*', 'smoke-test').replaceAll('?', 'x');
}
