/**
 * What each node of the load balancer would do with a request to a fleet, looked at by the clock. The rule and the
 * target groups are as AWS has them at once; the nodes hear of changes later, each at a moment of its own, and
 * a node that chooses a target group without registered targets answers 503.
 * https://docs.aws.amazon.com/elasticloadbalancing/latest/application/load-balancer-troubleshooting.html#http-503-issues
 */
import type { Timer } from '../../../local/clock.ts';
import type { FleetItem } from '../../../src/contracts/items.ts';
import type { Fleet } from './fleet.ts';

type Fixed = FleetItem['fixed'];

export class NodeWatch {
  /** `us-east-1a: green has 50 % and no targets`, with the first moment of each. */
  readonly refused = new Map<string, string>();
  readonly #fleet: Fleet;
  readonly #fixed: Fixed;
  #timer: Timer | undefined;

  private constructor(fleet: Fleet, fixed: Fixed) {
    this.#fleet = fleet;
    this.#fixed = fixed;
  }

  /** From now on, ten times a second. */
  static async over(fleet: Fleet): Promise<NodeWatch> {
    const { fixed } = await fleet.item();
    const watch = new NodeWatch(fleet, fixed);
    watch.#look();
    return watch;
  }

  stop(): void {
    this.#timer?.cancel();
  }

  #look(): void {
    const { clock, region } = this.#fleet.world;
    const listener = region.parts.elbv2.defaultListener;
    const now = clock.now();
    for (const node of listener.loadBalancer.nodes) {
      const rule = node.rules(listener.arn, now).find(({ arn }) => arn === this.#fixed.ruleArn);
      const groups = rule?.actions.at(-1)?.ForwardConfig?.TargetGroups ?? [];
      const weighted = groups.filter(({ Weight = 0 }) => Weight > 0);
      if (weighted.length === 0) this.#refuses(`${node.zone}: nobody has any weight`, now);
      for (const { TargetGroupArn = '', Weight } of weighted) {
        const { healthy, others } = node.targets(TargetGroupArn, now);
        if (healthy.length + others.length > 0) continue;
        const slot = TargetGroupArn === this.#fixed.blueArn ? 'blue' : 'green';
        this.#refuses(`${node.zone}: ${slot} has ${Weight} % and no targets`, now);
      }
    }
    this.#timer = clock.after(100, () => this.#look());
  }

  #refuses(words: string, now: number): void {
    if (!this.refused.has(words)) this.refused.set(words, new Date(now).toISOString());
  }
}
