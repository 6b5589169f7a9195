/** Where a request goes: rule, target group, target. */
import type { Action, RedirectActionConfig } from '@aws-sdk/client-elastic-load-balancing-v2';
import type { Random } from '../random.ts';
import type { Elbv2State, ListenerRecord, TargetGroupRecord, TargetRecord } from '../services/elbv2/state.ts';
import { attribute, targetGroupsOf } from '../services/elbv2/state.ts';
import { eligibleTargets, nextTarget } from './choose-target.ts';
import type { RoutedRequest } from './conditions.ts';
import { fits } from './conditions.ts';
import type { BalancerNode } from './node.ts';

export type Route =
  | {
      readonly kind: 'forward';
      readonly group: TargetGroupRecord;
      readonly target: TargetRecord;
      readonly cookies: readonly string[];
    }
  /** No target can take it. */
  | { readonly kind: 'none'; readonly group: TargetGroupRecord | undefined }
  | { readonly kind: 'fixed'; readonly status: number; readonly contentType: string; readonly body: string }
  | { readonly kind: 'redirect'; readonly status: number; readonly location: string };

/** @param node to which the request came: it acts on what it knows. */
export function chooseRoute(
  state: Elbv2State,
  listener: ListenerRecord,
  node: BalancerNode,
  request: RoutedRequest,
): Route {
  const now = state.context.clock.now();
  const rules = node.rules(listener.arn, now);
  const rule =
    rules.find((one) => one.priority !== 'default' && fits(one.conditions, request)) ?? rules.at(-1);
  const actions = rule?.actions ?? listener.defaultRule.actions;
  const last = actions.at(-1);
  if (last?.Type === 'fixed-response') {
    const { StatusCode, ContentType, MessageBody } = last.FixedResponseConfig ?? {};
    return {
      kind: 'fixed',
      status: Number(StatusCode ?? 503),
      contentType: ContentType ?? 'text/plain',
      body: MessageBody ?? '',
    };
  }
  if (last?.Type === 'redirect') return redirect(last, listener, request);

  const cookies = parseCookies(request);
  const made: string[] = [];
  const group = chooseGroup(state, actions, cookies, made);
  if (group === undefined) return { kind: 'none', group: undefined };
  const target = chooseTarget(state, group, node, now, cookies, made);
  return target === undefined ? { kind: 'none', group } : { kind: 'forward', group, target, cookies: made };
}

/**
 * By weight. A group keeps its share whatever the health of its targets: groups never stand in for each other.
 * https://docs.aws.amazon.com/elasticloadbalancing/latest/application/rule-action-types.html#forward-actions
 */
function chooseGroup(
  state: Elbv2State,
  actions: readonly Action[],
  cookies: ReadonlyMap<string, string>,
  made: string[],
): TargetGroupRecord | undefined {
  const weighted = targetGroupsOf(actions).filter((one) => one.weight > 0);
  const sticky = actions.at(-1)?.ForwardConfig?.TargetGroupStickinessConfig;
  if (sticky?.Enabled === true) {
    const kept = weighted.find((one) => nameFor(one.arn) === cookies.get('AWSALBTG'));
    const chosen = kept?.arn ?? byWeight(weighted, state.context.random);
    if (chosen !== undefined)
      made.push(...cookiePair('AWSALBTG', nameFor(chosen), sticky.DurationSeconds ?? 3_600));
    return state.targetGroups.get(chosen ?? '');
  }
  return state.targetGroups.get(byWeight(weighted, state.context.random) ?? '');
}

function byWeight(weighted: readonly { arn: string; weight: number }[], random: Random): string | undefined {
  if (weighted.length <= 1) return weighted[0]?.arn;
  const total = weighted.reduce((sum, one) => sum + one.weight, 0);
  let at = random.integer(total);
  for (const one of weighted) {
    at -= one.weight;
    if (at < 0) return one.arn;
  }
  return undefined;
}

function chooseTarget(
  state: Elbv2State,
  group: TargetGroupRecord,
  node: BalancerNode,
  now: number,
  cookies: ReadonlyMap<string, string>,
  made: string[],
): TargetRecord | undefined {
  const eligible = eligibleTargets(group, node, now);
  if (attribute(group, 'stickiness.enabled') !== 'true')
    return nextTarget(group, node, eligible, now, state.context.lag);
  const kept = eligible.find((target) => nameFor(`${target.id}:${target.port}`) === cookies.get('AWSALB'));
  const chosen = kept ?? nextTarget(group, node, eligible, now, state.context.lag);
  const seconds = Number(attribute(group, 'stickiness.lb_cookie.duration_seconds'));
  if (chosen !== undefined)
    made.push(...cookiePair('AWSALB', nameFor(`${chosen.id}:${chosen.port}`), seconds));
  return chosen;
}

function redirect(action: Action, listener: ListenerRecord, request: RoutedRequest): Route {
  const config: Partial<RedirectActionConfig> = action.RedirectConfig ?? {};
  const url = new URL(request.target, 'http://placeholder');
  const known: Record<string, string> = {
    '#{protocol}': 'HTTP',
    '#{host}': request.host.replace(/:\d+$/, ''),
    '#{port}': `${listener.port}`,
    '#{path}': url.pathname.slice(1),
    '#{query}': url.search.slice(1),
  };
  const fill = (text: string): string => text.replace(/#\{\w+\}/g, (name) => known[name] ?? name);
  const query = fill(config.Query ?? '#{query}');
  const location = `${fill(config.Protocol ?? '#{protocol}').toLowerCase()}://${fill(config.Host ?? '#{host}')}:${fill(config.Port ?? '#{port}')}${fill(config.Path ?? '/#{path}')}${query === '' ? '' : `?${query}`}`;
  return { kind: 'redirect', status: config.StatusCode === 'HTTP_301' ? 301 : 302, location };
}

/** AWS's cookies are opaque; these only have to name one thing among a few. */
function nameFor(text: string): string {
  return Buffer.from(text).toString('base64url');
}

/** The second is for requests from other origins. https://docs.aws.amazon.com/elasticloadbalancing/latest/application/sticky-sessions.html */
function cookiePair(name: string, value: string, seconds: number): string[] {
  const cookie = `=${value}; Max-Age=${seconds}; Path=/`;
  return [`${name}${cookie}`, `${name}CORS${cookie}; SameSite=None; Secure`];
}

function parseCookies(request: RoutedRequest): ReadonlyMap<string, string> {
  const header = request.headers.cookie;
  const found = new Map<string, string>();
  if (header === undefined) return found;
  for (const part of (typeof header === 'string' ? header : header.join('; ')).split(';')) {
    const at = part.indexOf('=');
    if (at > 0) found.set(part.slice(0, at).trim(), part.slice(at + 1).trim());
  }
  return found;
}
