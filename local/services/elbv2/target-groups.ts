import { isDeepStrictEqual } from 'node:util';
import type {
  CreateTargetGroupInput,
  CreateTargetGroupOutput,
  DeleteTargetGroupInput,
  DescribeTargetGroupAttributesInput,
  DescribeTargetGroupAttributesOutput,
  DescribeTargetGroupsInput,
  DescribeTargetGroupsOutput,
  ModifyTargetGroupAttributesInput,
  ModifyTargetGroupAttributesOutput,
  ModifyTargetGroupInput,
  ModifyTargetGroupOutput,
  TargetGroup,
} from '@aws-sdk/client-elastic-load-balancing-v2';
import { arn } from '../../context.ts';
import type { Access, Operation } from '../../service.ts';
import { AwsError } from '../../service.ts';
import { requestTagContext, resourceTagContext } from '../ec2/tag-store.ts';
import { page } from '../paging.ts';
import { onlySupported } from '../supported.ts';
import type { HealthChecks } from './health-checks.ts';
import type { Elbv2State, TargetGroupRecord } from './state.ts';
import { targetGroupsOf, validation } from './state.ts';
import {
  checkAttribute,
  checkOf,
  checkTogether,
  defaultAttributes,
  defaultCheck,
  validateCheck,
} from './target-group-settings.ts';

export function elbDescribe(operation: string): () => readonly Access[] {
  return () => [{ action: `elasticloadbalancing:${operation}`, resources: ['*'] }];
}

/** A right on an existing resource, with its tags as condition keys. */
export function onElb(state: Elbv2State, operation: string, resourceArn: string | undefined): Access {
  const tags = state.tags.list(resourceArn ?? '');
  return {
    action: `elasticloadbalancing:${operation}`,
    resources: [resourceArn ?? '*'],
    context: resourceTagContext(tags, 'elasticloadbalancing'),
  };
}

export function elbBadToken(): AwsError {
  return validation('The marker is not valid');
}

