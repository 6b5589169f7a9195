/** Groups over several zones: even, and even again after a zone was away. */
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Member } from '../../../../local/services/autoscaling/state.ts';
import { zoneMoves } from '../../../../local/services/autoscaling/zones.ts';
import { FleetRegion } from './fleet-region.ts';

const memberIn = (zone: string, protectedFromScaleIn = false): Member =>
  ({ protectedFromScaleIn, instance: { spec: { subnet: { zone } } } }) as Member; // all that is looked at
const places = (...zones: string[]) => zones.map((zone) => ({ zone, subnetId: `subnet-${zone}` }));

describe('what it takes to make zones even', () => {
  it.each([
    ['nothing, where they differ by one', 'aabc', []],
    ['one from the fullest to the emptiest', 'aaab', ['c']],
    ['several', 'aaaaaa', ['b', 'c', 'b', 'c']],
    ['one for each that is in a zone that was left', 'abcdd', ['a', 'b']],
  ])('is %s', (_, present, moves) => {
    expect(
      zoneMoves(
        places('a', 'b', 'c'),
        [...present].map((zone) => memberIn(zone)),
      ),
    ).toEqual(moves);
  });

  it('leaves what is protected from scaling in where it is', () => {
    const members = ['a', 'a', 'a', 'b'].map((zone) => memberIn(zone, zone === 'a'));
    expect(zoneMoves(places('a', 'b', 'c'), members)).toEqual([]);
  });

  it('ends with counts that differ by one at most', () => {
    fc.assert(
      fc.property(fc.array(fc.constantFrom('a', 'b', 'c', 'x'), { maxLength: 20 }), (zones) => {
        const moves = zoneMoves(
          places('a', 'b', 'c'),
          zones.map((zone) => memberIn(zone)),
        );
        const counts = new Map(
          ['a', 'b', 'c'].map((zone) => [zone, zones.filter((one) => one === zone).length]),
        );
        for (const to of moves) counts.set(to, (counts.get(to) ?? 0) + 1);
        let left = moves.length - zones.filter((zone) => zone === 'x').length;
        for (; left > 0; left -= 1) {
          const most = Math.max(...counts.values());
          const full = [...counts].find(([, count]) => count === most)?.[0] ?? '';
          counts.set(full, most - 1);
        }
        expect(Math.max(...counts.values()) - Math.min(...counts.values())).toBeLessThanOrEqual(1);
      }),
    );
  });
});

