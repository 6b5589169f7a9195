/** Long runs in virtual time: many rollouts one after the other, and a month of ten fleets. */
import { createHash } from 'node:crypto';
import { Random } from '../../../local/random.ts';
import { unrest } from './at-rest.ts';
import { Fleet, minute } from './fleet.ts';
import { Watch } from './watch.ts';

export interface Simulated {
  readonly rollouts: number;
  /** How they ended: by status, and by the error's name. */
  readonly ends: Readonly<Record<string, number>>;
  readonly virtualSeconds: number;
  readonly calls: number;
  readonly invocations: number;
  /** What was not as it should be afterwards. */
  readonly unrest: readonly string[];
  /** Of the table's items: the same seed gives the same. */
  readonly digest: string;
}

const hour = 60 * minute;
const day = 24 * hour;

/** As many rollouts of one fleet; one in five candidates never becomes healthy, or fails while it bakes. */
export async function manyRollouts(count: number, seed: number): Promise<Simulated> {
  const fleet = await Fleet.create({}, { seed });
  // Its own, so that the same candidates are ill whatever else the region decides by chance.
  const random = new Random(seed);
  const ends: Record<string, number> = {};
  for (let index = 0; index < count; index += 1) {
    const ill = index > 0 && random.integer(5) === 0;
    const script = random.integer(2) === 0 ? { healthy: false } : { healthy: (ms: number) => ms < 45_000 };
    const end = await fleet.deploy(await fleet.image(`image-${index}`, ill ? script : {}));
    const told = end.error ?? end.status;
    ends[told] = (ends[told] ?? 0) + 1;
    if ((end.status === 'FAILED') !== ill) ends.unexpected = (ends.unexpected ?? 0) + 1;
  }
  // What was kept warm is retired by now.
  await fleet.world.seconds(15 * minute);
  return simulated([fleet], ends);
}

/**
 * Thirty days of ten fleets: each is deployed every ten days, its instances are replaced each week, an alarm watches
 * each, and on some days an instance dies. What must hold always is watched, and each evening every fleet is at rest.
 * @param sweepMinutes how often the sweepers run instead of as shipped; they are what a quiet month consists of
 */
export async function monthOfFleets(
  seed: number,
  sweepMinutes: number | undefined,
  days = 30,
): Promise<Simulated> {
  const first = await Fleet.create({}, { seed });
  const { world } = first;
  const { random } = world.region.context;
  if (sweepMinutes !== undefined) await sweepEvery(first, sweepMinutes);
  const fleets = [first];
  while (fleets.length < 10) fleets.push(await first.beside(`fleet-${fleets.length}`));
  for (const { name } of fleets) {
    await world.call('monitoring', 'PutMetricAlarm', {
      AlarmName: `${name}-errors`,
      Namespace: 'app',
      MetricName: 'errors',
      Dimensions: [{ Name: 'fleet', Value: name }],
      Statistic: 'Sum',
      Period: 60,
      EvaluationPeriods: 1,
      Threshold: 10,
      ComparisonOperator: 'GreaterThanThreshold',
      TreatMissingData: 'notBreaching',
    });
  }
  const ends: Record<string, number> = {};
  const watch = await Watch.over(fleets, 30 * minute);
  const found: string[] = [];
  const began = world.clock.now();
  for (let today = 0; today < days; today += 1) {
    watch.every(20);
    for (const [index, fleet] of fleets.entries()) {
      if (today % 10 !== index % 10 && today !== 0) continue;
      const ill = today > 0 && random.integer(5) === 0;
      const end = await fleet.deploy(await fleet.image(`${fleet.name}-${today}`, { healthy: !ill }));
      const told = end.error ?? end.status;
      ends[told] = (ends[told] ?? 0) + 1;
    }
    watch.every(30 * minute);
    const { Reservations } = await world.call('ec2', 'DescribeInstances', {
      Filters: [{ Name: 'instance-state-name', Values: ['running'] }],
    });
    const running = Reservations.flatMap(
      ({ Instances }: { Instances: { InstanceId: string }[] }) => Instances,
    );
    if (today % 3 === 2)
      world.region.faults.inject({
        kind: 'kill-instance',
        instance: running[random.integer(running.length)].InstanceId,
      });
    await world.seconds(Math.max(0, (began - world.clock.now()) / 1_000 + (today + 1) * day));
    found.push(...(await unrest(fleets)).map((words) => `day ${today + 1}: ${words}`));
  }
  return simulated(fleets, ends, [...found, ...watch.found]);
}

async function sweepEvery({ world }: Fleet, minutes: number): Promise<void> {
  const { Rules } = await world.call('events', 'ListRules', {});
  for (const { Name, ScheduleExpression } of Rules) {
    if (ScheduleExpression !== undefined)
      await world.call('events', 'PutRule', { Name, ScheduleExpression: `rate(${minutes} minutes)` });
  }
}

async function simulated(
  fleets: readonly Fleet[],
  ends: Record<string, number>,
  seen: readonly string[] = [],
): Promise<Simulated> {
  const [first] = fleets;
  if (first === undefined) throw new Error('no fleet');
  const { world } = first;
  const found = [...seen, ...(await unrest(fleets))];
  const { Items } = await world.call('dynamodb', 'Scan', { TableName: 'flotilla' });
  const result: Simulated = {
    rollouts: Object.entries(ends).reduce((sum, [end, many]) => (end === 'unexpected' ? sum : sum + many), 0),
    ends,
    virtualSeconds: (world.clock.now() - Date.UTC(2026, 0, 1)) / 1_000,
    calls: world.region.log.total,
    invocations: world.invoked.length,
    unrest: found,
    digest: createHash('sha256').update(JSON.stringify(Items)).digest('hex'),
  };
  await world.close();
  return result;
}
