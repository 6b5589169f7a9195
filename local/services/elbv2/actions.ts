/** What a rule may say, checked and in the form in which the API shows it. */
import type { Action, RuleCondition } from '@aws-sdk/client-elastic-load-balancing-v2';
import { AwsError } from '../../service.ts';
import { onlySupported } from '../supported.ts';
import type { Elbv2State, LoadBalancerRecord } from './state.ts';
import { targetGroupsOf, validation } from './state.ts';

/** https://docs.aws.amazon.com/elasticloadbalancing/latest/application/load-balancer-limits.html */
const limits = { groupsPerAction: 5, groupsPerBalancer: 100, conditionValues: 5 };

/** @throws ValidationError, TargetGroupNotFound, TargetGroupAssociationLimit, TooManyTargetGroups */
export function checkedActions(
  state: Elbv2State,
  balancer: LoadBalancerRecord,
  actions: readonly Action[] | undefined,
): Action[] {
  if (actions?.length !== 1) throw validation('The local region has rules of exactly one action');
  const checked = actions.map((action) => checkedAction(state, action));
  const asked = targetGroupsOf(checked);
  for (const { arn } of asked) {
    const owner = state.loadBalancerOf(arn);
    if (owner !== undefined && owner.arn !== balancer.arn) {
      throw new AwsError(
        'TargetGroupAssociationLimit',
        `The following target groups cannot be associated with more than one load balancer: ${arn}`,
      );
    }
  }
  const used = new Set(
    [...state.rules.values()]
      .filter((rule) => state.listeners.get(rule.listenerArn)?.loadBalancer === balancer)
      .flatMap((rule) => targetGroupsOf(rule.actions).map((one) => one.arn)),
  );
  for (const { arn } of asked) used.add(arn);
  if (used.size > limits.groupsPerBalancer) {
    throw new AwsError(
      'TooManyUniqueTargetGroupsPerLoadBalancer',
      'You have reached the maximum number of unique target groups that you can associate with a load balancer',
    );
  }
  return checked;
}

function checkedAction(state: Elbv2State, action: Action): Action {
  const order = action.Order ?? 1;
  if (action.Type === 'fixed-response') {
    if (!/^[245]\d\d$/.test(action.FixedResponseConfig?.StatusCode ?? '')) {
      throw validation('A fixed response must have a status code of 2XX, 4XX or 5XX');
    }
    return { Type: 'fixed-response', Order: order, FixedResponseConfig: action.FixedResponseConfig };
  }
  if (action.Type === 'redirect') {
    if (action.RedirectConfig === undefined) throw validation('A redirect must have a configuration');
    return { Type: 'redirect', Order: order, RedirectConfig: action.RedirectConfig };
  }
  if (action.Type !== 'forward')
    throw validation(`The local region has no actions of the type ${action.Type}`);
  const groups = targetGroupsOf([action]);
  if (groups.length === 0) throw validation('A forward action must name a target group');
  if (groups.length > limits.groupsPerAction) {
    throw new AwsError(
      'TooManyTargetGroups',
      `A forward action has at most ${limits.groupsPerAction} target groups`,
    );
  }
  if (new Set(groups.map((one) => one.arn)).size !== groups.length) {
    throw validation('A target group must not appear twice in an action');
  }
  for (const { arn, weight } of groups) {
    state.group(arn);
    if (!Number.isInteger(weight) || weight < 0 || weight > 999) {
      throw validation(`The weight '${weight}' of a target group must be a whole number from 0 to 999`);
    }
  }
  const sticky = action.ForwardConfig?.TargetGroupStickinessConfig;
  if (sticky?.Enabled === true && (sticky.DurationSeconds ?? 0) < 1) {
    throw validation('Target group stickiness needs a duration from 1 to 604800 seconds');
  }
  return {
    Type: 'forward',
    Order: order,
    ...(groups.length === 1 ? { TargetGroupArn: groups[0]?.arn } : {}),
    ForwardConfig: {
      TargetGroups: groups.map((one) => ({ TargetGroupArn: one.arn, Weight: one.weight })),
      TargetGroupStickinessConfig: sticky?.Enabled === true ? { ...sticky } : { Enabled: false },
    },
  };
}

/** @throws ValidationError, InvalidConfigurationRequest, TooManyConditions... in AWS's words */
export function checkedConditions(conditions: readonly RuleCondition[] | undefined): RuleCondition[] {
  if (conditions === undefined || conditions.length === 0) throw validation('A condition must be specified');
  let values = 0;
  const fields = new Set<string>();
  const checked = conditions.map((condition): RuleCondition => {
    const { Field: field = '' } = condition;
    onlySupported(
      'rule conditions',
      condition,
      [
        'Field',
        'Values',
        'HostHeaderConfig',
        'PathPatternConfig',
        'HttpHeaderConfig',
        'QueryStringConfig',
        'HttpRequestMethodConfig',
        'SourceIpConfig',
      ],
      'ValidationError',
    );
    const single = ['host-header', 'path-pattern', 'http-request-method', 'source-ip'];
    if (single.includes(field) && fields.has(field)) {
      throw validation(`A rule can only have one '${field}' condition`);
    }
    fields.add(field);
    const count = (list: readonly unknown[] | undefined): void => {
      if (list === undefined || list.length === 0)
        throw validation(`A condition value must be specified for '${field}'`);
      values += list.length;
    };
    switch (field) {
      case 'host-header': {
        const Values = condition.HostHeaderConfig?.Values ?? condition.Values;
        count(Values);
        return { Field: field, Values, HostHeaderConfig: { Values } };
      }
      case 'path-pattern': {
        const Values = condition.PathPatternConfig?.Values ?? condition.Values;
        count(Values);
        for (const value of Values ?? []) {
          if (!/^[A-Za-z0-9_\-.$/~"'@:+&*?]{1,128}$/.test(value)) {
            throw validation(`The path pattern '${value}' is not valid`);
          }
        }
        return { Field: field, Values, PathPatternConfig: { Values } };
      }
      case 'http-header':
        count(condition.HttpHeaderConfig?.Values);
        return { Field: field, HttpHeaderConfig: condition.HttpHeaderConfig };
      case 'http-request-method':
        count(condition.HttpRequestMethodConfig?.Values);
        return { Field: field, HttpRequestMethodConfig: condition.HttpRequestMethodConfig };
      case 'query-string':
        count(condition.QueryStringConfig?.Values);
        return { Field: field, QueryStringConfig: condition.QueryStringConfig };
      case 'source-ip':
        count(condition.SourceIpConfig?.Values);
        return { Field: field, SourceIpConfig: condition.SourceIpConfig };
      default:
        throw validation(
          `Condition field '${field}' must be one of '[http-request-method, http-header, host-header, path-pattern, query-string, source-ip]'`,
        );
    }
  });
  if (values > limits.conditionValues) {
    throw new AwsError(
      'TooManyConditionValues',
      `A rule has at most ${limits.conditionValues} condition values`,
    );
  }
  return checked;
}
