/** What of the account's quotas is used, and what they allow. */
import { type AutoScalingClient, DescribeAccountLimitsCommand } from '@aws-sdk/client-auto-scaling';
import {
  type _InstanceType,
  DescribeInstancesCommand,
  DescribeInstanceTypesCommand,
  DescribeLaunchTemplatesCommand,
  type EC2Client,
} from '@aws-sdk/client-ec2';
import { GetServiceQuotaCommand, type ServiceQuotasClient } from '@aws-sdk/client-service-quotas';
import type { QuotaRef, RunningInstance, Usage } from '../fleet/quotas.ts';
import { autoScalingClient } from './clients/auto-scaling.ts';
import { ec2Client } from './clients/ec2.ts';
import { serviceQuotasClient } from './clients/service-quotas.ts';

export interface Quotas {
  /** The value that counts in this account and region. */
  value(quota: QuotaRef): Promise<number>;
  /** Every instance that is pending or running. */
  running(): Promise<RunningInstance[]>;
  /** Default vCPUs of these types. */
  vcpus(types: readonly string[]): Promise<ReadonlyMap<string, number>>;
  /** Auto Scaling groups: one call tells both. */
  groups(): Promise<Usage>;
  /** The number of a launch template's newest version; we remove none, so that it is how many there are. */
  templateVersions(launchTemplateId: string): Promise<number>;
}

/** The most that one page of DescribeInstances holds. */
const instancesAPage = 1_000;
/** The most types that one call of DescribeInstanceTypes takes. */
const typesACall = 100;

export function openQuotas(
  clients: {
    readonly quotas: ServiceQuotasClient;
    readonly ec2: EC2Client;
    readonly groups: AutoScalingClient;
  } = { quotas: serviceQuotasClient(), ec2: ec2Client(), groups: autoScalingClient() },
): Quotas {
  return {
    async value({ service, code }) {
      const { Quota } = await clients.quotas.send(
        new GetServiceQuotaCommand({ ServiceCode: service, QuotaCode: code }),
      );
      if (Quota?.Value === undefined) throw new Error(Quota?.ErrorReason?.ErrorMessage ?? 'it has no value');
      return Quota.Value;
    },

    async running() {
      const running: RunningInstance[] = [];
      for (let next: string | undefined; ; ) {
        const answer = await clients.ec2.send(
          new DescribeInstancesCommand({
            Filters: [{ Name: 'instance-state-name', Values: ['pending', 'running'] }],
            MaxResults: instancesAPage,
            ...(next === undefined ? {} : { NextToken: next }),
          }),
        );
        for (const { Instances = [] } of answer.Reservations ?? []) {
          for (const { InstanceId = '', InstanceType = '', InstanceLifecycle } of Instances) {
            // Capacity blocks count to no vCPU quota; a missing lifecycle is On-Demand.
            if (InstanceLifecycle !== undefined && InstanceLifecycle !== 'spot') continue;
            const market = InstanceLifecycle === 'spot' ? 'spot' : 'on-demand';
            running.push({ id: InstanceId, type: InstanceType, market });
          }
        }
        next = answer.NextToken;
        if (next === undefined || next === '') return running;
      }
    },

    async vcpus(types) {
      const found = new Map<string, number>();
      for (let from = 0; from < types.length; from += typesACall) {
        const { InstanceTypes = [] } = await clients.ec2.send(
          new DescribeInstanceTypesCommand({
            // The SDK's enum is older than the newest types.
            InstanceTypes: types.slice(from, from + typesACall) as _InstanceType[],
          }),
        );
        for (const { InstanceType, VCpuInfo } of InstanceTypes) {
          if (InstanceType !== undefined && VCpuInfo?.DefaultVCpus !== undefined)
            found.set(InstanceType, VCpuInfo.DefaultVCpus);
        }
      }
      return found;
    },

    async groups() {
      const answer = await clients.groups.send(new DescribeAccountLimitsCommand({}));
      const { NumberOfAutoScalingGroups: used, MaxNumberOfAutoScalingGroups: quota } = answer;
      if (used === undefined || quota === undefined) throw new Error('Auto Scaling tells no limits');
      return { used, quota };
    },

    async templateVersions(launchTemplateId) {
      const { LaunchTemplates = [] } = await clients.ec2.send(
        new DescribeLaunchTemplatesCommand({ LaunchTemplateIds: [launchTemplateId] }),
      );
      const newest = LaunchTemplates[0]?.LatestVersionNumber;
      if (newest === undefined) throw new Error(`there is no launch template ${launchTemplateId}`);
      return newest;
    },
  };
}