export function targetGroupOperations(state: Elbv2State, checks: HealthChecks) {
  const { context, targetGroups, tags } = state;

  const describe = (group: TargetGroupRecord): TargetGroup => {
    const balancer = state.loadBalancerOf(group.arn);
    return {
      TargetGroupArn: group.arn,
      TargetGroupName: group.name,
      Protocol: 'HTTP',
      ProtocolVersion: 'HTTP1',
      Port: group.port,
      VpcId: group.vpcId,
      TargetType: group.targetType,
      IpAddressType: 'ipv4',
      HealthCheckEnabled: true,
      HealthCheckProtocol: 'HTTP',
      HealthCheckPort: group.check.port,
      HealthCheckPath: group.check.path,
      HealthCheckIntervalSeconds: group.check.intervalSeconds,
      HealthCheckTimeoutSeconds: group.check.timeoutSeconds,
      HealthyThresholdCount: group.check.healthyThreshold,
      UnhealthyThresholdCount: group.check.unhealthyThreshold,
      Matcher: { HttpCode: group.check.matcher },
      LoadBalancerArns: balancer === undefined ? [] : [balancer.arn],
    };
  };

  const CreateTargetGroup: Operation<CreateTargetGroupInput, CreateTargetGroupOutput> = {
    access: (input) => {
      const resources = [arn(context, 'elasticloadbalancing', `targetgroup/${input.Name ?? '*'}/*`)];
      const asked = requestTagContext(input.Tags ?? []);
      const own = { action: 'elasticloadbalancing:CreateTargetGroup', resources, context: asked };
      if (!input.Tags?.length) return [own];
      const tagging = { ...asked, 'elasticloadbalancing:createaction': 'CreateTargetGroup' };
      return [own, { action: 'elasticloadbalancing:AddTags', resources, context: tagging }];
    },
    run(input) {
      onlySupported('CreateTargetGroup', input, [
        'Name',
        'Protocol',
        'ProtocolVersion',
        'Port',
        'VpcId',
        'HealthCheckEnabled',
        'HealthCheckProtocol',
        'HealthCheckPort',
        'HealthCheckPath',
        'HealthCheckIntervalSeconds',
        'HealthCheckTimeoutSeconds',
        'HealthyThresholdCount',
        'UnhealthyThresholdCount',
        'Matcher',
        'TargetType',
        'Tags',
        'IpAddressType',
      ]);
      const name = input.Name ?? '';
      if (!/^(?!-)[A-Za-z0-9-]{1,32}(?<!-)$/.test(name)) {
        throw validation(
          `Target group name '${name}' must have 1 to 32 letters, digits and hyphens, and neither begin nor end with a hyphen`,
        );
      }
      if (input.Protocol !== 'HTTP')
        throw validation('The local region has target groups of the protocol HTTP only');
      if ((input.ProtocolVersion ?? 'HTTP1') !== 'HTTP1')
        throw validation('The local region speaks HTTP1 to targets only');
      const { TargetType: type = 'instance', Port: port } = input;
      if (type !== 'instance' && type !== 'ip')
        throw validation(`The local region has no targets of the type ${type}`);
      if (port === undefined || port < 1 || port > 65_535)
        throw validation('A port from 1 to 65535 must be specified');
      if (input.VpcId !== state.ec2.network.vpcId)
        throw validation(`The VPC ID '${input.VpcId ?? ''}' is not found`);
      const check = { ...defaultCheck, ...checkOf(input) };
      validateCheck(check);
      const same = [...targetGroups.values()].find((group) => group.name === name);
      if (same !== undefined) {
        // "If you attempt to create multiple target groups with the same settings, each call succeeds." What is left out
        // is a setting, too: its default.
        // https://docs.aws.amazon.com/elasticloadbalancing/latest/APIReference/API_CreateTargetGroup.html
        if (same.port === port && same.targetType === type && isDeepStrictEqual(check, same.check)) {
          return { TargetGroups: [describe(same)] };
        }
        throw new AwsError(
          'DuplicateTargetGroupName',
          `A target group with the same name '${name}' exists, but with different settings`,
        );
      }
      if (targetGroups.size >= state.quotas.targetGroups.value) {
        throw new AwsError('TooManyTargetGroups', `The maximum number of target groups has been reached`);
      }
      const fullName = `targetgroup/${name}/${context.random.hex(16)}`;
      const group: TargetGroupRecord = {
        arn: arn(context, 'elasticloadbalancing', fullName),
        fullName,
        name,
        targetType: type,
        port,
        vpcId: input.VpcId,
        check,
        attributes: new Map(defaultAttributes),
        targets: new Map(),
        metrics: undefined,
      };
      targetGroups.set(group.arn, group);
      tags.set(group.arn, input.Tags);
      return { TargetGroups: [describe(group)] };
    },
  };

  const ModifyTargetGroup: Operation<ModifyTargetGroupInput, ModifyTargetGroupOutput> = {
    access: (input) => [onElb(state, 'ModifyTargetGroup', input.TargetGroupArn)],
    run(input) {
      const group = state.group(input.TargetGroupArn);
      const next = { ...group.check, ...checkOf(input) };
      validateCheck(next);
      group.check = next;
      checks.reconsider(group);
      return { TargetGroups: [describe(group)] };
    },
  };

  const DescribeTargetGroups: Operation<DescribeTargetGroupsInput, DescribeTargetGroupsOutput> = {
    access: elbDescribe('DescribeTargetGroups'),
    run(input) {
      const { TargetGroupArns: arns, Names: names, LoadBalancerArn: balancer } = input;
      for (const one of arns ?? []) state.group(one);
      if (balancer !== undefined) state.loadBalancer(balancer);
      for (const name of names ?? []) {
        if ([...targetGroups.values()].some((group) => group.name === name)) continue;
        throw new AwsError('TargetGroupNotFound', 'One or more target groups not found');
      }
      const found = [...targetGroups.values()].filter(
        (group) =>
          (!arns?.length || arns.includes(group.arn)) &&
          (!names?.length || names.includes(group.name)) &&
          (balancer === undefined || state.loadBalancerOf(group.arn)?.arn === balancer),
      );
      const shown = page(found, (group) => group.arn, input.PageSize ?? 400, input.Marker, elbBadToken);
      return { TargetGroups: shown.items.map(describe), NextMarker: shown.nextToken };
    },
  };

  const DeleteTargetGroup: Operation<DeleteTargetGroupInput, object> = {
    access: (input) => [onElb(state, 'DeleteTargetGroup', input.TargetGroupArn)],
    run(input) {
      // Deleting what is gone already succeeds.
      const group = targetGroups.get(input.TargetGroupArn ?? '');
      if (group === undefined) return {};
      const used = [...state.rules.values()].some((rule) =>
        targetGroupsOf(rule.actions).some((one) => one.arn === group.arn),
      );
      if (used) {
        throw new AwsError(
          'ResourceInUse',
          `Target group '${group.arn}' is currently in use by a listener or a rule`,
        );
      }
      for (const target of [...group.targets.values()]) checks.remove(group, target);
      targetGroups.delete(group.arn);
      for (const { nodes } of state.loadBalancers.values()) {
        for (const node of nodes) node.forgetGroup(group.arn);
      }
      tags.forget(group.arn);
      return {};
    },
  };

  const DescribeTargetGroupAttributes: Operation<
    DescribeTargetGroupAttributesInput,
    DescribeTargetGroupAttributesOutput
  > = {
    access: elbDescribe('DescribeTargetGroupAttributes'),
    run(input) {
      const group = state.group(input.TargetGroupArn);
      return { Attributes: [...group.attributes].map(([Key, Value]) => ({ Key, Value })) };
    },
  };

  const ModifyTargetGroupAttributes: Operation<
    ModifyTargetGroupAttributesInput,
    ModifyTargetGroupAttributesOutput
  > = {
    access: (input) => [onElb(state, 'ModifyTargetGroupAttributes', input.TargetGroupArn)],
    run(input) {
      const group = state.group(input.TargetGroupArn);
      const next = new Map(group.attributes);
      for (const { Key: key = '', Value: value = '' } of input.Attributes ?? []) {
        checkAttribute(key, value);
        next.set(key, value);
      }
      checkTogether(next);
      for (const [key, value] of next) group.attributes.set(key, value);
      return { Attributes: [...group.attributes].map(([Key, Value]) => ({ Key, Value })) };
    },
  };

  return {
    CreateTargetGroup,
    ModifyTargetGroup,
    DescribeTargetGroups,
    DeleteTargetGroup,
    DescribeTargetGroupAttributes,
    ModifyTargetGroupAttributes,
  };
}
