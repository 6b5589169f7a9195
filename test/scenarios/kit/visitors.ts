/**
 * Visitors of a fleet in virtual time: requests to the nodes of the load balancer, by turns, as often as told, at a listener's port. What
 * they meet are the region's own rules, weights, targets and counts.
 */
import type { Timer } from '../../../local/clock.ts';
import type { Fleet } from './fleet.ts';

export class Visitors {
  readonly #fleet: Fleet;
  readonly #everyMs: number;
  readonly #port: number;
  #timer: Timer | undefined;
  #turn = 0;

  /** From now on. */
  constructor(fleet: Fleet, perSecond: number, port = 80) {
    this.#fleet = fleet;
    this.#port = port;
    this.#everyMs = 1_000 / perSecond;
    this.#next();
  }

  stop(): void {
    this.#timer?.cancel();
  }

  #next(): void {
    const { clock, region } = this.#fleet.world;
    this.#timer = clock.after(this.#everyMs, () => {
      const nodes = region.parts.ec2.network.nodes();
      const node = nodes[this.#turn++ % nodes.length];
      void node?.answer({
        host: node.address,
        port: this.#port,
        method: 'GET',
        path: '/',
        headers: { host: `${this.#fleet.name}.example.com` },
      });
      this.#next();
    });
  }
}
