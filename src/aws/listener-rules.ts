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
import { hasCode, noListener, noLoadBalancer, noRule, noTargetGroup } from './errors.ts';

export type Tags = Readonly<Record<string, string>>;

/** DescribeTags takes 20 ARNs. https://docs.aws.amazon.com/elasticloadbalancing/latest/APIReference/API_DescribeTags.html */
const tagsAtOnce = 20;

export function tagMap(
  tags: readonly { Key?: string | undefined; Value?: string | undefined }[] | undefined,
): Tags {
  return Object.fromEntries((tags ?? []).map((tag) => [tag.Key ?? '', tag.Value ?? '']));
}

/** Tags by ARN. A rule that is gone by then has no entry, and does not take those of the others with it. */
export async function tagsOf(
  balancing: ElasticLoadBalancingV2Client,
  arns: readonly string[],
): Promise<Map<string, Tags>> {
  const found = new Map<string, Tags>();
  const ask = async (some: readonly string[]): Promise<void> => {
    try {
      const answer = await balancing.send(new DescribeTagsCommand({ ResourceArns: [...some] }));
      for (const { ResourceArn, Tags } of answer.TagDescriptions ?? [])
        if (ResourceArn !== undefined) found.set(ResourceArn, tagMap(Tags));
    } catch (error) {
      // One ARN that is gone fails the call for all of them, and AWS does not say which.
      if (!hasCode(error, ...noRule)) throw error;
      if (some.length > 1) for (const one of some) await ask([one]);
    }
  };
  for (let start = 0; start < arns.length; start += tagsAtOnce)
    await ask(arns.slice(start, start + tagsAtOnce));
  return found;
}

/** Every rule of a listener, but those that somebody deletes meanwhile. */
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
  return found.flatMap((rule) => {
    const arn = rule.RuleArn ?? '';
    if (rule.IsDefault !== true && !tags.has(arn)) return [];
    return {
      arn,
      priority: rule.IsDefault === true ? 'default' : Number(rule.Priority),
      condition: conditionOf(rule),
      targetGroupArns: targetGroupsOf(rule),
      tags: tags.get(arn) ?? {},
    };
  });
}

/**
 * The rules of any listener that name one of these target groups. A target group tells its load balancer, and
 * nothing in AWS tells the rule: each listener there is looked through. What is deleted meanwhile has none.
 * https://docs.aws.amazon.com/elasticloadbalancing/latest/APIReference/API_TargetGroup.html
 */
export async function rulesNaming(
  balancing: ElasticLoadBalancingV2Client,
  targetGroupArns: readonly string[],
): Promise<readonly RuleOfListener[]> {
  const balancers = new Set<string>();
  for (const arn of targetGroupArns) {
    for (const balancer of await balancersOf(balancing, arn).catch(noneWhereGone(noTargetGroup)))
      balancers.add(balancer);
  }
  const found: RuleOfListener[] = [];
  for (const balancer of balancers) {
    for (const listenerArn of await listenersOf(balancing, balancer).catch(noneWhereGone(noLoadBalancer))) {
      const rules = await rulesOf(balancing, listenerArn).catch(noneWhereGone(noListener));
      found.push(
        ...rules
          .filter((rule) => rule.targetGroupArns.some((arn) => targetGroupArns.includes(arn)))
          .map((rule) => ({ ...rule, listenerArn })),
      );
    }
  }
  return found;
}

/** To catch with: what is gone has none of what it was asked for. */
function noneWhereGone(codes: readonly string[]): (error: unknown) => readonly never[] {
  return (error) => {
    if (hasCode(error, ...codes)) return [];
    throw error;
  };
}

async function balancersOf(balancing: ElasticLoadBalancingV2Client, arn: string): Promise<readonly string[]> {
  const answer = await balancing.send(new DescribeTargetGroupsCommand({ TargetGroupArns: [arn] }));
  return answer.TargetGroups?.[0]?.LoadBalancerArns ?? [];
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
