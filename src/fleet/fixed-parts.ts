/**
 * What stands in AWS for a fleet as long as the fleet exists: two target groups, one listener rule, one launch
 * template. This file decides what is missing, what differs and what must be refused; src/runtime/ensure-fleet.ts
 * looks and does.
 */
import type { FleetSpec } from '../contracts/fleet-spec.ts';
import type { SlotColour } from '../contracts/ids.ts';
import { type Condition, conditionsOverlap, patternsIntersect, sameCondition } from './conditions.ts';

/** The health check as a target group has it. */
export interface TargetGroupCheck {
  readonly path: string;
  readonly intervalSeconds: number;
  readonly timeoutSeconds: number;
  readonly healthyThreshold: number;
  readonly unhealthyThreshold: number;
  readonly statusCodes: string;
}

export interface WantedParts {
  readonly stack: string;
  readonly fleet: string;
  readonly listenerArn: string;
  /** Another listener of the same load balancer; see test-listener.ts. */
  readonly testListenerArn?: string | undefined;
  readonly vpcId: string;
  readonly port: number;
  readonly condition: Condition;
  readonly check: TargetGroupCheck;
  readonly drainSeconds: number;
}

export interface ObservedTargetGroup {
  readonly arn: string;
  readonly port: number | undefined;
  readonly protocol: string | undefined;
  readonly vpcId: string | undefined;
  readonly targetType: string | undefined;
  readonly check: TargetGroupCheck;
  readonly drainSeconds: number | undefined;
  readonly tags: Readonly<Record<string, string>>;
}

export interface ObservedRule {
  readonly arn: string;
  /** `default` for the listener's last resort, which overlaps everything on purpose. */
  readonly priority: number | 'default';
  readonly condition: Condition;
  readonly targetGroupArns: readonly string[];
  readonly tags: Readonly<Record<string, string>>;
}

/** A rule that was found by what it names, not by its listener. */
export interface RuleOfListener extends ObservedRule {
  readonly listenerArn: string;
}

export interface ObservedTemplate {
  readonly id: string;
  readonly tags: Readonly<Record<string, string>>;
}

export interface ObservedParts {
  readonly blue: ObservedTargetGroup | undefined;
  readonly green: ObservedTargetGroup | undefined;
  /** Every rule of the listener. */
  readonly rules: readonly ObservedRule[];
  readonly template: ObservedTemplate | undefined;
}

/** One change to make, in the order in which it must be made. */
export type PartAction =
  | { readonly do: 'create-target-group'; readonly slot: SlotColour; readonly name: string }
  | { readonly do: 'change-health-check'; readonly slot: SlotColour; readonly arn: string }
  | { readonly do: 'change-drain'; readonly slot: SlotColour; readonly arn: string }
  | { readonly do: 'create-rule'; readonly priority: number }
  | { readonly do: 'change-rule'; readonly arn: string }
  | { readonly do: 'create-template'; readonly name: string };

export type PartsPlan =
  | { readonly verdict: 'go'; readonly actions: readonly PartAction[] }
  | {
      readonly verdict: 'refused';
      readonly name: 'RuleConflict' | 'FixedPartForeign' | 'SpecInvalid';
      readonly reasons: readonly string[];
    };

/** `flt-web-blue`: 32 characters at most, which a fleet's name of 20 leaves room for. */
export function targetGroupName(fleet: string, slot: SlotColour): string {
  return `flt-${fleet}-${slot}`;
}

/** `flt-web`. */
export function launchTemplateName(fleet: string): string {
  return `flt-${fleet}`;
}

/** Tags of everything that is made for a fleet; what carries them may be adopted, changed and removed. */
export function fleetTags(stack: string, fleet: string): Readonly<Record<string, string>> {
  return { 'flotilla:stack': stack, 'flotilla:fleet': fleet };
}

export function isOurs(
  wanted: Pick<WantedParts, 'stack' | 'fleet'>,
  tags: Readonly<Record<string, string>>,
): boolean {
  return tags['flotilla:stack'] === wanted.stack && tags['flotilla:fleet'] === wanted.fleet;
}

function isForeign(wanted: WantedParts, part: Pick<ObservedTemplate, 'tags'> | undefined): boolean {
  return part !== undefined && !isOurs(wanted, part.tags);
}

/**
 * The rule that is this fleet's: it carries the fleet's tags, or it forwards to the fleet's own target groups
 * (a call that died between making and reading may have left that).
 */
export function ownRule(wanted: WantedParts, observed: ObservedParts): ObservedRule | undefined {
  const mine = [observed.blue?.arn, observed.green?.arn];
  return observed.rules.find(
    (rule) =>
      rule.priority !== 'default' &&
      (isOurs(wanted, rule.tags) || rule.targetGroupArns.some((arn) => mine.includes(arn))),
  );
}

