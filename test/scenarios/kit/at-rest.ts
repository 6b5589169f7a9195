/** What must hold of every fleet once nothing is going on any more. */
import type { Fleet } from './fleet.ts';

const lifetimeSeconds = 7 * 24 * 3_600;
/** An instance's successor is launched, proven and warmed up before it goes; a machine at its end may wait its turn. */
const replacementSeconds = 3_600;

async function instancesAlive(world: Fleet['world']): Promise<{ InstanceId: string; LaunchTime: Date }[]> {
  const { Reservations } = await world.call('ec2', 'DescribeInstances', {});
  return Reservations.flatMap(
    ({ Instances }: { Instances: { InstanceId: string; LaunchTime: Date; State: { Name: string } }[] }) =>
      Instances,
  ).filter(({ State }: { State: { Name: string } }) => State.Name !== 'terminated');
}

/** Which instances run for longer than a fleet's may, in words. */
export async function instancesPastTheirTime(world: Fleet['world']): Promise<string[]> {
  const oldest = world.clock.now() - (lifetimeSeconds + replacementSeconds) * 1_000;
  return (await instancesAlive(world))
    .filter(({ LaunchTime }) => LaunchTime.getTime() < oldest)
    .map(({ InstanceId, LaunchTime }) => `${InstanceId} runs since ${LaunchTime.toISOString()}`);
}

/** @returns what is not as it should be, in words; empty when all is well */
export async function unrest(fleets: readonly Fleet[]): Promise<string[]> {
  const found: string[] = [];
  const [{ world } = { world: undefined }] = fleets;
  if (world === undefined) return found;
  const groups = new Set<string>();
  let desired = 0;
  for (const fleet of fleets) {
    const say = (words: string): unknown => found.push(`${fleet.name}: ${words}`);
    const item = await fleet.item();
    if (item.lease !== null) say(`a lease is held: ${JSON.stringify(item.lease)}`);
    if (item.candidate !== null) say('there is a candidate');
    if (item.gate !== null) say('a gate is open');
    if (item.pins.length > 0) say(`pinned: ${JSON.stringify(item.pins)}`);
    if (item.queue.length > 0) say('somebody waits');
    if (item.live === null) say('nothing is live');
    for (const one of [item.live, item.warm]) if (one != null) groups.add(one.groupName);
    const weights = await fleet.weights();
    const other = item.live?.slot === 'blue' ? 'green' : 'blue';
    if (item.live !== null && (weights[item.live.slot] !== 100 || weights[other] !== 0))
      say(`live is ${item.live.slot}, and the weights are ${JSON.stringify(weights)}`);
  }
  const { AutoScalingGroups } = await world.call('autoscaling', 'DescribeAutoScalingGroups', {
    MaxRecords: 100,
  });
  for (const group of AutoScalingGroups) {
    desired += group.DesiredCapacity;
    if (!groups.has(group.AutoScalingGroupName)) found.push(`left over: ${group.AutoScalingGroupName}`);
    if (group.Instances.length !== group.DesiredCapacity)
      found.push(`${group.AutoScalingGroupName} has ${group.Instances.length} of ${group.DesiredCapacity}`);
  }
  const alive = await instancesAlive(world);
  if (alive.length !== desired) found.push(`${alive.length} instances for ${desired} that are wanted`);
  found.push(...(await instancesPastTheirTime(world)));
  const { stateMachines } = await world.call('states', 'ListStateMachines', {});
  for (const { stateMachineArn, name } of stateMachines) {
    const { executions } = await world.call('states', 'ListExecutions', {
      stateMachineArn,
      statusFilter: 'RUNNING',
    });
    if (executions.length > 0) found.push(`${executions.length} executions of ${name} still run`);
  }
  for (const { functionName } of world.region.parts.lambda.loose)
    found.push(`${functionName} answered before its calls did`);
  return found;
}
