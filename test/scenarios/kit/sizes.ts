/** Sizes of a fleet's groups, as Auto Scaling and the load balancer tell them; and hands that change them. */
import type { Fleet } from './fleet.ts';

/** How many targets of a slot are healthy. */
export async function healthyIn(fleet: Fleet, slot: 'blue' | 'green'): Promise<number> {
  return (await healthyTargets(fleet, slot)).length;
}

/** Instances that the load balancer calls healthy. */
export async function healthyTargets(fleet: Fleet, slot: 'blue' | 'green'): Promise<string[]> {
  const { fixed } = await fleet.item();
  const { TargetHealthDescriptions } = await fleet.world.call(
    'elasticloadbalancing',
    'DescribeTargetHealth',
    { TargetGroupArn: fixed[`${slot}Arn`] },
  );
  return TargetHealthDescriptions.filter(
    ({ TargetHealth }: { TargetHealth: { State: string } }) => TargetHealth.State === 'healthy',
  ).map(({ Target }: { Target: { Id: string } }) => Target.Id);
}

/** As somebody would in the console, who changes whatever bound is in the way. */
export async function setSize(fleet: Fleet, name: string, size: number): Promise<void> {
  const { AutoScalingGroups } = await fleet.world.call('autoscaling', 'DescribeAutoScalingGroups', {
    AutoScalingGroupNames: [name],
  });
  const [{ MinSize, MaxSize }] = AutoScalingGroups;
  await fleet.world.call('autoscaling', 'UpdateAutoScalingGroup', {
    AutoScalingGroupName: name,
    MinSize: Math.min(MinSize, size),
    MaxSize: Math.max(MaxSize, size),
    DesiredCapacity: size,
  });
}

/** Lets time pass until a slot has so much weight. */
export async function untilWeight(
  fleet: Fleet,
  slot: 'blue' | 'green',
  weight: number,
  withinSeconds = 300,
): Promise<void> {
  for (let passed = 0; passed < withinSeconds; passed += 1) {
    if ((await fleet.weights())[slot] === weight) return;
    await fleet.world.seconds(1);
  }
  throw new Error(`${slot} did not get ${weight} %`);
}
