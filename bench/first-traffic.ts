/**
 * How soon an upload has traffic, in virtual time: how long AWS takes for what only AWS can do, as the region simulates
 * it, and how long the rest takes, which is ours. Functions take no time there but what they wait for.
 */

import { Doors, program } from '../test/scenarios/kit/doors.ts';

export interface FirstTraffic {
  /** From the moment at which the object stood in the bucket. */
  readonly seconds: number;
  /** What AWS takes, in order. */
  readonly aws: readonly { readonly what: string; readonly seconds: number }[];
  /** What lies between, in order: our polls' intervals, our waits, our functions' retries. */
  readonly ours: readonly { readonly what: string; readonly seconds: number }[];
}

/** How often the world is looked at. */
const stepSeconds = 0.1;
/** As a fleet of the has it: two checks, five seconds apart. */
const healthCheck = { path: '/health', intervalSeconds: 5, healthyThreshold: 2, deadlineSeconds: 120 };

export async function measureFirstTraffic(seed: number): Promise<FirstTraffic> {
  const doors = await Doors.open({ healthCheck }, {}, seed);
  try {
    return await measure(doors);
  } finally {
    await doors.close();
  }
}

async function measure(doors: Doors): Promise<FirstTraffic> {
  const { world } = doors;
  const { fixed } = await doors.fleet();
  const began = world.clock.now();
  const at = new Map<string, number>();
  const note = (what: string, holds: boolean): void => {
    if (holds && !at.has(what)) at.set(what, (world.clock.now() - began) / 1000);
  };
  const calls = (action: string): number =>
    world.region.log.list().filter((call) => call.action === action && call.at >= began).length;
  await doors.upload('web/first', program('first'));
  while (!at.has('traffic')) {
    if (world.clock.now() - began > 600_000) throw new Error(`no traffic: ${JSON.stringify([...at])}`);
    await world.seconds(stepSeconds);
    note('sealing', calls('ebs:CompleteSnapshot') > 0);
    const { Snapshots } = await world.call('ec2', 'DescribeSnapshots', { OwnerIds: ['self'] });
    note(
      'sealed',
      Snapshots.some(({ State }: { State: string }) => State === 'completed'),
    );
    note('registering', calls('ec2:RegisterImage') > 0);
    const { Images } = await world.call('ec2', 'DescribeImages', { Owners: ['self'] });
    note(
      'available',
      Images.some(({ State }: { State: string }) => State === 'available'),
    );
    note('launching', calls('autoscaling:CreateAutoScalingGroup') > 0);
    const { TargetHealthDescriptions: targets } = await world.call(
      'elasticloadbalancing',
      'DescribeTargetHealth',
      { TargetGroupArn: fixed.blueArn },
    );
    note('registered', targets.length > 0);
    note(
      'healthy',
      targets.length > 0 &&
        targets.every(
          ({ TargetHealth }: { TargetHealth: { State: string } }) => TargetHealth.State === 'healthy',
        ),
    );
    note('traffic', calls('elasticloadbalancing:ModifyRule') > 0);
  }
  const moment = (what: string): number => at.get(what) ?? 0;
  const secondCheck = moment('healthy') + healthCheck.intervalSeconds;
  const aws = [
    { what: 'the snapshot is sealed', from: moment('sealing'), to: moment('sealed') },
    { what: 'the image becomes available', from: moment('registering'), to: moment('available') },
    { what: 'an instance boots and is registered', from: moment('launching'), to: moment('registered') },
    { what: 'its first health check', from: moment('registered'), to: moment('healthy') },
    { what: 'its second, an interval later', from: moment('healthy'), to: secondCheck },
  ];
  const ours = [
    { what: 'inspect, plan, write the snapshot', from: 0, to: moment('sealing') },
    { what: 'see that it is sealed', from: moment('sealed'), to: moment('registering') },
    {
      what: 'see three times that the image is available, and plan',
      from: moment('available'),
      to: moment('launching'),
    },
    { what: 'see that it is healthy twice, and shift', from: secondCheck, to: moment('traffic') },
  ];
  const lasting = (parts: readonly { what: string; from: number; to: number }[]) =>
    parts.map(({ what, from, to }) => ({ what, seconds: Math.max(0, to - from) }));
  return { seconds: moment('traffic'), aws: lasting(aws), ours: lasting(ours) };
}
