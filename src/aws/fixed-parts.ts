/** A fleet's target groups, listener rule and launch template: looked at, made, changed and removed. */
import {
  CreateLaunchTemplateCommand,
  DeleteLaunchTemplateCommand,
  DescribeLaunchTemplatesCommand,
  type EC2Client,
} from '@aws-sdk/client-ec2';
import {
  CreateRuleCommand,
  CreateTargetGroupCommand,
  DeleteRuleCommand,
  DeleteTargetGroupCommand,
  DescribeListenersCommand,
  DescribeLoadBalancersCommand,
  DescribeRulesCommand,
  DescribeTargetGroupAttributesCommand,
  DescribeTargetGroupsCommand,
  type ElasticLoadBalancingV2Client,
  ModifyRuleCommand,
  ModifyTargetGroupAttributesCommand,
  ModifyTargetGroupCommand,
  type RuleCondition,
  type TargetGroup,
} from '@aws-sdk/client-elastic-load-balancing-v2';
import type { Condition } from '../fleet/conditions.ts';
import type {
  ObservedRule,
  ObservedTargetGroup,
  ObservedTemplate,
  RuleOfListener,
  TargetGroupCheck,
} from '../fleet/fixed-parts.ts';
import type { Weights } from '../fleet/world.ts';
import { ec2Client } from './clients/ec2.ts';
import { loadBalancingClient } from './clients/load-balancing.ts';
import { hasCode, isDenied, noListener, noRule, noTargetGroup } from './errors.ts';
import { rulesNaming, rulesOf, type Tags, tagMap, tagsOf } from './listener-rules.ts';

export interface ListenerFacts {
  readonly protocol: string;
  readonly vpcId: string;
  readonly loadBalancerArn: string;
}

export interface TargetGroupWish {
  readonly name: string;
  readonly port: number;
  readonly vpcId: string;
  readonly check: TargetGroupCheck;
  readonly tags: Tags;
}

export interface RuleWish {
  readonly listenerArn: string;
  readonly priority: number;
  readonly condition: Condition;
  readonly blueArn: string;
  readonly greenArn: string;
  /** All zero before the fleet has served: the load balancer then answers 503. */
  readonly weights: Weights;
  readonly tags: Tags;
}

export interface FixedParts {
  /** Undefined where there is no such listener, or it is not an Application Load Balancer's. */
  listener(arn: string): Promise<ListenerFacts | undefined>;
  /** Every rule of a listener, with its tags. */
  rules(listenerArn: string): Promise<readonly ObservedRule[]>;
  /** The rules of any listener that name one of these target groups, with their tags. */
  rulesNaming(targetGroupArns: readonly string[]): Promise<readonly RuleOfListener[]>;
  targetGroup(name: string): Promise<ObservedTargetGroup | undefined>;
  template(name: string): Promise<ObservedTemplate | undefined>;

  /** @returns the ARN. With equal settings a repeat answers with the group that stands. */
  createTargetGroup(wish: TargetGroupWish): Promise<string>;
  changeHealthCheck(arn: string, check: TargetGroupCheck): Promise<void>;
  changeDrain(arn: string, drainSeconds: number): Promise<void>;
  /** @returns the ARN, or undefined where the priority was taken in the meantime. */
  createRule(wish: RuleWish): Promise<string | undefined>;
  changeRule(arn: string, condition: Condition): Promise<void>;
  /** @returns the id. The same name and token answer with the template that was made. */
  createTemplate(name: string, token: string, tags: Tags): Promise<string>;

  /** Each removal does nothing where the part is gone. */
  removeRule(arn: string): Promise<void>;
  /** @returns false where something still uses it: a rule, or a listener. */
  removeTargetGroup(arn: string): Promise<boolean>;
  removeTemplate(id: string): Promise<void>;
}

function tagList(tags: Tags): { Key: string; Value: string }[] {
  return Object.entries(tags).map(([Key, Value]) => ({ Key, Value }));
}

function conditionsOf(condition: Condition): RuleCondition[] {
  const { hosts, paths } = condition;
  return [
    ...(hosts.length > 0 ? [{ Field: 'host-header', HostHeaderConfig: { Values: [...hosts] } }] : []),
    ...(paths.length > 0 ? [{ Field: 'path-pattern', PathPatternConfig: { Values: [...paths] } }] : []),
  ];
}

