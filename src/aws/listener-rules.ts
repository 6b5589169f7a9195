/** Rules of listeners as they stand, with their tags: those of one listener, or all that name a target group. */
import {
  DescribeListenersCommand,
  DescribeRulesCommand,
  DescribeTagsCommand,
  DescribeTargetGroupsCommand,
  type ElasticLoadBalancingV2Client,
  type Rule,
  type RuleCondition,
} from '@aws-sdk/client-elastic-load-balancing-v2';
import type { Condition } from '../fleet/conditions.ts';
import type { ObservedRule, RuleOfListener } from '../fleet/fixed-parts.ts';
import { hasCode, noTargetGroup } from './errors.ts';

export type Tags = Readonly<Record<string, string>>;

/** DescribeTags takes 20 ARNs. https://docs.aws.amazon.com/elasticloadbalancing/latest/APIReference/API_DescribeTags.html */
const tagsAtOnce = 20;

export function tagMap(
  tags: readonly { Key?: string | undefined; Value?: string | undefined }[] | undefined,
): Tags {
  return Object.fromEntries((tags ?? []).map((tag) => [tag.Key ?? '', tag.Value ?? '']));
}

export async function tagsOf(
  balancing: ElasticLoadBalancingV2Client,
  arns: readonly string[],
): Promise<Map<string, Tags>> {
  const found = new Map<string, Tags>();
  for (let start = 0; start < arns.length; start += tagsAtOnce) {
    const answer = await balancing.send(
      new DescribeTagsCommand({ ResourceArns: arns.slice(start, start + tagsAtOnce) }),
    );
    for (const entry of answer.TagDescriptions ?? []) {
      if (entry.ResourceArn !== undefined) found.set(entry.ResourceArn, tagMap(entry.Tags));
    }
  }
  return found;
}

/** Every rule of a listener. */
export async function rulesOf(
  balancing: ElasticLoadBalancingV2Client,
  listenerArn: string,
): Promise<readonly ObservedRule[]> {
  const found: Rule[] = [];
  for (let marker: string | undefined; ; ) {
    const answer = await balancing.send(
      new DescribeRulesCommand({
        ListenerArn: listenerArn,
        ...(marker === undefined ? {} : { Marker: marker }),
      }),
    );
    found.push(...(answer.Rules ?? []));
    marker = answer.NextMarker;
    if (marker === undefined || marker === '') break;
  }
  const own = found.filter((rule) => rule.IsDefault !== true);
  const tags = await tagsOf(
    balancing,
    own.flatMap((rule) => rule.RuleArn ?? []),
  );
  return found.map((rule) => ({
    arn: rule.RuleArn ?? '',
    priority: rule.IsDefault === true ? 'default' : Number(rule.Priority),
    condition: conditionOf(rule),
    targetGroupArns: targetGroupsOf(rule),
    tags: tags.get(rule.RuleArn ?? '') ?? {},
  }));
}

/**
 * The rules of any listener that name one of these target groups. A target group tells its load balancer, and
 * nothing in AWS tells the rule: each listener there is looked through.
 * https://docs.aws.amazon.com/elasticloadbalancing/latest/APIReference/API_TargetGroup.html
 */
export async function rulesNaming(
  balancing: ElasticLoadBalancingV2Client,
  targetGroupArns: readonly string[],
): Promise<readonly RuleOfListener[]> {
  const balancers = new Set<string>();
  for (const arn of targetGroupArns) {
    for (const balancer of await balancersOf(balancing, arn)) balancers.add(balancer);
  }
  const found: RuleOfListener[] = [];
  for (const balancer of balancers) {
    for (const listenerArn of await listenersOf(balancing, balancer)) {
      const rules = await rulesOf(balancing, listenerArn);
      found.push(
        ...rules
          .filter((rule) => rule.targetGroupArns.some((arn) => targetGroupArns.includes(arn)))
          .map((rule) => ({ ...rule, listenerArn })),
      );
    }
  }
  return found;
}

async function balancersOf(balancing: ElasticLoadBalancingV2Client, arn: string): Promise<readonly string[]> {
  try {
    const answer = await balancing.send(new DescribeTargetGroupsCommand({ TargetGroupArns: [arn] }));
    return answer.TargetGroups?.[0]?.LoadBalancerArns ?? [];
  } catch (error) {
    if (hasCode(error, ...noTargetGroup)) return [];
    throw error;
  }
}

async function listenersOf(
  balancing: ElasticLoadBalancingV2Client,
  loadBalancerArn: string,
): Promise<readonly string[]> {
  const found: string[] = [];
  for (let marker: string | undefined; ; ) {
    const answer = await balancing.send(
      new DescribeListenersCommand({
        LoadBalancerArn: loadBalancerArn,
        ...(marker === undefined ? {} : { Marker: marker }),
      }),
    );
    found.push(...(answer.Listeners ?? []).flatMap(({ ListenerArn }) => ListenerArn ?? []));
    marker = answer.NextMarker;
    if (marker === undefined || marker === '') return found;
  }
}

/**
 * What a rule matches, as far as hosts and paths go. Conditions of other kinds, and regular expressions, only
 * narrow it; they are left out, so that the rule counts as wider than it is and never as narrower.
 */
function conditionOf(rule: Rule): Condition {
  const values = (field: string, config: (c: RuleCondition) => string[] | undefined) => {
    const found = (rule.Conditions ?? []).filter((condition) => condition.Field === field);
    return found.flatMap((condition) => config(condition) ?? condition.Values ?? []);
  };
  return {
    hosts: values('host-header', (c) => c.HostHeaderConfig?.Values),
    paths: values('path-pattern', (c) => c.PathPatternConfig?.Values),
  };
}

function targetGroupsOf(rule: Rule): string[] {
  return (rule.Actions ?? []).flatMap((action) => [
    ...(action.TargetGroupArn === undefined ? [] : [action.TargetGroupArn]),
    ...(action.ForwardConfig?.TargetGroups ?? []).flatMap((group) => group.TargetGroupArn ?? []),
  ]);
}
