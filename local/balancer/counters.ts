/**
 * What the nodes count, as CloudWatch shows it.
 * https://docs.aws.amazon.com/elasticloadbalancing/latest/application/load-balancer-cloudwatch-metrics.html
 */
import type { Dimension, Metrics, Series } from '../services/cloudwatch/series.ts';
import type { GroupMetrics, LoadBalancerRecord, TargetGroupRecord } from '../services/elbv2/state.ts';
import type { BalancerNode } from './node.ts';

const namespace = 'AWS/ApplicationELB';

/** One measure under several sets of dimensions. */
class Many {
  readonly #all: readonly Series[];

  constructor(all: readonly Series[]) {
    this.#all = all;
  }

  add(at: number, value: number): void {
    for (const series of this.#all) series.add(at, value);
  }
}

export class Counters {
  readonly #now: () => number;
  readonly #requests: ReadonlyMap<string, Many>;
  readonly #failures: ReadonlyMap<number, Many>;

  constructor(now: () => number, metrics: Metrics, balancer: LoadBalancerRecord) {
    this.#now = now;
    const whole = dimension('LoadBalancer', balancer.fullName);
    this.#requests = new Map(
      balancer.nodes.map(({ zone }) => [
        zone,
        new Many(
          [[whole], [dimension('AvailabilityZone', zone), whole]].map((dimensions) =>
            metrics.series(namespace, 'RequestCount', dimensions),
          ),
        ),
      ]),
    );
    this.#failures = new Map(
      [502, 503, 504].map((status) => [
        status,
        new Many(
          ['HTTPCode_ELB_5XX_Count', `HTTPCode_ELB_${status}_Count`].map((name) =>
            metrics.series(namespace, name, [whole]),
          ),
        ),
      ]),
    );
  }

  /** A request that the node gave to a target of the group. */
  request(group: TargetGroupRecord, node: BalancerNode): void {
    const now = this.#now();
    this.#requests.get(node.zone)?.add(now, 1);
    if (group.metrics === undefined) return;
    group.metrics.requests(node.zone).add(now, 1);
    const healthy = [...group.targets.values()].filter((target) => target.health.State === 'healthy').length;
    group.metrics.requestsPerTarget.add(now, 1 / Math.max(1, healthy));
  }

  response(group: TargetGroupRecord, node: BalancerNode, status: number, milliseconds: number): void {
    const now = this.#now();
    group.metrics?.byStatus(node.zone, Math.floor(status / 100)).add(now, 1);
    group.metrics?.responseTime(node.zone).add(now, milliseconds / 1_000);
  }

  /** The load balancer's own error answer. */
  failure(status: number): void {
    this.#failures.get(status)?.add(this.#now(), 1);
  }
}

/** The series of a target group behind a load balancer. */
export function groupMetrics(
  metrics: Metrics,
  balancer: LoadBalancerRecord,
  group: TargetGroupRecord,
): GroupMetrics {
  const own = dimension('TargetGroup', group.fullName);
  const both = [own, dimension('LoadBalancer', balancer.fullName)];
  const made = new Map<string, Many>();
  /** In all zones together, and in the node's. */
  const zonal = (zone: string, name: string): Many => {
    let many = made.get(zone + name);
    if (many === undefined) {
      const dimensions = [both, [...both, dimension('AvailabilityZone', zone)]];
      many = new Many(dimensions.map((one) => metrics.series(namespace, name, one)));
      made.set(zone + name, many);
    }
    return many;
  };
  return {
    requests: (zone) => zonal(zone, 'RequestCount'),
    requestsPerTarget: new Many(
      [[own], both].map((one) => metrics.series(namespace, 'RequestCountPerTarget', one)),
    ),
    responseTime: (zone) => zonal(zone, 'TargetResponseTime'),
    byStatus: (zone, hundreds) => zonal(zone, `HTTPCode_Target_${hundreds}XX_Count`),
    hosts: (state, zone) =>
      metrics.series(
        namespace,
        state === 'healthy' ? 'HealthyHostCount' : 'UnHealthyHostCount',
        zone === undefined ? both : [...both, dimension('AvailabilityZone', zone)],
      ),
  };
}

function dimension(Name: string, Value: string): Dimension {
  return { Name, Value };
}
