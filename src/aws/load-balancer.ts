/** Listener rules and target groups, as rollouts see them. */
import {
  DescribeRulesCommand,
  DescribeTargetGroupAttributesCommand,
  DescribeTargetGroupsCommand,
  DescribeTargetHealthCommand,
  type ElasticLoadBalancingV2Client,
  ModifyRuleCommand,
} from '@aws-sdk/client-elastic-load-balancing-v2';
import type { SlotColour } from '../contracts/ids.ts';
import type { RuleView, SlotSettings, TargetView, Weights } from '../fleet/world.ts';
import { loadBalancingClient } from './clients/load-balancing.ts';
import { hasCode, noRule, noTargetGroup } from './errors.ts';
import { together } from './together.ts';

/** ARNs of a fleet's two target groups. */
export type SlotArns = Readonly<Record<SlotColour, string>>;

export interface LoadBalancer {
  /** The rule as it stands; undefined where it is gone. */
  rule(ruleArn: string, slots: SlotArns): Promise<RuleView | undefined>;
  /** Sets both weights at once. Repeating it changes nothing. */
  setWeights(ruleArn: string, slots: SlotArns, weights: Weights): Promise<void>;
  /** Health of each target of a target group; an absent group has none. */
  targets(targetGroupArn: string): Promise<TargetView[]>;
  settings(slots: SlotArns): Promise<Readonly<Record<SlotColour, SlotSettings>>>;
  /** `app/…/targetgroup/…`, which a scaling policy on requests names; undefined where no balancer uses the group. */
  resourceLabel(targetGroupArn: string): Promise<string | undefined>;
}

const isUnknownGroup = (error: unknown): boolean => hasCode(error, ...noTargetGroup);

export function openLoadBalancer(client: ElasticLoadBalancingV2Client = loadBalancingClient()): LoadBalancer {
  const settingsOf = async (arn: string): Promise<SlotSettings> => {
    try {
      const { Attributes = [] } = await client.send(
        new DescribeTargetGroupAttributesCommand({ TargetGroupArn: arn }),
      );
      const sticky = Attributes.some(({ Key, Value }) => Key === 'stickiness.enabled' && Value === 'true');
      return { exists: true, sticky };
    } catch (error) {
      if (isUnknownGroup(error)) return { exists: false, sticky: false };
      throw error;
    }
  };

  return {
    async rule(ruleArn, slots) {
      try {
        const { Rules = [] } = await client.send(new DescribeRulesCommand({ RuleArns: [ruleArn] }));
        const actions = Rules[0]?.Actions;
        if (actions === undefined) return undefined;
        const forward = actions.find(({ Type }) => Type === 'forward');
        const single = forward?.TargetGroupArn;
        const groups =
          forward?.ForwardConfig?.TargetGroups ??
          (single === undefined ? [] : [{ TargetGroupArn: single, Weight: 100 }]);
        const weightOf = (arn: string): number =>
          groups.find(({ TargetGroupArn }) => TargetGroupArn === arn)?.Weight ?? 0;
        return {
          weights: { blue: weightOf(slots.blue), green: weightOf(slots.green) },
          foreign: groups.flatMap(({ TargetGroupArn: arn }) =>
            arn === undefined || arn === slots.blue || arn === slots.green ? [] : [arn],
          ),
          sticky: forward?.ForwardConfig?.TargetGroupStickinessConfig?.Enabled === true,
        };
      } catch (error) {
        if (hasCode(error, ...noRule)) return undefined;
        throw error;
      }
    },

    async setWeights(ruleArn, slots, weights) {
      await client.send(
        new ModifyRuleCommand({
          RuleArn: ruleArn,
          Actions: [
            {
              Type: 'forward',
              ForwardConfig: {
                // Both stay in the rule at any weight: a target group in no rule is not health-checked.
                TargetGroups: [
                  { TargetGroupArn: slots.blue, Weight: weights.blue },
                  { TargetGroupArn: slots.green, Weight: weights.green },
                ],
                TargetGroupStickinessConfig: { Enabled: false },
              },
            },
          ],
        }),
      );
    },

    async targets(targetGroupArn) {
      try {
        const answer = await client.send(new DescribeTargetHealthCommand({ TargetGroupArn: targetGroupArn }));
        return (answer.TargetHealthDescriptions ?? []).map(({ Target, TargetHealth }) => ({
          id: Target?.Id ?? '',
          state: TargetHealth?.State ?? 'initial',
          ...(TargetHealth?.Reason === undefined ? {} : { reason: TargetHealth.Reason }),
          ...(TargetHealth?.Description === undefined ? {} : { description: TargetHealth.Description }),
        }));
      } catch (error) {
        if (isUnknownGroup(error)) return [];
        throw error;
      }
    },

    async settings(slots) {
      const [blue, green] = await together([settingsOf(slots.blue), settingsOf(slots.green)]);
      return { blue, green };
    },

    async resourceLabel(targetGroupArn) {
      const { TargetGroups = [] } = await client.send(
        new DescribeTargetGroupsCommand({ TargetGroupArns: [targetGroupArn] }),
      );
      const balancer = TargetGroups[0]?.LoadBalancerArns?.[0];
      // https://docs.aws.amazon.com/autoscaling/ec2/APIReference/API_PredefinedMetricSpecification.html
      const left = balancer?.split(':loadbalancer/')[1];
      const right = targetGroupArn.split(':')[5];
      return left === undefined || right === undefined ? undefined : `${left}/${right}`;
    },
  };
}
