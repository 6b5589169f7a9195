import type {
  CreateRuleInput,
  CreateRuleOutput,
  DeleteRuleInput,
  DescribeRulesInput,
  DescribeRulesOutput,
  ModifyRuleInput,
  ModifyRuleOutput,
  Rule,
  SetRulePrioritiesInput,
  SetRulePrioritiesOutput,
} from '@aws-sdk/client-elastic-load-balancing-v2';
import type { Operation } from '../../service.ts';
import { AwsError } from '../../service.ts';
import { requestTagContext } from '../ec2/tag-store.ts';
import { page } from '../paging.ts';
import { onlySupported } from '../supported.ts';
import { checkedActions } from './actions.ts';
import { checkedConditions } from './rule-conditions.ts';
import type { Elbv2State, ListenerRecord, RuleRecord } from './state.ts';
import { validation } from './state.ts';
import { elbBadToken, elbDescribe, onElb } from './target-groups.ts';

export function describeRule(rule: RuleRecord): Rule {
  return {
    RuleArn: rule.arn,
    Priority: `${rule.priority}`,
    Conditions: [...rule.conditions],
    Actions: [...rule.actions],
    IsDefault: rule.priority === 'default',
  };
}

export function ruleOperations(state: Elbv2State, rulesChanged: (listener: ListenerRecord) => void) {
  const CreateRule: Operation<CreateRuleInput, CreateRuleOutput> = {
    access: (input) => {
      const own = onElb(state, 'CreateRule', input.ListenerArn);
      const asked = requestTagContext(input.Tags ?? []);
      const create = { ...own, context: { ...own.context, ...asked } };
      if (!input.Tags?.length) return [create];
      const resources = [`${(input.ListenerArn ?? '').replace(':listener/', ':listener-rule/')}/*`];
      const context = { ...asked, 'elasticloadbalancing:createaction': 'CreateRule' };
      return [create, { action: 'elasticloadbalancing:AddTags', resources, context }];
    },
    run(input) {
      onlySupported('CreateRule', input, ['ListenerArn', 'Conditions', 'Priority', 'Actions', 'Tags']);
      const listener = state.listener(input.ListenerArn);
      const priority = checkedPriority(input.Priority);
      const conditions = checkedConditions(input.Conditions);
      const actions = checkedActions(state, listener.loadBalancer, input.Actions);
      const rules = state.rulesOf(listener.arn);
      if (rules.some((rule) => rule.priority === priority)) {
        throw new AwsError('PriorityInUse', `Priority '${priority}' is currently in use`);
      }
      const ofBalancer = [...state.rules.values()].filter(
        (rule) =>
          rule.priority !== 'default' &&
          state.listeners.get(rule.listenerArn)?.loadBalancer === listener.loadBalancer,
      );
      if (ofBalancer.length >= state.quotas.rules.value) {
        throw new AwsError('TooManyRules', 'The maximum number of rules has been reached');
      }
      const base = listener.arn.replace(':listener/', ':listener-rule/');
      const rule: RuleRecord = {
        arn: `${base}/${state.context.random.hex(16)}`,
        listenerArn: listener.arn,
        priority,
        conditions,
        actions,
      };
      state.rules.set(rule.arn, rule);
      state.tags.set(rule.arn, input.Tags);
      rulesChanged(listener);
      return { Rules: [describeRule(rule)] };
    },
  };

  const ModifyRule: Operation<ModifyRuleInput, ModifyRuleOutput> = {
    access: (input) => [onElb(state, 'ModifyRule', input.RuleArn)],
    run(input) {
      onlySupported('ModifyRule', input, ['RuleArn', 'Conditions', 'Actions']);
      const rule = state.rule(input.RuleArn);
      if (rule.priority === 'default') {
        throw new AwsError('OperationNotPermitted', `Default rule '${rule.arn}' cannot be modified`);
      }
      const listener = state.listener(rule.listenerArn);
      const conditions =
        input.Conditions === undefined ? rule.conditions : checkedConditions(input.Conditions);
      const actions =
        input.Actions === undefined ? undefined : checkedActions(state, listener.loadBalancer, input.Actions);
      rule.conditions = conditions;
      if (actions !== undefined) rule.actions = actions;
      rulesChanged(listener);
      return { Rules: [describeRule(rule)] };
    },
  };

  const DeleteRule: Operation<DeleteRuleInput, object> = {
    access: (input) => [onElb(state, 'DeleteRule', input.RuleArn)],
    run(input) {
      const rule = state.rule(input.RuleArn);
      if (rule.priority === 'default') {
        throw new AwsError('OperationNotPermitted', `Default rule '${rule.arn}' cannot be deleted`);
      }
      state.rules.delete(rule.arn);
      state.tags.forget(rule.arn);
      rulesChanged(state.listener(rule.listenerArn));
      return {};
    },
  };

  const DescribeRules: Operation<DescribeRulesInput, DescribeRulesOutput> = {
    access: elbDescribe('DescribeRules'),
    run(input) {
      if ((input.ListenerArn === undefined) === !input.RuleArns?.length) {
        throw validation('Exactly one of listener ARN and rule ARNs must be specified');
      }
      const found =
        input.ListenerArn === undefined
          ? (input.RuleArns ?? []).map((one) => state.rule(one))
          : state.rulesOf(state.listener(input.ListenerArn).arn);
      const shown = page(found, (rule) => rule.arn, input.PageSize ?? 400, input.Marker, elbBadToken);
      return { Rules: shown.items.map(describeRule), NextMarker: shown.nextToken };
    },
  };

  const SetRulePriorities: Operation<SetRulePrioritiesInput, SetRulePrioritiesOutput> = {
    access: (input) =>
      (input.RulePriorities ?? []).map((pair) => onElb(state, 'SetRulePriorities', pair.RuleArn)),
    run(input) {
      const wanted = new Map(
        (input.RulePriorities ?? []).map((pair) => [
          state.rule(pair.RuleArn),
          checkedPriority(pair.Priority),
        ]),
      );
      for (const [rule, priority] of wanted) {
        if (rule.priority === 'default') {
          throw new AwsError(
            'OperationNotPermitted',
            `The priority of default rule '${rule.arn}' cannot be changed`,
          );
        }
        // Taken in the end is what counts: two rules may change places in one call.
        const taken = state
          .rulesOf(rule.listenerArn)
          .some((other) => other !== rule && (wanted.get(other) ?? other.priority) === priority);
        if (taken) throw new AwsError('PriorityInUse', `Priority '${priority}' is currently in use`);
      }
      for (const [rule, priority] of wanted) rule.priority = priority;
      for (const listenerArn of new Set([...wanted.keys()].map((rule) => rule.listenerArn))) {
        rulesChanged(state.listener(listenerArn));
      }
      return { Rules: [...wanted.keys()].map(describeRule) };
    },
  };

  return { CreateRule, ModifyRule, DeleteRule, DescribeRules, SetRulePriorities };
}

function checkedPriority(priority: number | undefined): number {
  if (priority === undefined || !Number.isInteger(priority) || priority < 1 || priority > 50_000) {
    throw validation(`Priority '${priority}' must be between 1 and 50000`);
  }
  return priority;
}
