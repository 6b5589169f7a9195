/**
 * One load balancer node: there is one in each enabled zone, and each acts on what has reached it so far. After a
 * change the nodes disagree for a while.
 * https://docs.aws.amazon.com/elasticloadbalancing/latest/userguide/how-elastic-load-balancing-works.html
 */
import type { Action, RuleCondition } from '@aws-sdk/client-elastic-load-balancing-v2';
import { Lagging } from '../lag.ts';
import type { Network, NetworkSubnet } from '../services/ec2/network.ts';
import type { TargetRecord } from '../services/elbv2/state.ts';

/** A rule as nodes act on it: what it said when it was sent to them. */
export interface NodeRule {
  readonly arn: string;
  readonly priority: number | 'default';
  readonly conditions: readonly RuleCondition[];
  readonly actions: readonly Action[];
}

/** The targets of a group that may get requests: the healthy ones, and those that get them where none is. */
export interface NodeTargets {
  readonly healthy: readonly TargetRecord[];
  readonly others: readonly TargetRecord[];
}

const nobody: NodeTargets = { healthy: [], others: [] };

export class BalancerNode {
  readonly zone: string;
  /** Where it stands in the VPC. AWS moves nodes about; here they move when the region starts anew. */
  readonly place: { readonly subnet: NetworkSubnet; readonly address: string };
  readonly #rules = new Map<string, Lagging<readonly NodeRule[]>>();
  readonly #targets = new Map<string, Lagging<NodeTargets>>();
  readonly #turns = new Map<string, number>();

  constructor(place: BalancerNode['place']) {
    this.zone = place.subnet.zone;
    this.place = place;
  }

  /** The listener's rules, by priority, the default one last. */
  rules(listenerArn: string, now: number): readonly NodeRule[] {
    return this.#rules.get(listenerArn)?.get(now) ?? [];
  }

  targets(groupArn: string, now: number): NodeTargets {
    return this.#targets.get(groupArn)?.get(now) ?? nobody;
  }

  tellRules(listenerArn: string, rules: readonly NodeRule[], now: number, at: number): void {
    const known = this.#rules.get(listenerArn) ?? new Lagging<readonly NodeRule[]>([]);
    this.#rules.set(listenerArn, known);
    known.tell(rules, now, at);
  }

  tellTargets(groupArn: string, targets: NodeTargets, now: number, at: number): void {
    const known = this.#targets.get(groupArn) ?? new Lagging(nobody);
    this.#targets.set(groupArn, known);
    known.tell(targets, now, at);
  }

  forgetListener(listenerArn: string): void {
    this.#rules.delete(listenerArn);
  }

  forgetGroup(groupArn: string): void {
    this.#targets.delete(groupArn);
    this.#turns.delete(groupArn);
  }

  /** Whose turn it is in the group: a number that goes up by one each time. */
  turn(groupArn: string): number {
    const turn = (this.#turns.get(groupArn) ?? -1) + 1;
    this.#turns.set(groupArn, turn);
    return turn;
  }
}

/** One node in each zone, in the first of the load balancer's subnets there. */
export function placeNodes(network: Network, subnetIds: readonly string[]): BalancerNode[] {
  const subnets = new Map<string, NetworkSubnet>();
  for (const subnetId of subnetIds) {
    const subnet = network.subnet(subnetId);
    if (subnet !== undefined && !subnets.has(subnet.zone)) subnets.set(subnet.zone, subnet);
  }
  return [...subnets.values()].map(
    (subnet) => new BalancerNode({ subnet, address: network.nodeAddress(subnet) }),
  );
}
