/**
 * What a fleet remembers of the account's quotas, so that a plan does not ask again for what seldom changes. What
 * runs changes all the time, and is always asked.
 */
import type { Quotas } from '../../aws/quotas.ts';
import type { KnownQuotas } from '../../contracts/items.ts';

/**
 * How long a quota's value counts. AWS raises quotas on request and lowers none by itself; where a remembered value
 * would refuse a rollout, it is asked for before anybody is told so.
 */
const valueCountsMilliseconds = 24 * 3_600_000;
/** Groups that may be added in that time without anybody asking: a group too many is refused before any traffic. */
const roomEnough = 100;
/** Instance types whose vCPUs a fleet keeps: an item has an end, and an account may run hundreds of types. */
const typesKept = 50;

export interface RememberedQuotas {
  /** Asks AWS for what is not remembered. */
  readonly quotas: Quotas;
  /** To be remembered from now on. */
  known(): KnownQuotas;
  /** Whether a value was taken from memory. */
  remembered(): boolean;
}

export function rememberedQuotas(
  asked: Quotas,
  before: KnownQuotas | undefined,
  now: Date,
): RememberedQuotas {
  const counts = ({ readAt }: { readonly readAt: string }): boolean =>
    now.getTime() - Date.parse(readAt) < valueCountsMilliseconds;
  const values = new Map(Object.entries(before?.values ?? {}).filter(([, value]) => counts(value)));
  let groups = before?.groups !== undefined && counts(before.groups) ? before.groups : undefined;
  const vcpus = new Map(Object.entries(before?.vcpus ?? {}));
  let remembered = false;
  return {
    quotas: {
      ...asked,
      async value(quota) {
        const known = values.get(quota.code);
        if (known !== undefined) {
          remembered = true;
          return known.value;
        }
        const value = await asked.value(quota);
        values.set(quota.code, { value, readAt: now.toISOString() });
        return value;
      },
      async groups() {
        if (groups !== undefined) {
          remembered = true;
          return groups;
        }
        const usage = await asked.groups();
        if (usage.quota - usage.used >= roomEnough) groups = { ...usage, readAt: now.toISOString() };
        return usage;
      },
      // How many vCPUs a type has never changes.
      async vcpus(types) {
        const found = await asked.vcpus(types.filter((type) => !vcpus.has(type)));
        for (const [type, count] of found) vcpus.set(type, count);
        return new Map(
          types.flatMap((type) => {
            const count = vcpus.get(type);
            return count === undefined ? [] : [[type, count] as const];
          }),
        );
      },
    },
    known: () => ({
      values: Object.fromEntries(values),
      ...(groups === undefined ? {} : { groups }),
      vcpus: Object.fromEntries([...vcpus].slice(-typesKept)),
    }),
    remembered: () => remembered,
  };
}
