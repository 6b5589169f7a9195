/** A fleet that somebody must look at: in the same words wherever it is shown, with what cures it. */
import type { FleetItem } from '../contracts/items.ts';

/** Why the holder of a fleet could not give it back, and what to do; undefined where nobody is needed. */
export function attentionWords({ lease }: Pick<FleetItem, 'lease'>): string | undefined {
  if (lease?.state !== 'needs-attention') return undefined;
  const what =
    lease.purpose === 'rollout'
      ? `rollout ${lease.rollout} could not be undone`
      : `the ${lease.purpose} of v${lease.release} could not be finished`;
  return `${what}: ${lease.reason ?? 'no reason was recorded'}. Cure that; the sweeper tries again every minute, and frees the fleet`;
}
