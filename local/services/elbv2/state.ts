/** What the load balancers of the account consist of, and what the operations, checks and proxy share. */
import type { Action, RuleCondition, TargetHealth } from '@aws-sdk/client-elastic-load-balancing-v2';
import type { BalancerNode, NodeTargets } from '../../balancer/node.ts';
import type { Timer } from '../../clock.ts';
import type { Context } from '../../context.ts';
import { AwsError } from '../../service.ts';
import type { Series } from '../cloudwatch/series.ts';
import type { Ec2 } from '../ec2/ec2.ts';
import { TagStore } from '../ec2/tag-store.ts';
import { quota } from '../servicequotas/quota.ts';

export interface LoadBalancerRecord {
  readonly arn: string;
  /** `app/<name>/<id>`: how metrics and resource labels name it. */
  readonly fullName: string;
  readonly name: string;
  readonly scheme: 'internet-facing' | 'internal';
  readonly createdAt: number;
  readonly subnetIds: readonly string[];
  readonly securityGroupIds: readonly string[];
  /** One in each of its zones. */
  readonly nodes: readonly BalancerNode[];
}

export interface ListenerRecord {
  readonly arn: string;
  readonly loadBalancer: LoadBalancerRecord;
  /** What callers see; for a listener that the proxy serves it is the loopback port. */
  port: number;
  readonly defaultRule: RuleRecord;
}

export interface RuleRecord {
  readonly arn: string;
  readonly listenerArn: string;
  priority: number | 'default';
  conditions: readonly RuleCondition[];
  /** As the API shows them. */
  actions: readonly Action[];
}

export interface TargetRecord {
  readonly id: string;
  readonly port: number;
  readonly zone: string | undefined;
  health: {
    State: NonNullable<TargetHealth['State']>;
    Reason?: TargetHealth['Reason'];
    Description?: string;
  };
  /** When it entered slow start; undefined for a target that gets its full share. */
  slowSince: number | undefined;
  /** Checks that ended alike, in a row. */
  streak: { readonly passed: boolean; length: number };
  timer: Timer | undefined;
  /** A check is under way. */
  checking: boolean;
  /** Requests in flight, as functions that break them off. */
  readonly inFlight: Set<() => void>;
  /** Set when it was registered again or is gone: checks under way are void then. */
  retired: boolean;
}

export interface TargetGroupRecord {
  readonly arn: string;
  /** `targetgroup/<name>/<id>` */
  readonly fullName: string;
  readonly name: string;
  readonly targetType: 'instance' | 'ip';
  readonly port: number;
  readonly vpcId: string | undefined;
  check: {
    path: string;
    port: string;
    intervalSeconds: number;
    timeoutSeconds: number;
    healthyThreshold: number;
    unhealthyThreshold: number;
    /** Such as `200`, `200-299` or `200,302`. */
    matcher: string;
  };
  readonly attributes: Map<string, string>;
  readonly targets: Map<string, TargetRecord>;
  metrics: GroupMetrics | undefined;
}

/** Of one zone's node and of all together. */
type Measure = Pick<Series, 'add'>;

export interface GroupMetrics {
  requests(zone: string): Measure;
  readonly requestsPerTarget: Measure;
  responseTime(zone: string): Measure;
  /** @param hundreds 2 for 2xx */
  byStatus(zone: string, hundreds: number): Measure;
  /** Targets in that state; in all zones unless one is given. */
  hosts(state: 'healthy' | 'unhealthy', zone?: string): Series;
}

export class Elbv2State {
  /** https://docs.aws.amazon.com/elasticloadbalancing/latest/application/load-balancer-limits.html */
  readonly quotas = {
    targetGroups: quota('elasticloadbalancing', 'L-B22855CB', 'Target Groups per Region', 3_000),
    targetsPerGroup: quota(
      'elasticloadbalancing',
      'L-A0D0B863',
      'Targets per Target Group per Region',
      1_000,
    ),
    rules: quota('elasticloadbalancing', 'L-7EED9B64', 'Rules per Application Load Balancer', 100),
    groupsPerBalancer: quota(
      'elasticloadbalancing',
      'L-822D1B1B',
      'Target Groups per Application Load Balancer',
      100,
      { adjustable: false },
    ),
    targetsPerBalancer: quota(
      'elasticloadbalancing',
      'L-7E6692B2',
      'Targets per Application Load Balancer',
      1_000,
    ),
    listeners: quota('elasticloadbalancing', 'L-B6DF7632', 'Listeners per Application Load Balancer', 50),
    loadBalancers: quota('elasticloadbalancing', 'L-53DA6B97', 'Application Load Balancers per Region', 50),
  };
  readonly context: Context;
  readonly ec2: Ec2;
  readonly tags = new TagStore();
  readonly loadBalancers = new Map<string, LoadBalancerRecord>();
  readonly listeners = new Map<string, ListenerRecord>();
  readonly rules = new Map<string, RuleRecord>();
  readonly targetGroups = new Map<string, TargetGroupRecord>();