function checkOf(group: TargetGroup): TargetGroupCheck {
  return {
    path: group.HealthCheckPath ?? '',
    intervalSeconds: group.HealthCheckIntervalSeconds ?? 0,
    timeoutSeconds: group.HealthCheckTimeoutSeconds ?? 0,
    healthyThreshold: group.HealthyThresholdCount ?? 0,
    unhealthyThreshold: group.UnhealthyThresholdCount ?? 0,
    statusCodes: group.Matcher?.HttpCode ?? '',
  };
}

function checkInput(check: TargetGroupCheck) {
  return {
    HealthCheckEnabled: true,
    HealthCheckProtocol: 'HTTP' as const,
    HealthCheckPort: 'traffic-port',
    HealthCheckPath: check.path,
    HealthCheckIntervalSeconds: check.intervalSeconds,
    HealthCheckTimeoutSeconds: check.timeoutSeconds,
    HealthyThresholdCount: check.healthyThreshold,
    UnhealthyThresholdCount: check.unhealthyThreshold,
    Matcher: { HttpCode: check.statusCodes },
  };
}

async function unlessGone(codes: readonly string[], send: () => Promise<unknown>): Promise<void> {
  try {
    await send();
  } catch (error) {
    if (!hasCode(error, ...codes)) throw error;
  }
}

/**
 * A right that asks for a tag refuses what is gone, as that has none: a look tells the two apart. It comes second,
 * because what was made a moment ago may not be shown yet, and would be left behind.
 */
async function removeTagged(
  codes: readonly string[],
  remove: () => Promise<unknown>,
  look: () => Promise<unknown>,
): Promise<void> {
  try {
    await unlessGone(codes, remove);
  } catch (error) {
    if (!isDenied(error)) throw error;
    let isThere = false;
    await unlessGone(codes, async () => {
      await look();
      isThere = true;
    });
    if (isThere) throw error;
  }
}

const noTemplate = [
  'InvalidLaunchTemplateName.NotFoundException',
  'InvalidLaunchTemplateId.NotFound',
  'InvalidLaunchTemplateId.NotFoundException',
];
const priorityTaken = ['PriorityInUse', 'PriorityInUseException'];
const inUse = ['ResourceInUse', 'ResourceInUseException'];

function required(value: string | undefined, what: string): string {
  if (value === undefined) throw new Error(`AWS answered without ${what}`);
  return value;
}

