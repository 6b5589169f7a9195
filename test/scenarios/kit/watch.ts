/** What must hold of every fleet at every moment, looked at by the clock while a world goes on. */
import type { Timer } from '../../../local/clock.ts';
import { instancesPastTheirTime } from './at-rest.ts';
import type { Fleet } from './fleet.ts';

interface Weighted {
  readonly TargetGroupArn: string;
  readonly Weight: number;
}

export class Watch {
  /** What was not as it should have been, each told once. */
  readonly found = new Set<string>();
  #everySeconds = 0;
  #timer: Timer | undefined;
  readonly #fleets: readonly Fleet[];
  readonly #rules: ReadonlyMap<string, string>;
  readonly #served = new Set<string>();

  private constructor(fleets: readonly Fleet[], rules: ReadonlyMap<string, string>) {
    this.#fleets = fleets;
    this.#rules = rules;
  }

  /** Looks at the fleets, which share a world, for as long as that goes on. */
  static async over(fleets: readonly Fleet[], everySeconds: number): Promise<Watch> {
    const rules = new Map<string, string>();
    for (const fleet of fleets) rules.set((await fleet.item()).fixed.ruleArn, fleet.name);
    const watch = new Watch(fleets, rules);
    watch.every(everySeconds);
    return watch;
  }

  /** From now on looks so often. */
  every(seconds: number): void {
    this.#everySeconds = seconds;
    this.#timer?.cancel();
    this.#again();
  }

  #again(): void {
    const { clock } = this.#world;
    this.#timer = clock.after(this.#everySeconds * 1_000, () => {
      void clock.hold(this.#look()).then(() => this.#again());
    });
  }

  get #world(): Fleet['world'] {
    const [first] = this.#fleets;
    if (first === undefined) throw new Error('no fleet');
    return first.world;
  }

  async #look(): Promise<void> {
    const world = this.#world;
    const at = new Date(world.clock.now()).toISOString();
    const { Rules } = await world.call('elasticloadbalancing', 'DescribeRules', {
      RuleArns: [...this.#rules.keys()],
    });
    for (const { RuleArn, Actions } of Rules) {
      const name = this.#rules.get(RuleArn) ?? '';
      const weighted = (Actions[0].ForwardConfig.TargetGroups as Weighted[]).filter(
        ({ Weight }) => Weight > 0,
      );
      if (weighted.length > 0) this.#served.add(name);
      else if (this.#served.has(name)) this.found.add(`${name} has no weights at ${at}`);
      for (const { TargetGroupArn } of weighted) {
        const { TargetHealthDescriptions } = await world.call(
          'elasticloadbalancing',
          'DescribeTargetHealth',
          {
            TargetGroupArn,
          },
        );
        const healthy = TargetHealthDescriptions.some(
          ({ TargetHealth }: { TargetHealth: { State: string } }) => TargetHealth.State === 'healthy',
        );
        if (!healthy) this.found.add(`${name} has traffic and no healthy target at ${at}`);
      }
    }
    for (const words of await instancesPastTheirTime(world)) this.found.add(words);
  }
}
