/** The one instance of a smoke boot: launched once however often that is asked, found by its tags, and ended. */
import {
  type _InstanceType,
  DescribeInstancesCommand,
  type EC2Client,
  type InstanceStateName,
  RunInstancesCommand,
  TerminateInstancesCommand,
} from '@aws-sdk/client-ec2';
import type { BootPlace } from '../contracts/items.ts';
import { errorCode, hasCode } from './errors.ts';
import type { Prospect } from './waiting.ts';

/** The tag that tells instances of smoke boots from those of fleets: only these are ever ended by hand. */
export const bootTag = 'flotilla:smoke-boot';

export interface BootLaunch {
  readonly place: BootPlace;
  readonly imageId: string;
  readonly securityGroups: readonly string[];
  readonly profile: string | undefined;
  /** At most 64 characters; a repeat with the same parameters is the same instance. */
  readonly clientToken: string;
  readonly tags: Readonly<Record<string, string>>;
}

/** What each state means to somebody who waits for an instance to run; all but two are its end. */
export const instanceProspect = {
  pending: 'waiting',
  running: 'reached',
  'shutting-down': 'hopeless',
  stopped: 'hopeless',
  stopping: 'hopeless',
  terminated: 'hopeless',
} as const satisfies Record<InstanceStateName, Prospect>;

export interface BootInstance {
  readonly id: string;
  readonly prospect: Prospect;
  readonly state: string;
  /** EC2's reason for the state. */
  readonly reason: string;
  readonly address: string | undefined;
}

export interface BootInstances {
  /**
   * `no-room`: this place cannot have it, now or ever; another may. `was-ended`: the call before had launched it, which
   * nobody heard of, and it has been terminated since.
   */
  launch(
    wanted: BootLaunch,
  ): Promise<
    | { readonly outcome: 'launched'; readonly instanceId: string }
    | { readonly outcome: 'no-room' | 'was-ended'; readonly reason: string }
  >;
  /** Undefined while, or where, EC2 knows none. */
  describe(instanceId: string): Promise<BootInstance | undefined>;
  /** Those of a smoke boot that have not ended. The listing may lag behind by some seconds. */
  find(stack: string, boot: string): Promise<string[]>;
  /** Ends an instance; one that is gone already is as good. */
  terminate(instanceId: string): Promise<'terminated' | 'absent'>;
}

/**
 * No capacity, a quota, a type that the zone lacks, or an account that may not have Spot Instances.
 * https://docs.aws.amazon.com/AWSEC2/latest/APIReference/errors-overview.html
 * https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/service-linked-roles-spot-instance-requests.html
 */
const noRoom = [
  'AuthFailure.ServiceLinkedRoleCreationNotPermitted',
  'InstanceLimitExceeded',
  'InsufficientFreeAddressesInSubnet',
  'InsufficientHostCapacity',
  'InsufficientInstanceCapacity',
  'MaxSpotInstanceCountExceeded',
  'SpotMaxPriceTooLow',
  'Unsupported',
  'VcpuLimitExceeded',
] as const;

export function openBootInstances(client: EC2Client): BootInstances {
  return {
    async launch({ place, imageId, securityGroups, profile, clientToken, tags }) {
      const set = Object.entries(tags).map(([Key, Value]) => ({ Key, Value }));
      try {
        const { Instances = [] } = await client.send(
          new RunInstancesCommand({
            ImageId: imageId,
            InstanceType: place.instanceType as _InstanceType, // the SDK's enum is older than the newest types
            SubnetId: place.subnetId,
            SecurityGroupIds: [...securityGroups],
            MinCount: 1,
            MaxCount: 1,
            ClientToken: clientToken,
            // A program that ends ends its instance: nothing stopped stays behind.
            InstanceInitiatedShutdownBehavior: 'terminate',
            MetadataOptions: { HttpEndpoint: 'enabled', HttpTokens: 'required', HttpPutResponseHopLimit: 1 },
            ...(profile === undefined ? {} : { IamInstanceProfile: { Name: profile } }),
            ...(place.market === 'on-demand'
              ? {}
              : {
                  InstanceMarketOptions: {
                    MarketType: 'spot' as const,
                    SpotOptions: {
                      SpotInstanceType: 'one-time' as const,
                      InstanceInterruptionBehavior: 'terminate' as const,
                    },
                  },
                }),
            TagSpecifications: [
              { ResourceType: 'instance', Tags: set },
              { ResourceType: 'volume', Tags: set },
            ],
          }),
        );
        const instanceId = Instances[0]?.InstanceId;
        if (instanceId === undefined) throw new Error('RunInstances answered without an instance');
        return { outcome: 'launched', instanceId };
      } catch (error) {
        const reason = `${errorCode(error)}: ${(error as Error).message}`;
        // https://docs.aws.amazon.com/AWSEC2/latest/APIReference/errors-overview.html
        if (hasCode(error, 'IdempotentInstanceTerminated')) return { outcome: 'was-ended', reason };
        if (!hasCode(error, ...noRoom)) throw error;
        return { outcome: 'no-room', reason };
      }
    },

    async describe(instanceId) {
      try {
        const answer = await client.send(new DescribeInstancesCommand({ InstanceIds: [instanceId] }));
        const found = answer.Reservations?.flatMap((one) => one.Instances ?? [])[0];
        if (found === undefined) return undefined;
        const state = found.State?.Name ?? 'pending';
        return {
          id: instanceId,
          prospect: Object.hasOwn(instanceProspect, state) ? instanceProspect[state] : 'waiting',
          state,
          reason: found.StateReason?.Message ?? '',
          address: found.PrivateIpAddress,
        };
      } catch (error) {
        if (hasCode(error, 'InvalidInstanceID.NotFound')) return undefined;
        throw error;
      }
    },

    async find(stack, boot) {
      const answer = await client.send(
        new DescribeInstancesCommand({
          Filters: [
            { Name: 'tag:flotilla:stack', Values: [stack] },
            { Name: `tag:${bootTag}`, Values: [boot] },
            { Name: 'instance-state-name', Values: ['pending', 'running', 'stopping', 'stopped'] },
          ],
        }),
      );
      const found = (answer.Reservations ?? []).flatMap((one) => one.Instances ?? []);
      return found.flatMap(({ InstanceId }) => InstanceId ?? []);
    },

    async terminate(instanceId) {
      try {
        await client.send(new TerminateInstancesCommand({ InstanceIds: [instanceId] }));
        return 'terminated';
      } catch (error) {
        if (hasCode(error, 'InvalidInstanceID.NotFound')) return 'absent';
        throw error;
      }
    },
  };
}