/** A rule in words: `priority 7 of fleet api (hosts api.example.com)`. */
export function describeRule(rule: ObservedRule): string {
  const owner = rule.tags['flotilla:fleet'] === undefined ? '' : ` of fleet ${rule.tags['flotilla:fleet']}`;
  const parts = [
    rule.condition.hosts.length > 0 ? `hosts ${rule.condition.hosts.join(', ')}` : '',
    rule.condition.paths.length > 0 ? `paths ${rule.condition.paths.join(', ')}` : '',
  ].filter((text) => text !== '');
  return `priority ${rule.priority}${owner} (${parts.join(' and ') || 'every request'})`;
}

/** The rules, other than the fleet's own and the default, that match some request which the condition matches. */
export function overlappingRules(
  condition: Condition,
  rules: readonly ObservedRule[],
  own: ObservedRule | undefined,
): readonly ObservedRule[] {
  return rules.filter(
    (rule) =>
      rule.priority !== 'default' && rule.arn !== own?.arn && conditionsOverlap(condition, rule.condition),
  );
}

/** Rules written by hand usually stand at the front; fleets start behind them. */
const firstPriority = 1000;
/** https://docs.aws.amazon.com/elasticloadbalancing/latest/APIReference/API_CreateRule.html */
const lastPriority = 50_000;

/**
 * The lowest free priority from 1000 on (below, where those are all taken). As no two rules of fleets overlap,
 * their order means nothing.
 * @param refused priorities that were found taken, whatever the listing says
 * @returns undefined where the listener is full.
 */
export function allotPriority(
  rules: readonly ObservedRule[],
  refused: ReadonlySet<number> = new Set(),
): number | undefined {
  const taken = new Set<ObservedRule['priority']>([...refused, ...rules.map((rule) => rule.priority)]);
  for (let priority = firstPriority; priority <= lastPriority; priority++) {
    if (!taken.has(priority)) return priority;
  }
  for (let priority = firstPriority - 1; priority >= 1; priority--) {
    if (!taken.has(priority)) return priority;
  }
  return undefined;
}

function sameCheck(left: TargetGroupCheck, right: TargetGroupCheck): boolean {
  return (
    left.path === right.path &&
    left.intervalSeconds === right.intervalSeconds &&
    left.timeoutSeconds === right.timeoutSeconds &&
    left.healthyThreshold === right.healthyThreshold &&
    left.unhealthyThreshold === right.unhealthyThreshold &&
    left.statusCodes === right.statusCodes
  );
}

/** What of an existing target group cannot be changed, and contradicts the spec. */
function contradictions(wanted: WantedParts, slot: SlotColour, group: ObservedTargetGroup): string[] {
  const name = targetGroupName(wanted.fleet, slot);
  const differs = (what: string, has: unknown, wants: unknown) =>
    has === wants
      ? []
      : [`${what} of target group ${name} is ${String(has)} and cannot be changed to ${String(wants)}`];
  return [
    ...differs('the port', group.port, wanted.port),
    ...differs('the protocol', group.protocol, 'HTTP'),
    ...differs('the VPC', group.vpcId, wanted.vpcId),
    ...differs('the target type', group.targetType, 'instance'),
  ];
}

/**
 * Decides what to make and change so that the fleet's fixed parts are as wanted. Weights are never among it:
 * they belong to rollouts.
 */
export function planFixedParts(
  wanted: WantedParts,
  observed: ObservedParts,
  refusedPriorities: ReadonlySet<number> = new Set(),
): PartsPlan {
  const slots: readonly SlotColour[] = ['blue', 'green'];
  const foreign = [
    ...slots
      .filter((slot) => isForeign(wanted, observed[slot]))
      .map((slot) => `target group ${targetGroupName(wanted.fleet, slot)} exists and lacks our tags`),
    ...(isForeign(wanted, observed.template)
      ? [`launch template ${launchTemplateName(wanted.fleet)} exists and lacks our tags`]
      : []),
  ];
  if (foreign.length > 0) return { verdict: 'refused', name: 'FixedPartForeign', reasons: foreign };

  const fixed = slots.flatMap((slot) => {
    const group = observed[slot];
    return group === undefined ? [] : contradictions(wanted, slot, group);
  });
  if (fixed.length > 0) {
    const way =
      'what is fixed at the making of a fleet changes only by removing the fleet and making it again';
    return { verdict: 'refused', name: 'SpecInvalid', reasons: [...fixed, way] };
  }

  const own = ownRule(wanted, observed);
  const overlaps = overlappingRules(wanted.condition, observed.rules, own);
  if (overlaps.length > 0) {
    return { verdict: 'refused', name: 'RuleConflict', reasons: overlaps.map(describeRule) };
  }

  const actions: PartAction[] = [];
  for (const slot of slots) {
    const group = observed[slot];
    if (group === undefined) {
      actions.push({ do: 'create-target-group', slot, name: targetGroupName(wanted.fleet, slot) });
    } else {
      if (!sameCheck(group.check, wanted.check)) {
        actions.push({ do: 'change-health-check', slot, arn: group.arn });
      }
      if (group.drainSeconds !== wanted.drainSeconds) {
        actions.push({ do: 'change-drain', slot, arn: group.arn });
      }
    }
  }
  if (observed.template === undefined) {
    actions.push({ do: 'create-template', name: launchTemplateName(wanted.fleet) });
  }
  // The rule comes last: from then on requests reach the fleet.
  if (own === undefined) {
    const priority = allotPriority(observed.rules, refusedPriorities);
    if (priority === undefined) {
      return { verdict: 'refused', name: 'RuleConflict', reasons: ['the listener has no free priority'] };
    }
    actions.push({ do: 'create-rule', priority });
  } else if (!sameCondition(own.condition, wanted.condition)) {
    actions.push({ do: 'change-rule', arn: own.arn });
  }
  return { verdict: 'go', actions };
}

