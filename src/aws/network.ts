/** Subnets and security groups that a spec names: looked at before anything is made of them. */
import { DescribeSecurityGroupsCommand, DescribeSubnetsCommand, type EC2Client } from '@aws-sdk/client-ec2';
import { ec2Client } from './clients/ec2.ts';
import { errorCode } from './errors.ts';

export interface Network {
  /** Why these cannot be used in the VPC, one line each; nothing where the spec names none. */
  problems(
    wanted: {
      readonly subnets?: readonly string[] | undefined;
      readonly securityGroups?: readonly string[] | undefined;
    },
    vpcId: string,
  ): Promise<readonly string[]>;
}

const missing = /^Invalid(Subnet|SubnetID|Group|GroupId|SecurityGroupID)\.(NotFound|Malformed)$/;

export function openNetwork(client: EC2Client = ec2Client()): Network {
  async function check(
    field: string,
    vpcId: string,
    look: () => Promise<readonly { id: string | undefined; vpcId: string | undefined }[]>,
  ): Promise<string[]> {
    try {
      const found = await look();
      return found
        .filter((one) => one.vpcId !== vpcId)
        .map((one) => `instances.${field}: ${one.id} is in ${one.vpcId}, the load balancer in ${vpcId}`);
    } catch (error) {
      if (missing.test(errorCode(error))) return [`instances.${field}: ${(error as Error).message}`];
      throw error;
    }
  }

  return {
    async problems({ subnets = [], securityGroups = [] }, vpcId) {
      const inSubnets =
        subnets.length === 0
          ? []
          : await check('subnets', vpcId, async () => {
              const answer = await client.send(new DescribeSubnetsCommand({ SubnetIds: [...subnets] }));
              return (answer.Subnets ?? []).map((one) => ({ id: one.SubnetId, vpcId: one.VpcId }));
            });
      const inGroups =
        securityGroups.length === 0
          ? []
          : await check('securityGroups', vpcId, async () => {
              const answer = await client.send(
                new DescribeSecurityGroupsCommand({ GroupIds: [...securityGroups] }),
              );
              return (answer.SecurityGroups ?? []).map((one) => ({ id: one.GroupId, vpcId: one.VpcId }));
            });
      return [...inSubnets, ...inGroups];
    },
  };
}