describe('a group', () => {
  let fleet: FleetRegion;

  beforeEach(async () => {
    fleet = await FleetRegion.create();
  });

  afterEach(() => fleet.region.close());

  const zones = async (): Promise<string[]> =>
    ((await fleet.describe('web'))?.Instances ?? [])
      .map((one) => (one.AvailabilityZone ?? '').slice(-1))
      .sort();
  const words = async (): Promise<string> =>
    (await fleet.activities('web')).map((one) => one.Cause).join('\n');

  async function three(more: object = {}): Promise<void> {
    await fleet.group('web', await fleet.template('web'), { DesiredCapacity: 3, MaxSize: 3, ...more });
    await fleet.seconds(20);
  }

  it('goes to the other zones while one is lost, and back when it is there again, launching first', async () => {
    await three();
    const { outages } = fleet.region.parts.ec2;
    outages.loseZone('us-east-1a');
    await fleet.seconds(60);
    expect(await zones()).toEqual(['b', 'b', 'c']);
    const failed = (await fleet.activities('web')).filter((one) => one.StatusCode === 'Failed');
    expect(failed).toMatchObject([
      {
        Description: expect.stringContaining(
          'Launching a new EC2 instance.  Status Reason: We currently do not have',
        ),
        StatusMessage: expect.stringMatching(/us-east-1b, us-east-1c\. Launching EC2 instance failed\.$/),
      },
    ]);
    outages.restoreZone('us-east-1a');
    let most = 0;
    for (let second = 0; second < 900; second += 1) {
      await fleet.seconds(1);
      // Whatever has the group looked at meanwhile must not have it shrink before the new one is there.
      await fleet.call('autoscaling', 'SetInstanceProtection', {
        AutoScalingGroupName: 'web',
        InstanceIds: [],
        ProtectedFromScaleIn: false,
      });
      const now = (await fleet.describe('web'))?.Instances ?? [];
      most = Math.max(most, now.length);
      expect(now.filter((one) => one.LifecycleState === 'InService').length).toBeGreaterThanOrEqual(3);
    }
    // "A margin of 10 percent or one instance, whichever is greater", beyond the maximum of three.
    expect(most).toBe(4);
    expect(await zones()).toEqual(['a', 'b', 'c']);
    expect(await words()).toContain(
      "availability zones us-east-1a us-east-1b us-east-1c had 0 2 1 instances respectively. An instance was launched to aid in balancing the group's zones.",
    );
    expect(await words()).toMatch(
      /instances were launched to balance instances in zones us-east-1a with other zones resulting in more than desired number of instances in the group\. {2}At \S+ an instance was taken out of service in response to a difference between desired and actual capacity, shrinking the capacity from 4 to 3\. {2}At \S+ instance i-\w+ was selected for termination\./,
    );
  });

  it('is not balanced while AZRebalance is suspended, and is when it is resumed', async () => {
    await three();
    const name = { AutoScalingGroupName: 'web' };
    await fleet.call('autoscaling', 'SuspendProcesses', { ...name, ScalingProcesses: ['AZRebalance'] });
    const { outages } = fleet.region.parts.ec2;
    outages.loseZone('us-east-1c');
    await fleet.seconds(60);
    outages.restoreZone('us-east-1c');
    await fleet.seconds(7_200);
    expect(await zones()).toHaveLength(3);
    expect(await zones()).not.toContain('c');
    await fleet.call('autoscaling', 'ResumeProcesses', name);
    await fleet.seconds(60);
    expect(await zones()).toEqual(['a', 'b', 'c']);
  });

  it('leaves a zone that is taken from it', async () => {
    await three();
    await fleet.call('autoscaling', 'UpdateAutoScalingGroup', {
      AutoScalingGroupName: 'web',
      AvailabilityZones: ['us-east-1a', 'us-east-1b'],
    });
    await fleet.seconds(60);
    expect(await zones()).toEqual(['a', 'a', 'b']);
  });

  it('heals at once, although it is to look at a lost zone only later', async () => {
    await three();
    const { outages } = fleet.region.parts.ec2;
    outages.loseZone('us-east-1a');
    await fleet.seconds(3_600);
    const [first] = (await fleet.describe('web'))?.Instances ?? [];
    outages.kill(first?.InstanceId ?? '');
    await fleet.seconds(20);
    expect(await zones()).toEqual(['b', 'b', 'c']);
    const ids = (await fleet.describe('web'))?.Instances?.map((one) => one.InstanceId);
    expect(ids).not.toContain(first?.InstanceId);
  });

  it('asks a lost zone less and less often', async () => {
    await three();
    fleet.region.parts.ec2.outages.loseZone('us-east-1a');
    await fleet.seconds(86_400);
    const failed = (await fleet.activities('web')).filter((one) => one.StatusCode === 'Failed');
    expect(failed.length).toBeGreaterThan(5);
    expect(failed.length).toBeLessThan(35);
    expect(await zones()).toEqual(['b', 'b', 'c']);
  });

  it('that cannot launch for a day is suspended by Auto Scaling', async () => {
    const id = await fleet.template('web');
    fleet.region.parts.ec2.quotas.onDemandStandard.value = 0;
    await fleet.group('web', id);
    await fleet.seconds(23 * 3_600);
    expect((await fleet.describe('web'))?.SuspendedProcesses).toEqual([]);
    await fleet.seconds(2 * 3_600);
    expect((await fleet.describe('web'))?.SuspendedProcesses).toMatchObject([{ ProcessName: 'Launch' }]);
    fleet.region.parts.ec2.quotas.onDemandStandard.value = 8;
    await fleet.seconds(3_600);
    expect(await zones()).toEqual([]);
    await fleet.call('autoscaling', 'ResumeProcesses', { AutoScalingGroupName: 'web' });
    await fleet.seconds(30);
    expect(await zones()).toHaveLength(1);
  });
});
