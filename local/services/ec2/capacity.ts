/** Whether EC2 has room for a launch: the account's quotas, and what the zones can give. */
import { AwsError } from '../../service.ts';
import type { InstanceRecord } from './instance-record.ts';
import { isUp } from './instance-record.ts';
import type { LaunchSpec } from './launch.ts';
import type { Ec2Quotas } from './quotas.ts';

/** A pool without capacity; what is left out means every one. */
export interface Shortage {
  readonly zone?: string;
  /** For example `t3.nano`. */
  readonly type?: string;
  readonly market?: 'on-demand' | 'spot';
}

/**
 * Checks a launch of `count` instances alike.
 * @throws VcpuLimitExceeded, MaxSpotInstanceCountExceeded, InsufficientInstanceCapacity
 */
export function requireCapacity(
  spec: LaunchSpec,
  count: number,
  world: {
    readonly instances: Iterable<InstanceRecord>;
    readonly quotas: Ec2Quotas;
    readonly shortages: readonly Shortage[];
    readonly zones: readonly string[];
  },
): void {
  let used = 0;
  for (const one of world.instances)
    if (one.spec.market === spec.market && isUp(one)) used += one.spec.type.vcpus;
  const { onDemandStandard, spotStandard } = world.quotas;
  const limit = spec.market === 'spot' ? spotStandard.value : onDemandStandard.value;
  if (used + count * spec.type.vcpus > limit) {
    if (spec.market === 'spot')
      throw new AwsError('MaxSpotInstanceCountExceeded', 'Max spot instance count exceeded');
    throw new AwsError(
      'VcpuLimitExceeded',
      `You have requested more vCPU capacity than your current vCPU limit of ${limit} allows for the instance bucket that the specified instance type belongs to. Please visit http://aws.amazon.com/contact-us/ec2-request to request an adjustment to this limit.`,
    );
  }
  const { zone } = spec.subnet;
  const short = (where: string): boolean =>
    world.shortages.some(
      (one) =>
        (one.zone ?? where) === where &&
        (one.type ?? spec.type.name) === spec.type.name &&
        (one.market ?? spec.market) === spec.market,
    );
  if (!short(zone)) return;
  if (spec.market === 'spot') {
    throw new AwsError(
      'InsufficientInstanceCapacity',
      'There is no Spot capacity available that matches your request.',
      500,
    );
  }
  const elsewhere = world.zones.filter((one) => !short(one));
  const advice =
    elsewhere.length === 0
      ? ''
      : ` You can currently get ${spec.type.name} capacity by not specifying an Availability Zone in your request or choosing ${elsewhere.join(', ')}.`;
  throw new AwsError(
    'InsufficientInstanceCapacity',
    `We currently do not have sufficient ${spec.type.name} capacity in the Availability Zone you requested (${zone}). Our system will be working on provisioning additional capacity.${advice}`,
    500,
  );
}
