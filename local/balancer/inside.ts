/**
 * Load balancer nodes as the VPC sees them: network interfaces with private addresses, which answer at each listener's
 * port, whatever the load balancer's scheme.
 * https://repost.aws/knowledge-center/elb-find-load-balancer-IP
 */
import type { NodeInterface } from '../services/ec2/network.ts';
import { askMachine, type PrivateAnswer, type PrivateRequest } from '../services/ec2/reach.ts';
import type { Elbv2State, LoadBalancerRecord } from '../services/elbv2/state.ts';
import type { Counters } from './counters.ts';
import type { BalancerNode } from './node.ts';
import { chooseRoute } from './route.ts';

/** Whoever asks is a function: its interface's address changes, and no rule can count on it. */
const someFunction = '10.0.0.4';

/** The interfaces of all load balancers, for the network. */
export function nodeInterfaces(
  state: Elbv2State,
  countersOf: (balancer: LoadBalancerRecord) => Counters,
): NodeInterface[] {
  return [...state.loadBalancers.values()].flatMap((balancer) =>
    balancer.nodes.map((node) => ({
      ...node.place,
      description: `ELB ${balancer.fullName}`,
      answer: (asked) => answerAt(state, balancer, node, countersOf(balancer), asked),
    })),
  );
}

async function answerAt(
  state: Elbv2State,
  balancer: LoadBalancerRecord,
  node: BalancerNode,
  counters: Counters,
  asked: PrivateRequest,
): Promise<PrivateAnswer> {
  const listener = [...state.listeners.values()].find(
    (one) => one.loadBalancer === balancer && one.port === asked.port,
  );
  // Packets to a port without a listener are dropped.
  if (listener === undefined) return { kind: 'silence' };
  const { clock } = state.context;
  const { path: target, method, headers } = asked;
  const request = { host: headers.host ?? '', target, method, headers, sourceIp: someFunction };
  const route = chooseRoute(state, listener, node, request);
  switch (route.kind) {
    case 'fixed':
      return answer(route.status, { 'content-type': route.contentType }, route.body);
    case 'redirect':
      return answer(route.status, { location: route.location });
    case 'none':
      counters.failure(503);
      return answer(503);
    case 'forward':
  }
  counters.request(route.group, node);
  const { instances } = state.ec2;
  const { id } = route.target;
  const instance = route.group.targetType === 'instance' ? instances.all.get(id) : instances.byPrivateIp(id);
  const began = clock.now();
  const heard =
    instance?.machine === undefined
      ? ({ kind: 'silence' } as const)
      : await askMachine(state.context, instance.machine, asked);
  // The load balancer waits for 10 s and more before it answers 504: longer than anybody here asks.
  if (heard.kind === 'silence') return heard;
  if (heard.kind === 'refused') {
    counters.failure(502);
    return answer(502);
  }
  counters.response(route.group, node, heard.status, clock.now() - began);
  return heard;
}

function answer(status: number, headers: Readonly<Record<string, string>> = {}, body = ''): PrivateAnswer {
  return {
    kind: 'answer',
    status,
    headers: { server: 'awselb/2.0', ...headers },
    body: Buffer.from(body),
  };
}
