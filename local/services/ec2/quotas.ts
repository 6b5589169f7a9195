/**
 * EC2's quotas. On-Demand and Spot vCPUs are counted apart, each by group of families; all families of the region
 * are "Standard". https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/ec2-on-demand-instances.html and
 * https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/using-spot-limits.html
 */
import type { Quota } from '../servicequotas/quota.ts';
import { quota } from '../servicequotas/quota.ts';

/** Raised from a new account's 5: with those nothing could be tried. */
const vcpusHere = 640;

export interface Ec2Quotas {
  readonly onDemandStandard: Quota;
  readonly spotStandard: Quota;
  readonly images: Quota;
  readonly launchTemplates: Quota;
  readonly templateVersions: Quota;
}

export function ec2Quotas(): Ec2Quotas {
  return {
    onDemandStandard: quota(
      'ec2',
      'L-1216C47A',
      'Running On-Demand Standard (A, C, D, H, I, M, R, T, Z) instances',
      5,
      { value: vcpusHere },
    ),
    spotStandard: quota(
      'ec2',
      'L-34B43A08',
      'All Standard (A, C, D, H, I, M, R, T, Z) Spot Instance Requests',
      5,
      { value: vcpusHere },
    ),
    images: quota('ec2', 'L-B665C33B', 'AMIs', 50_000),
    launchTemplates: quota('ec2', 'L-FB451C26', 'Launch templates', 5_000),
    templateVersions: quota('ec2', 'L-142B4294', 'Launch template versions', 10_000),
  };
}
