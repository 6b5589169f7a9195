/** Single instances: where they listen, and their last words. */
import { DescribeInstancesCommand, type EC2Client, GetConsoleOutputCommand } from '@aws-sdk/client-ec2';
import { ec2Client } from './clients/ec2.ts';
import { hasCode } from './errors.ts';

export interface Instances {
  /** The last lines of an instance's console; empty where there is none (yet, or any more). */
  consoleTail(instanceId: string, lines: number): Promise<string[]>;
  /** Private addresses by instance id; an instance that is gone is absent. */
  addresses(instanceIds: readonly string[]): Promise<ReadonlyMap<string, string>>;
}

export function openInstances(client: EC2Client = ec2Client()): Instances {
  return {
    async consoleTail(instanceId, lines) {
      try {
        const { Output = '' } = await client.send(
          new GetConsoleOutputCommand({ InstanceId: instanceId, Latest: true }),
        );
        return Buffer.from(Output, 'base64')
          .toString('utf8')
          .split(/\r?\n/)
          .filter((line) => line.trim() !== '')
          .slice(-lines);
      } catch (error) {
        // The console is a help to the reader, never a reason to fail: older types refuse `Latest`, and an
        // instance may be gone. The verdict itself stands without it; a missing right must be told.
        if (hasCode(error, 'UnauthorizedOperation')) console.warn((error as Error).message);
        return [];
      }
    },

    async addresses(instanceIds) {
      // EC2 takes an empty list for all of the account's.
      if (instanceIds.length === 0) return new Map();
      const { Reservations = [] } = await client.send(
        new DescribeInstancesCommand({ InstanceIds: [...instanceIds] }),
      );
      const found = Reservations.flatMap(({ Instances: instances = [] }) => instances);
      return new Map(
        found.flatMap(({ InstanceId, PrivateIpAddress }) =>
          InstanceId === undefined || PrivateIpAddress === undefined ? [] : [[InstanceId, PrivateIpAddress]],
        ),
      );
    },
  };
}
