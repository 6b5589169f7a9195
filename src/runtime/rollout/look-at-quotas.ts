/** Reading what the account's quotas leave, for src/fleet/quotas.ts: four calls, one more where Spot is wanted, two where the fleet may be large. */
import { errorCode } from '../../aws/errors.ts';
import type { Quotas } from '../../aws/quotas.ts';
import { together } from '../../aws/together.ts';
import type { FleetItem } from '../../contracts/items.ts';
import {
  type Known,
  type QuotaWorld,
  type RunningInstance,
  targetQuotas,
  targetsGiven,
  templateVersionQuota,
  templateVersionsGiven,
  vcpuQuota,
  vcpuQuotas,
} from '../../fleet/quotas.ts';

/** A look-up that fails is an answer too: the plan tells it, and goes on. */
export async function known<T>(look: Promise<T>): Promise<Known<T>> {
  try {
    return { known: true, value: await look };
  } catch (error) {
    return { known: false, why: `${errorCode(error)}: ${error instanceof Error ? error.message : ''}` };
  }
}

/** Never throws: what could not be read is in the result as such. */
export async function lookAtQuotas(
  fleet: Pick<FleetItem, 'spec' | 'fixed' | 'nextRollout'>,
  quotas: Quotas,
): Promise<QuotaWorld> {
  const { types, spotPercent, maximum } = fleet.spec.instances;
  const vcpu = vcpuQuotas({ types, spotPercent });
  // Live and candidate together.
  const wanted = 2 * maximum > targetsGiven ? [...vcpu, ...Object.values(targetQuotas)] : vcpu;
  const [values, machines, groups, templateVersions] = await together([
    together(wanted.map(async (quota) => [quota.code, await known(quotas.value(quota))] as const)),
    lookAtMachines(new Set(vcpu.map(({ code }) => code)), types, quotas),
    known(quotas.groups()),
    // Each rollout makes one version at most, and the template began with one.
    fleet.nextRollout < templateVersionsGiven ? undefined : lookAtVersions(fleet, quotas),
  ]);
  return { ...machines, quotas: new Map(values), groups, templateVersions };
}

/** Instances that count to one of these quotas, and the vCPUs of their types and of those wanted. */
async function lookAtMachines(
  codes: ReadonlySet<string>,
  types: readonly string[],
  quotas: Quotas,
): Promise<Pick<QuotaWorld, 'running' | 'vcpus'>> {
  const all = await known(quotas.running());
  const counts = ({ type, market }: RunningInstance): boolean =>
    codes.has(vcpuQuota(type, market)?.code ?? '');
  const running = all.known ? { known: true as const, value: all.value.filter(counts) } : all;
  const seen = running.known ? running.value.map(({ type }) => type) : [];
  return { running, vcpus: await known(quotas.vcpus([...new Set([...types, ...seen])])) };
}

async function lookAtVersions(
  fleet: Pick<FleetItem, 'fixed'>,
  quotas: Quotas,
): Promise<Known<{ used: number; quota: number }>> {
  return known(
    together([
      quotas.templateVersions(fleet.fixed.launchTemplateId),
      quotas.value(templateVersionQuota),
    ]).then(([used, quota]) => ({ used, quota })),
  );
}
