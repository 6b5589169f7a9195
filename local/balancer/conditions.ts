/** Rule conditions. https://docs.aws.amazon.com/elasticloadbalancing/latest/application/rule-condition-types.html */
import type { RuleCondition } from '@aws-sdk/client-elastic-load-balancing-v2';

/** What of a request decides about its way. */
export interface RoutedRequest {
  readonly host: string;
  /** With the query. */
  readonly target: string;
  readonly method: string;
  /** By name in lower case; a header that comes several times is a list, in the order in which it came. */
  readonly headers: Readonly<Record<string, string | readonly string[] | undefined>>;
  readonly sourceIp: string;
}

/** A rule applies when all of its conditions hold; a condition holds when one of its values fits. */
export function fits(conditions: readonly RuleCondition[], request: RoutedRequest): boolean {
  return conditions.every((condition) => holds(condition, request));
}

function holds(condition: RuleCondition, request: RoutedRequest): boolean {
  const [path, query] = split(request.target, '?');
  const { Field: field = '' } = condition;
  switch (field) {
    case 'host-header': {
      const host = request.host.replace(/:\d+$/, '');
      return (condition.HostHeaderConfig?.Values ?? []).some((value) => matches(field, value, host));
    }
    case 'path-pattern':
      return (condition.PathPatternConfig?.Values ?? []).some((value) => matches(field, value, path));
    case 'http-header': {
      const { HttpHeaderName: name = '', Values: values = [] } = condition.HttpHeaderConfig ?? {};
      // "If the same header appears multiple times in the request, we search them in order until a match is found."
      // https://docs.aws.amazon.com/elasticloadbalancing/latest/APIReference/API_HttpHeaderConditionConfig.html
      const found = request.headers[name.toLowerCase()];
      const given = found === undefined ? [] : typeof found === 'string' ? [found] : found;
      return values.some((value) => given.some((one) => matches(field, value, one)));
    }
    case 'http-request-method':
      return (condition.HttpRequestMethodConfig?.Values ?? []).includes(request.method);
    case 'query-string': {
      const pairs = [...new URLSearchParams(query)];
      return (condition.QueryStringConfig?.Values ?? []).some(({ Key, Value = '' }) =>
        pairs.some(
          ([key, value]) => (Key === undefined || matches(field, Key, key)) && matches(field, Value, value),
        ),
      );
    }
    case 'source-ip':
      return (condition.SourceIpConfig?.Values ?? []).some((block) => inBlock(request.sourceIp, block));
    default:
      return false;
  }
}

const compiled = new Map<string, RegExp>();

/** `*` stands for any characters, `?` for one. Only paths keep their case. */
function matches(field: string, pattern: string, text: string): boolean {
  const key = `${field} ${pattern}`;
  let expression = compiled.get(key);
  if (expression === undefined) {
    const source = partsOf(field, pattern).map((part) => {
      if (part === '*') return '[^]*';
      if (part === '?') return '[^]';
      // What is escaped in the pattern is so in the expression, too.
      return part.length === 1 ? part.replace(/[.+^${}()|[\]\\]/, '\\$&') : part;
    });
    expression = new RegExp(`^${source.join('')}$`, field === 'path-pattern' ? '' : 'i');
    if (compiled.size > 10_000) compiled.clear();
    compiled.set(key, expression);
  }
  return expression.test(text);
}

/** How many wildcards a pattern has. */
export function wildcardsIn(field: string, pattern: string): number {
  return partsOf(field, pattern).filter((part) => part === '*' || part === '?').length;
}

/**
 * A pattern's characters one by one, each with the backslash that makes it literal. "To search for a literal '*' or '?'
 * character in a query string, you must escape these characters in Values using a '\' character."
 * https://docs.aws.amazon.com/elasticloadbalancing/latest/APIReference/API_QueryStringConditionConfig.html
 */
function partsOf(field: string, pattern: string): readonly string[] {
  return pattern.match(field === 'query-string' ? /\\[*?]|[\s\S]/g : /[\s\S]/g) ?? [];
}

function split(text: string, at: string): [string, string] {
  const index = text.indexOf(at);
  return index < 0 ? [text, ''] : [text.slice(0, index), text.slice(index + 1)];
}

/** IPv4 only: that is all that comes over loopback here. */
function inBlock(address: string, block: string): boolean {
  const [base = '', bits = '32'] = block.split('/');
  const number = (text: string): number =>
    text.split('.').reduce((sum, part) => ((sum << 8) | Number(part)) >>> 0, 0);
  const size = 2 ** (32 - Number(bits));
  return Math.floor(number(address.replace(/^::ffff:/, '')) / size) === Math.floor(number(base) / size);
}
