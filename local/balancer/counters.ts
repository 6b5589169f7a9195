/**
 * What the proxy counts, as CloudWatch shows it.
 * https://docs.aws.amazon.com/elasticloadbalancing/latest/application/load-balancer-cloudwatch-metrics.html
 */
import type { Metrics, Series } from '../services/cloudwatch/series.ts';
import type { GroupMetrics, LoadBalancerRecord, TargetGroupRecord } from '../services/elbv2/state.ts';

const namespace = 'AWS/ApplicationELB';

export class Counters {
  readonly #now: () => number;
  readonly #requests: Series;
  readonly #failures: ReadonlyMap<number, readonly Series[]>;

  constructor(now: () => number, metrics: Metrics, balancer: LoadBalancerRecord) {
    this.#now = now;
    const dimensions = [{ Name: 'LoadBalancer', Value: balancer.fullName }];
    this.#requests = metrics.series(namespace, 'RequestCount', dimensions);
    const all = metrics.series(namespace, 'HTTPCode_ELB_5XX_Count', dimensions);
    this.#failures = new Map(
      [502, 503, 504].map((status) => [
        status,
        [all, metrics.series(namespace, `HTTPCode_ELB_${status}_Count`, dimensions)],
      ]),
    );
  }

  /** A request that was given to a target of the group. */
  request(group: TargetGroupRecord): void {
    const now = this.#now();
    this.#requests.add(now, 1);
    if (group.metrics === undefined) return;
    group.metrics.requests.add(now, 1);
    const healthy = [...group.targets.values()].filter((target) => target.health.State === 'healthy').length;
    group.metrics.requestsPerTarget.add(now, 1 / Math.max(1, healthy));
  }

  response(group: TargetGroupRecord, status: number, milliseconds: number): void {
    const now = this.#now();
    group.metrics?.byStatus[Math.floor(status / 100)]?.add(now, 1);
    group.metrics?.responseTime.add(now, milliseconds / 1_000);
  }

  /** The load balancer's own error answer. */
  failure(_group: TargetGroupRecord | undefined, status: number): void {
    for (const series of this.#failures.get(status) ?? []) series.add(this.#now(), 1);
  }
}

/** The series of a target group behind a load balancer. */
export function groupMetrics(
  metrics: Metrics,
  balancer: LoadBalancerRecord,
  group: TargetGroupRecord,
): GroupMetrics {
  const own = [{ Name: 'TargetGroup', Value: group.fullName }];
  const both = [...own, { Name: 'LoadBalancer', Value: balancer.fullName }];
  const series = (name: string): Series => metrics.series(namespace, name, both);
  return {
    requests: series('RequestCount'),
    requestsPerTarget: metrics.series(namespace, 'RequestCountPerTarget', own),
    responseTime: series('TargetResponseTime'),
    byStatus: [0, 1, 2, 3, 4, 5].map((hundred) => series(`HTTPCode_Target_${hundred}XX_Count`)),
    healthy: series('HealthyHostCount'),
    unhealthy: series('UnHealthyHostCount'),
  };
}
