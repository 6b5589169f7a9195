/** What a rule may say, checked and in the form in which the API shows it. */
import type { Action } from '@aws-sdk/client-elastic-load-balancing-v2';
import { AwsError } from '../../service.ts';
import type { Elbv2State, LoadBalancerRecord } from './state.ts';
import { targetGroupsOf, validation } from './state.ts';

/** https://docs.aws.amazon.com/elasticloadbalancing/latest/application/load-balancer-limits.html */
const groupsPerAction = 5;

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
  if (used.size > state.quotas.groupsPerBalancer.value) {
    throw new AwsError(
      'TooManyUniqueTargetGroupsPerLoadBalancer',
      'You have reached the maximum number of unique target groups that you can associate with a load balancer',
    );
  }
  let targets = 0;
  for (const arn of used) targets += state.targetGroups.get(arn)?.targets.size ?? 0;
  if (targets > state.quotas.targetsPerBalancer.value) {
    throw new AwsError('TooManyTargets', 'The maximum number of targets per load balancer has been reached');
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
  if (groups.length > groupsPerAction) {
    throw new AwsError(
      'TooManyTargetGroups',
      `A forward action has at most ${groupsPerAction} target groups`,
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
  const duration = sticky?.DurationSeconds ?? 0;
  if (sticky?.Enabled === true && (duration < 1 || duration > 604_800)) {
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