  constructor(context: Context, ec2: Ec2) {
    this.context = context;
    this.ec2 = ec2;
  }

  rulesOf(listenerArn: string): RuleRecord[] {
    const order = (rule: RuleRecord): number =>
      rule.priority === 'default' ? Number.MAX_SAFE_INTEGER : rule.priority;
    return [...this.rules.values()]
      .filter((rule) => rule.listenerArn === listenerArn)
      .sort((a, b) => order(a) - order(b));
  }

  /** The load balancer whose rules name the group; weight 0 counts. A group in no rule has none. */
  loadBalancerOf(groupArn: string): LoadBalancerRecord | undefined {
    for (const rule of this.rules.values()) {
      if (!targetGroupsOf(rule.actions).some((one) => one.arn === groupArn)) continue;
      return this.listeners.get(rule.listenerArn)?.loadBalancer;
    }
    return undefined;
  }

  /**
   * Sends a listener's rules to the nodes of its load balancer; each hears of them when it hears of them.
   * @param at once for a new listener, which nobody has asked yet
   */
  sendRules(listener: ListenerRecord, at: 'once' | 'late' = 'late'): void {
    const now = this.context.clock.now();
    const rules = this.rulesOf(listener.arn).map(({ arn, priority, conditions, actions }) => ({
      arn,
      priority,
      conditions,
      actions,
    }));
    for (const node of listener.loadBalancer.nodes) {
      node.tellRules(listener.arn, rules, now, now + (at === 'once' ? 0 : this.context.lag.draw('rulesMs')));
    }
  }

  /** Sends to the nodes which targets of a group may get requests. A group that no rule names goes to none. */
  sendTargets(group: TargetGroupRecord, at: 'once' | 'late' = 'late'): void {
    const balancer = this.loadBalancerOf(group.arn);
    if (balancer === undefined) return;
    const targets: { [Kind in keyof NodeTargets]: TargetRecord[] } = { healthy: [], others: [] };
    for (const target of group.targets.values()) {
      const { State } = target.health;
      if (State === 'healthy') targets.healthy.push(target);
      else if (State === 'initial' || State === 'unhealthy') targets.others.push(target);
    }
    const now = this.context.clock.now();
    for (const node of balancer.nodes) {
      const delayMs = at === 'once' ? 0 : this.context.lag.draw('targetsMs');
      node.tellTargets(group.arn, targets, now, now + delayMs);
    }
  }

  /** The node that the load balancer's DNS name leads somebody to. */
  dealNode(balancer: LoadBalancerRecord): BalancerNode {
    const node = balancer.nodes[this.context.lag.pick(balancer.nodes.length)];
    if (node === undefined) throw new Error(`${balancer.name} has no nodes`);
    return node;
  }

  /** @throws TargetGroupNotFound */
  group(arn: string | undefined): TargetGroupRecord {
    const found = this.targetGroups.get(arn ?? '');
    if (found !== undefined) return found;
    throw new AwsError('TargetGroupNotFound', `Target groups '${arn ?? ''}' not found`);
  }

  /** @throws ListenerNotFound */
  listener(arn: string | undefined): ListenerRecord {
    const found = this.listeners.get(arn ?? '');
    if (found !== undefined) return found;
    throw new AwsError('ListenerNotFound', `Listeners '${arn ?? ''}' not found`);
  }

  /** @throws RuleNotFound */
  rule(arn: string | undefined): RuleRecord {
    const found = this.rules.get(arn ?? '');
    if (found !== undefined) return found;
    throw new AwsError('RuleNotFound', `Rules '${arn ?? ''}' not found`);
  }

  /** @throws LoadBalancerNotFound */
  loadBalancer(arn: string | undefined): LoadBalancerRecord {
    const found = this.loadBalancers.get(arn ?? '');
    if (found !== undefined) return found;
    throw new AwsError('LoadBalancerNotFound', `Load balancers '[${arn ?? ''}]' not found`);
  }
}

export interface WeightedGroup {
  readonly arn: string;
  readonly weight: number;
}

/** The target groups that a rule's actions forward to, with their weights. */
export function targetGroupsOf(actions: readonly Action[]): WeightedGroup[] {
  return actions.flatMap((action) => {
    if (action.Type !== 'forward') return [];
    const listed = action.ForwardConfig?.TargetGroups ?? [];
    if (listed.length === 0) {
      return action.TargetGroupArn === undefined ? [] : [{ arn: action.TargetGroupArn, weight: 1 }];
    }
    return listed.map((one) => ({ arn: one.TargetGroupArn ?? '', weight: one.Weight ?? 1 }));
  });
}

export function attribute(group: TargetGroupRecord, key: string): string {
  return group.attributes.get(key) ?? '';
}

export function targetKey(id: string, port: number): string {
  return `${id}:${port}`;
}

export function validation(message: string): AwsError {
  return new AwsError('ValidationError', message);
}