/**
 * Whether all of this may be done while a rollout or a retirement holds the fleet: nothing, or the rule made anew that
 * is gone. Without it no undo gets on; with the condition that it had, it changes nothing that the holder works on.
 */
export function allowedWhileHeld(
  actions: readonly PartAction[],
  wanted: Condition,
  former: Condition,
): boolean {
  return actions.every((action) => action.do === 'create-rule' && sameCondition(wanted, former));
}

/** Whether every part that was recorded stands in what was seen. */
export function showsAll(
  recorded: {
    readonly blueArn: string;
    readonly greenArn: string;
    readonly ruleArn: string;
    readonly launchTemplateId: string;
  },
  observed: ObservedParts,
): boolean {
  return (
    observed.blue?.arn === recorded.blueArn &&
    observed.green?.arn === recorded.greenArn &&
    observed.template?.id === recorded.launchTemplateId &&
    observed.rules.some(({ arn }) => arn === recorded.ruleArn)
  );
}

/** Groups made for a fleet: `flt-web-v7-r12`. The pattern keeps `web` from taking those of `web-v2`. */
export function isGroupOf(fleet: string, groupName: string): boolean {
  const prefix = `flt-${fleet}-`;
  return groupName.startsWith(prefix) && /^v\d+-r\d+$/.test(groupName.slice(prefix.length));
}

/** Whether a group was made once more, by a later rollout than the one that its name tells. */
export function isMadeAnew({ name, rollout }: { readonly name: string; readonly rollout: number }): boolean {
  return !name.endsWith(`-r${rollout}`);
}

/**
 * What in a spec cannot be right although each field is: said before anything is made.
 * Sources: https://docs.aws.amazon.com/elasticloadbalancing/latest/APIReference/API_CreateTargetGroup.html
 */
export function specContradictions(spec: FleetSpec): readonly string[] {
  const reasons: string[] = [];
  const { healthCheck, instances } = spec;
  if (healthCheck.timeoutSeconds >= healthCheck.intervalSeconds) {
    reasons.push('healthCheck.timeoutSeconds: must be shorter than healthCheck.intervalSeconds');
  }
  const soonest = healthCheck.intervalSeconds * healthCheck.healthyThreshold;
  if (healthCheck.deadlineSeconds < soonest) {
    reasons.push(
      `healthCheck.deadlineSeconds: ${healthCheck.healthyThreshold} checks in a row take ${soonest} s at least`,
    );
  }
  for (const type of instances.types) {
    const runs = architectureOf(type);
    if (runs !== spec.architecture) {
      reasons.push(`instances.types: ${type} runs ${runs}, the fleet's architecture is ${spec.architecture}`);
    }
  }
  const { paths, testListenerArn } = spec.rule;
  const smokePath = spec.rollout.smokeTest?.path.split('?')[0];
  if (testListenerArn !== undefined && smokePath !== undefined && paths.length > 0) {
    if (!paths.some((pattern) => patternsIntersect(pattern, smokePath))) {
      reasons.push(
        `rollout.smokeTest.path: ${smokePath} is none of rule.paths, so that no test rule matches it`,
      );
    }
  }
  return reasons;
}

/**
 * The architecture of an instance type, by AWS's naming: a `g` after the generation number stands for Graviton.
 * https://docs.aws.amazon.com/ec2/latest/instancetypes/instance-type-names.html
 */
export function architectureOf(instanceType: string): 'x86_64' | 'arm64' {
  return /^(a1\.|[a-z]+\d+g)/.test(instanceType) ? 'arm64' : 'x86_64';
}
