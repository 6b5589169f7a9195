/** What runs: single instances, and all that run given images. */
import { DescribeInstancesCommand, type EC2Client, type Instance } from '@aws-sdk/client-ec2';
import { ec2Client } from './clients/ec2.ts';
import { hasCode } from './errors.ts';

export interface RunningInstance {
  readonly id: string;
  readonly state: string;
  readonly imageId: string;
  readonly launchedAt: string | undefined;
  /** From its tags; undefined for an instance that is not ours. */
  readonly fleet: string | undefined;
  /** `v7` */
  readonly release: string | undefined;
}

export interface Running {
  /** Undefined where EC2 does not know it (any more: about an hour after its end). */
  instance(id: string): Promise<RunningInstance | undefined>;
  /** Those of the stack that run one of these images and have not ended. */
  ofImages(stack: string, imageIds: readonly string[]): Promise<readonly RunningInstance[]>;
}

function view(instance: Instance): RunningInstance {
  const tag = (key: string) => instance.Tags?.find(({ Key }) => Key === key)?.Value;
  return {
    id: instance.InstanceId ?? '',
    state: instance.State?.Name ?? '',
    imageId: instance.ImageId ?? '',
    launchedAt: instance.LaunchTime?.toISOString(),
    fleet: tag('flotilla:fleet'),
    release: tag('flotilla:release'),
  };
}

export function openRunning(client: EC2Client = ec2Client()): Running {
  return {
    async instance(id) {
      try {
        const answer = await client.send(new DescribeInstancesCommand({ InstanceIds: [id] }));
        const found = answer.Reservations?.flatMap((one) => one.Instances ?? [])[0];
        return found === undefined ? undefined : view(found);
      } catch (error) {
        if (hasCode(error, 'InvalidInstanceID.NotFound', 'InvalidInstanceID.Malformed')) return undefined;
        throw error;
      }
    },

    async ofImages(stack, imageIds) {
      const found: RunningInstance[] = [];
      // A filter takes 200 values. https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_DescribeInstances.html
      for (let start = 0; start < imageIds.length; start += 200) {
        for (let next: string | undefined; ; ) {
          const answer = await client.send(
            new DescribeInstancesCommand({
              Filters: [
                { Name: 'image-id', Values: imageIds.slice(start, start + 200) },
                { Name: 'tag:flotilla:stack', Values: [stack] },
                { Name: 'instance-state-name', Values: ['pending', 'running', 'shutting-down', 'stopping'] },
              ],
              ...(next === undefined ? {} : { NextToken: next }),
            }),
          );
          found.push(...(answer.Reservations ?? []).flatMap((one) => one.Instances ?? []).map(view));
          next = answer.NextToken;
          if (next === undefined || next === '') break;
        }
      }
      return found;
    },
  };
}