export function openFixedParts(
  balancing: ElasticLoadBalancingV2Client = loadBalancingClient(),
  ec2: EC2Client = ec2Client(),
): FixedParts {
  return {
    async listener(arn) {
      try {
        const listeners = await balancing.send(new DescribeListenersCommand({ ListenerArns: [arn] }));
        const listener = listeners.Listeners?.[0];
        if (listener?.LoadBalancerArn === undefined) return undefined;
        const balancers = await balancing.send(
          new DescribeLoadBalancersCommand({ LoadBalancerArns: [listener.LoadBalancerArn] }),
        );
        const balancer = balancers.LoadBalancers?.[0];
        if (balancer?.VpcId === undefined || balancer.Type !== 'application') return undefined;
        return {
          protocol: listener.Protocol ?? '',
          vpcId: balancer.VpcId,
          loadBalancerArn: listener.LoadBalancerArn,
        };
      } catch (error) {
        if (hasCode(error, ...noListener, 'ValidationError')) return undefined;
        throw error;
      }
    },

    rules: (listenerArn) => rulesOf(balancing, listenerArn),
    rulesNaming: (targetGroupArns) => rulesNaming(balancing, targetGroupArns),

    async targetGroup(name) {
      let group: TargetGroup | undefined;
      try {
        const answer = await balancing.send(new DescribeTargetGroupsCommand({ Names: [name] }));
        group = answer.TargetGroups?.[0];
      } catch (error) {
        if (!hasCode(error, ...noTargetGroup)) throw error;
      }
      if (group?.TargetGroupArn === undefined) return undefined;
      const arn = group.TargetGroupArn;
      const attributes = await balancing.send(
        new DescribeTargetGroupAttributesCommand({ TargetGroupArn: arn }),
      );
      const drain = attributes.Attributes?.find(
        (attribute) => attribute.Key === 'deregistration_delay.timeout_seconds',
      )?.Value;
      return {
        arn,
        port: group.Port,
        protocol: group.Protocol,
        vpcId: group.VpcId,
        targetType: group.TargetType,
        check: checkOf(group),
        drainSeconds: drain === undefined ? undefined : Number(drain),
        tags: (await tagsOf(balancing, [arn])).get(arn) ?? {},
      };
    },

    async template(name) {
      try {
        const answer = await ec2.send(new DescribeLaunchTemplatesCommand({ LaunchTemplateNames: [name] }));
        const template = answer.LaunchTemplates?.[0];
        if (template?.LaunchTemplateId === undefined) return undefined;
        return { id: template.LaunchTemplateId, tags: tagMap(template.Tags) };
      } catch (error) {
        if (hasCode(error, ...noTemplate)) return undefined;
        throw error;
      }
    },

    async createTargetGroup(wish) {
      const answer = await balancing.send(
        new CreateTargetGroupCommand({
          Name: wish.name,
          Protocol: 'HTTP',
          Port: wish.port,
          VpcId: wish.vpcId,
          TargetType: 'instance',
          ...checkInput(wish.check),
          Tags: tagList(wish.tags),
        }),
      );
      return required(answer.TargetGroups?.[0]?.TargetGroupArn, "the target group's ARN");
    },

    async changeHealthCheck(arn, check) {
      await balancing.send(new ModifyTargetGroupCommand({ TargetGroupArn: arn, ...checkInput(check) }));
    },

    async changeDrain(arn, drainSeconds) {
      await balancing.send(
        new ModifyTargetGroupAttributesCommand({
          TargetGroupArn: arn,
          Attributes: [{ Key: 'deregistration_delay.timeout_seconds', Value: String(drainSeconds) }],
        }),
      );
    },

    async createRule(wish) {
      try {
        const answer = await balancing.send(
          new CreateRuleCommand({
            ListenerArn: wish.listenerArn,
            Priority: wish.priority,
            Conditions: conditionsOf(wish.condition),
            // Both slots stand in the rule from the start: a target group that no rule names is never checked.
            Actions: [
              {
                Type: 'forward',
                ForwardConfig: {
                  TargetGroups: [
                    { TargetGroupArn: wish.blueArn, Weight: wish.weights.blue },
                    { TargetGroupArn: wish.greenArn, Weight: wish.weights.green },
                  ],
                },
              },
            ],
            Tags: tagList(wish.tags),
          }),
        );
        return required(answer.Rules?.[0]?.RuleArn, "the rule's ARN");
      } catch (error) {
        if (hasCode(error, ...priorityTaken)) return undefined;
        throw error;
      }
    },

    async changeRule(arn, condition) {
      await balancing.send(new ModifyRuleCommand({ RuleArn: arn, Conditions: conditionsOf(condition) }));
    },

    async createTemplate(name, token, tags) {
      const answer = await ec2.send(
        new CreateLaunchTemplateCommand({
          LaunchTemplateName: name,
          ClientToken: token,
          VersionDescription: 'fixed part of the fleet; each release adds a version of its own',
          // A version must say something; releases say everything themselves and inherit nothing from this one.
          LaunchTemplateData: { MetadataOptions: { HttpTokens: 'required' } },
          TagSpecifications: [{ ResourceType: 'launch-template', Tags: tagList(tags) }],
        }),
      );
      return required(answer.LaunchTemplate?.LaunchTemplateId, "the launch template's id");
    },

    removeRule: (arn) =>
      removeTagged(
        noRule,
        () => balancing.send(new DeleteRuleCommand({ RuleArn: arn })),
        () => balancing.send(new DescribeRulesCommand({ RuleArns: [arn] })),
      ),

    async removeTargetGroup(arn) {
      try {
        await unlessGone(noTargetGroup, () =>
          balancing.send(new DeleteTargetGroupCommand({ TargetGroupArn: arn })),
        );
        return true;
      } catch (error) {
        if (hasCode(error, ...inUse)) return false;
        throw error;
      }
    },

    removeTemplate: (id) =>
      removeTagged(
        noTemplate,
        () => ec2.send(new DeleteLaunchTemplateCommand({ LaunchTemplateId: id })),
        () => ec2.send(new DescribeLaunchTemplatesCommand({ LaunchTemplateIds: [id] })),
      ),
  };
}
