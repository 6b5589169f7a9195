/**
 * Conditions of rules, checked, in the form in which the API shows them.
 * https://docs.aws.amazon.com/elasticloadbalancing/latest/application/rule-condition-types.html
 */
import type { RuleCondition } from '@aws-sdk/client-elastic-load-balancing-v2';
import { wildcardsIn } from '../../balancer/conditions.ts';
import { onlySupported } from '../supported.ts';
import { validation } from './state.ts';

/** Not adjustable. https://docs.aws.amazon.com/elasticloadbalancing/latest/application/load-balancer-limits.html */
const limits = { values: 5, wildcards: 6, valueLength: 128, headerNameLength: 40 };

const known = [
  'http-request-method',
  'http-header',
  'host-header',
  'path-pattern',
  'query-string',
  'source-ip',
];
/** "Each rule can optionally include up to one of each"; headers and query strings may come several times. */
const single = ['host-header', 'path-pattern', 'http-request-method', 'source-ip'];

const pathCharacters = /^[A-Za-z0-9_\-.$/~"'@:+&*?]+$/;
const hostCharacters = /^[A-Za-z0-9\-.*?]+$/;
const methodCharacters = /^[A-Z_-]{1,40}$/;
const headerNameCharacters = /^[A-Za-z0-9!#$%&'*+.^_`|~-]+$/;
const ipv4Block = /^(\d{1,3}\.){3}\d{1,3}\/(\d|[12]\d|3[0-2])$/;

/** What a rule's conditions use of its limits. */
interface Tally {
  values: number;
  wildcards: number;
}

/** @throws ValidationError */
export function checkedConditions(conditions: readonly RuleCondition[] | undefined): RuleCondition[] {
  if (conditions === undefined || conditions.length === 0) throw validation('A condition must be specified');
  const tally: Tally = { values: 0, wildcards: 0 };
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
    if (!known.includes(field)) {
      throw validation(`Condition field '${field}' must be one of '[${known.join(', ')}]'`);
    }
    if (single.includes(field) && fields.has(field)) {
      throw validation(`A rule can only have one '${field}' condition`);
    }
    fields.add(field);
    return checkedCondition(field, condition, tally);
  });
  if (tally.values > limits.values) {
    throw validation(`A rule can only have '${limits.values}' condition values`);
  }
  if (tally.wildcards > limits.wildcards) {
    throw validation(`A rule can only have '${limits.wildcards}' condition wildcards`);
  }
  return checked;
}

function checkedCondition(field: string, condition: RuleCondition, tally: Tally): RuleCondition {
  const count = (values: readonly string[] | undefined, allowed?: RegExp): string[] => {
    if (values === undefined || values.length === 0)
      throw validation(`A condition value must be specified for '${field}'`);
    for (const value of values) {
      if (value === '' || value.length > limits.valueLength || allowed?.test(value) === false)
        throw validation(`The value '${value}' of a '${field}' condition is not valid`);
      tally.wildcards += wildcardsIn(field, value);
    }
    tally.values += values.length;
    return [...values];
  };
  switch (field) {
    case 'host-header': {
      const Values = count(condition.HostHeaderConfig?.Values ?? condition.Values, hostCharacters);
      return { Field: field, Values, HostHeaderConfig: { Values } };
    }
    case 'path-pattern': {
      const Values = count(condition.PathPatternConfig?.Values ?? condition.Values, pathCharacters);
      return { Field: field, Values, PathPatternConfig: { Values } };
    }
    case 'http-header': {
      const name = condition.HttpHeaderConfig?.HttpHeaderName ?? '';
      if (name.length > limits.headerNameLength || !headerNameCharacters.test(name))
        throw validation(`The header name '${name}' is not valid`);
      // "You can't use an HTTP header condition to specify the host header."
      if (name.toLowerCase() === 'host')
        throw validation("The header 'host' has a condition type of its own");
      const Values = count(condition.HttpHeaderConfig?.Values);
      return { Field: field, HttpHeaderConfig: { HttpHeaderName: name, Values } };
    }
    case 'http-request-method': {
      const Values = count(condition.HttpRequestMethodConfig?.Values, methodCharacters);
      return { Field: field, HttpRequestMethodConfig: { Values } };
    }
    case 'query-string': {
      const pairs = condition.QueryStringConfig?.Values ?? [];
      count(pairs.map(({ Value = '' }) => Value));
      for (const { Key: key = '' } of pairs) tally.wildcards += wildcardsIn(field, key);
      return { Field: field, QueryStringConfig: { Values: pairs.map((pair) => ({ ...pair })) } };
    }
    default: {
      const Values = count(condition.SourceIpConfig?.Values, ipv4Block);
      return { Field: field, SourceIpConfig: { Values } };
    }
  }
}
