/** Reading what becomes of a fleet's hooks, for src/fleet/hooks.ts: one call a hook, none where it has none. */
import type { Hooks } from '../../aws/hooks.ts';
import { together } from '../../aws/together.ts';
import type { FleetSpec } from '../../contracts/fleet-spec.ts';
import type { SeenHook } from '../../fleet/hooks.ts';
import { known } from './look-at-quotas.ts';

/** Never throws: what could not be read is in the result as such. */
export function lookAtHooks({ hooks }: FleetSpec['rollout'], aws: Hooks): Promise<SeenHook[]> {
  const named = [
    ['before traffic', hooks?.beforeTraffic],
    ['after traffic', hooks?.afterTraffic],
  ] as const;
  return together(
    named.flatMap(([moment, arn]) =>
      arn === undefined ? [] : [known(aws.tags(arn)).then((tags) => ({ moment, arn, tags }))],
    ),
  );
}
