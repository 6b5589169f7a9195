/** What cases of Elastic Load Balancing share. */
import type { Step } from '../case.ts';

export const group = { Name: '<name>', Protocol: 'HTTP', Port: 8080, VpcId: '<vpc>' };
export const made: Step = {
  call: 'CreateTargetGroup',
  input: group,
  keep: { group: 'TargetGroups.0.TargetGroupArn' },
};
export const other: Step = {
  call: 'CreateTargetGroup',
  input: { ...group, Name: '<name>-b' },
  keep: { other: 'TargetGroups.0.TargetGroupArn' },
};
export const path = [{ Field: 'path-pattern', Values: ['/<name>/*'] }];
export const forward = (...groups: readonly (readonly [string, number])[]) => [
  {
    Type: 'forward',
    ForwardConfig: {
      TargetGroups: groups.map(([TargetGroupArn, Weight]) => ({ TargetGroupArn, Weight })),
    },
  },
];
export const ruled: Step = {
  call: 'CreateRule',
  input: {
    ListenerArn: '<listener>',
    Priority: '<number>',
    Conditions: path,
    Actions: forward(['<group>', 1]),
  },
  keep: { rule: 'Rules.0.RuleArn' },
};
export const defaultRule: Step = {
  call: 'DescribeRules',
  input: { ListenerArn: '<listener>' },
  keep: { rule: 'Rules.-1.RuleArn' },
};
export const nothing = (kind: string): string => `arn:aws:elasticloadbalancing:us-east-1:<account>:${kind}`;
export const noGroup = nothing('targetgroup/nothing/0123456789abcdef');
export const noListener = nothing('listener/app/nothing/0123456789abcdef/0123456789abcdef');
export const noRule = nothing('listener-rule/app/nothing/0123456789abcdef/0123456789abcdef/0123456789abcdef');
export const noBalancer = nothing('loadbalancer/app/nothing/0123456789abcdef');
export const refused = (code: string) => ({ code, status: 400 });
export const guide = 'https://docs.aws.amazon.com/elasticloadbalancing/latest/application';
