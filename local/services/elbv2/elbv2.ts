/** Elastic Load Balancing v2, with one default load balancer and a proxy for each listener. */
import type { RoutedRequest } from '../../balancer/conditions.ts';
import { Counters, groupMetrics } from '../../balancer/counters.ts';
import { nodeInterfaces } from '../../balancer/inside.ts';
import type { BalancerNode } from '../../balancer/node.ts';
import { ListenerProxy } from '../../balancer/proxy.ts';
import type { Route } from '../../balancer/route.ts';
import { chooseRoute } from '../../balancer/route.ts';
import type { Context } from '../../context.ts';
import type { Service } from '../../service.ts';
import { type Persistent, single } from '../../state/persistent.ts';
import type { CloudWatch } from '../cloudwatch/cloudwatch.ts';
import type { Ec2 } from '../ec2/ec2.ts';
import { HealthChecks } from './health-checks.ts';
import { loadBalancerOperations, makeListener, makeLoadBalancer } from './load-balancers.ts';
import { persistentElbv2 } from './persistent.ts';
import { ruleOperations } from './rules.ts';
import type { ListenerRecord, LoadBalancerRecord, TargetGroupRecord } from './state.ts';
import { Elbv2State } from './state.ts';
import { tagOperations } from './tags.ts';
import { targetGroupOperations } from './target-groups.ts';
import { targetOperations } from './targets.ts';

export interface Elbv2 {
  readonly service: Service;
  readonly persistent: Persistent;
  readonly state: Elbv2State;
  readonly checks: HealthChecks;
  /** Made with the region: what a stack takes where it names no other. */
  readonly defaultLoadBalancer: LoadBalancerRecord;
  readonly defaultListener: ListenerRecord;
  /**
   * Where a request would go, without sending one. Takes the target's turn as a real one does.
   * @param node to which it comes; any unless told.
   */
  route(request: RoutedRequest, listener?: ListenerRecord, node?: BalancerNode): Route;
  /** Opens the ports of all listeners; the default listener's becomes a free one. Repeating it does nothing. */
  listen(): Promise<void>;
  /** `http://127.0.0.1:PORT` of a listener, the default one unless told. */
  url(listener?: ListenerRecord): string;
  close(): Promise<void>;
}

export function createElbv2(context: Context, parts: { ec2: Ec2; cloudwatch: CloudWatch }): Elbv2 {
  const state = new Elbv2State(context, parts.ec2);
  const checks = new HealthChecks(state);
  const countersOf = (balancer: LoadBalancerRecord): Counters =>
    new Counters(() => context.clock.now(), parts.cloudwatch.metrics, balancer);
  parts.ec2.network.nodes = () => nodeInterfaces(state, countersOf);
  const proxies = new Map<string, ListenerProxy>();
  let open = false;

  const measure = (group: TargetGroupRecord): void => {
    const balancer = state.loadBalancerOf(group.arn);
    if (balancer !== undefined) group.metrics ??= groupMetrics(parts.cloudwatch.metrics, balancer, group);
  };

  const rulesChanged = (listener: ListenerRecord): void => {
    state.sendRules(listener);
    for (const group of state.targetGroups.values()) {
      measure(group);
      checks.reconsider(group);
      // A load balancer that has only now come to use the group learns of its targets.
      state.sendTargets(group);
    }
  };

  const ports = {
    async open(listener: ListenerRecord): Promise<void> {
      if (!open || proxies.has(listener.arn)) return;
      const proxy = new ListenerProxy(state, listener, countersOf(listener.loadBalancer));
      proxies.set(listener.arn, proxy);
      try {
        listener.port = await openPort(proxy, listener);
      } catch (error) {
        proxies.delete(listener.arn);
        throw error;
      }
    },
    async close(listener: ListenerRecord): Promise<void> {
      const proxy = proxies.get(listener.arn);
      proxies.delete(listener.arn);
      await proxy?.close();
    },
  };

  /** The default listener takes the port that it had in an earlier region, where that is free. */
  async function openPort(proxy: ListenerProxy, listener: ListenerRecord): Promise<number> {
    if (listener !== defaultListener) return proxy.listen(listener.port);
    return defaultPort === 0 ? proxy.listen(0) : proxy.listen(defaultPort).catch(() => proxy.listen(0));
  }

  let defaultPort = 0;
  let defaultLoadBalancer = makeLoadBalancer(state, 'flotilla');
  let defaultListener = makeListener(state, defaultLoadBalancer, 80, [
    {
      Type: 'fixed-response',
      Order: 1,
      FixedResponseConfig: {
        StatusCode: '404',
        ContentType: 'text/plain',
        MessageBody: 'No fleet answers here.\n',
      },
    },
  ]);

  const defaults = single(
    'defaults',
    () => ({ loadBalancer: defaultLoadBalancer.arn, listener: defaultListener.arn }),
    (saved) => {
      defaultLoadBalancer = state.loadBalancer(saved.loadBalancer);
      defaultListener = state.listener(saved.listener);
      defaultPort = defaultListener.port;
    },
  );

  return {
    persistent: persistentElbv2(state, checks, measure, defaults),
    service: {
      id: 'elasticloadbalancing',
      operations: {
        ...targetGroupOperations(state, checks),
        ...targetOperations(state, checks),
        ...tagOperations(state),
        ...ruleOperations(state, rulesChanged),
        ...loadBalancerOperations(state, ports, rulesChanged),
      },
    },
    state,
    checks,
    get defaultLoadBalancer() {
      return defaultLoadBalancer;
    },
    get defaultListener() {
      return defaultListener;
    },
    route: (request, listener = defaultListener, node = state.dealNode(listener.loadBalancer)) =>
      chooseRoute(state, listener, node, request),
    async listen() {
      open = true;
      for (const listener of state.listeners.values()) await ports.open(listener);
    },
    url: (listener = defaultListener) => `http://127.0.0.1:${listener.port}`,
    async close() {
      await Promise.all([...state.listeners.values()].map((listener) => ports.close(listener)));
    },
  };
}
