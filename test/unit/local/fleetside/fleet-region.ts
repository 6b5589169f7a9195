/** A region in virtual time with scripted machines, and short words for what tests do to it. */
import { createHash } from 'node:crypto';
import type { Activity, AutoScalingGroup, CreateAutoScalingGroupType } from '@aws-sdk/client-auto-scaling';
import type { Image } from '@aws-sdk/client-ec2';
import type { TargetHealthDescription } from '@aws-sdk/client-elastic-load-balancing-v2';
import { VirtualClock } from '../../../../local/clock.ts';
import type { RegionEvent } from '../../../../local/context.ts';
import type { MachineScript } from '../../../../local/machines/scripted.ts';
import type { Region } from '../../../../local/region.ts';
import { createRegion } from '../../../../local/region.ts';

export class FleetRegion {
  readonly clock: VirtualClock;
  readonly region: Region;

  constructor(clock: VirtualClock, region: Region) {
    this.clock = clock;
    this.region = region;
  }

  static async create(script: (image: Image) => MachineScript = () => ({})): Promise<FleetRegion> {
    const clock = new VirtualClock();
    const region = await createRegion({ clock, seed: 7 });
    region.context.lag.off();
    region.parts.ec2.instances.machines = script;
    return new FleetRegion(clock, region);
  }

  // biome-ignore lint/suspicious/noExplicitAny: answers are looked into freely by tests
  call(service: string, operation: string, input: unknown): Promise<any> {
    return this.region.call(service, operation, input);
  }

  /** The code of the error that a call ends with. */
  async refusal(service: string, operation: string, input: unknown): Promise<string> {
    try {
      await this.call(service, operation, input);
    } catch (error) {
      return error instanceof Error ? error.name : String(error);
    }
    return 'no error';
  }

  seconds(count: number): Promise<void> {
    return this.clock.advance(count * 1_000);
  }

  /** What is on the event bus from now on, of one source. */
  eventsOf(source: string): RegionEvent[] {
    const seen: RegionEvent[] = [];
    const { hooks } = this.region.context;
    const publish = hooks.publish.bind(hooks);
    (hooks as { publish: typeof publish }).publish = (event) => {
      if (event.source === source) seen.push(event);
      publish(event);
    };
    return seen;
  }

  async snapshot(): Promise<string> {
    const data = Buffer.alloc(524_288, 1);
    const digest = createHash('sha256').update(data).digest();
    const { SnapshotId } = await this.call('ebs', 'StartSnapshot', { VolumeSize: 1 });
    await this.call('ebs', 'PutSnapshotBlock', {
      SnapshotId,
      BlockIndex: 0,
      BlockData: data,
      DataLength: data.length,
      Checksum: digest.toString('base64'),
      ChecksumAlgorithm: 'SHA256',
    });
    await this.call('ebs', 'CompleteSnapshot', { SnapshotId, ChangedBlocksCount: 1 });
    await this.seconds(5);
    return SnapshotId;
  }

  async image(name: string): Promise<string> {
    const SnapshotId = await this.snapshot();
    const { ImageId } = await this.call('ec2', 'RegisterImage', {
      Name: name,
      Architecture: 'x86_64',
      RootDeviceName: '/dev/xvda',
      VirtualizationType: 'hvm',
      EnaSupport: true,
      BlockDeviceMappings: [{ DeviceName: '/dev/xvda', Ebs: { SnapshotId } }],
    });
    await this.seconds(5);
    return ImageId;
  }

  /** @returns a launch template's id. */
  async template(name: string): Promise<string> {
    const ImageId = await this.image(name);
    const LaunchTemplateData = { ImageId, InstanceType: 't3.nano' };
    const made = await this.call('ec2', 'CreateLaunchTemplate', {
      LaunchTemplateName: name,
      LaunchTemplateData,
    });
    return made.LaunchTemplate.LaunchTemplateId;
  }

  /** @returns a target group's ARN, checked every 5 s, draining for 20 s. */
  async targetGroup(name: string): Promise<string> {
    const made = await this.call('elasticloadbalancing', 'CreateTargetGroup', {
      Name: name,
      Protocol: 'HTTP',
      Port: 8080,
      VpcId: this.region.parts.ec2.network.vpcId,
      HealthCheckIntervalSeconds: 5,
      HealthCheckTimeoutSeconds: 2,
      HealthyThresholdCount: 2,
      UnhealthyThresholdCount: 2,
    });
    const TargetGroupArn = made.TargetGroups[0].TargetGroupArn;
    await this.call('elasticloadbalancing', 'ModifyTargetGroupAttributes', {
      TargetGroupArn,
      Attributes: [{ Key: 'deregistration_delay.timeout_seconds', Value: '20' }],
    });
    return TargetGroupArn;
  }

  async rule(priority: number, weights: Readonly<Record<string, number>>): Promise<string> {
    const made = await this.call('elasticloadbalancing', 'CreateRule', {
      ListenerArn: this.region.parts.elbv2.defaultListener.arn,
      Priority: priority,
      Conditions: [{ Field: 'path-pattern', Values: ['/*'] }],
      Actions: [forward(weights)],
    });
    return made.Rules[0].RuleArn;
  }

  async group(
    name: string,
    templateId: string,
    more: Partial<CreateAutoScalingGroupType> = {},
  ): Promise<void> {
    await this.call('autoscaling', 'CreateAutoScalingGroup', {
      AutoScalingGroupName: name,
      LaunchTemplate: { LaunchTemplateId: templateId, Version: '1' },
      VPCZoneIdentifier: this.region.parts.ec2.network.subnets.map((subnet) => subnet.subnetId).join(','),
      MinSize: 1,
      MaxSize: 4,
      DesiredCapacity: 1,
      ...more,
    });
  }

  async describe(name: string): Promise<AutoScalingGroup | undefined> {
    const found = await this.call('autoscaling', 'DescribeAutoScalingGroups', {
      AutoScalingGroupNames: [name],
    });
    return found.AutoScalingGroups[0];
  }

  async activities(name: string): Promise<Activity[]> {
    const found = await this.call('autoscaling', 'DescribeScalingActivities', { AutoScalingGroupName: name });
    return found.Activities;
  }

  async health(targetGroupArn: string): Promise<TargetHealthDescription[]> {
    const found = await this.call('elasticloadbalancing', 'DescribeTargetHealth', {
      TargetGroupArn: targetGroupArn,
    });
    return found.TargetHealthDescriptions;
  }

  async healthStates(targetGroupArn: string): Promise<(string | undefined)[]> {
    return (await this.health(targetGroupArn)).map((one) => one.TargetHealth?.State);
  }

  /** Where `count` requests would go, by the name of the target group; `none` where nothing takes them. */
  traffic(count: number): Record<string, number> {
    const seen: Record<string, number> = {};
    for (let index = 0; index < count; index += 1) {
      const route = this.region.parts.elbv2.route({
        host: 'localhost',
        target: '/',
        method: 'GET',
        headers: {},
        sourceIp: '127.0.0.1',
      });
      const name = route.kind === 'forward' ? route.group.name : route.kind;
      seen[name] = (seen[name] ?? 0) + 1;
    }
    return seen;
  }
}

export function forward(weights: Readonly<Record<string, number>>): object {
  const TargetGroups = Object.entries(weights).map(([TargetGroupArn, Weight]) => ({
    TargetGroupArn,
    Weight,
  }));
  return { Type: 'forward', ForwardConfig: { TargetGroups } };
}
