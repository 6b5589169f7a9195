import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Principal } from '../../../local/service.ts';
import { FleetRegion, forward } from './fleetside/fleet-region.ts';

let fleet: FleetRegion;

const user: Principal = {
  kind: 'user',
  arn: 'arn:aws:iam::000000000000:user/somebody',
  userId: 'somebody',
  policies: [{ Statement: [{ Effect: 'Allow', Action: '*', Resource: '*' }] }],
};

beforeEach(async () => {
  fleet = await FleetRegion.create();
  fleet.region.context.lag.bounds.describeMs = 5_000;
  fleet.region.context.lag.bounds.newSnapshotMs = 60_000;
});

afterEach(async () => {
  await fleet.region.close();
});

// biome-ignore lint/suspicious/noExplicitAny: answers are looked into freely by tests
function ask(service: string, operation: string, input: unknown): Promise<any> {
  return fleet.region.call(service, operation, input, user);
}

/** What a stranger is told at moments `everyMs` apart, one word each. */
async function watch(count: number, everyMs: number, word: () => Promise<string>): Promise<string[]> {
  const seen: string[] = [];
  for (let index = 0; index < count; index += 1) {
    seen.push(await word().catch((error: unknown) => (error instanceof Error ? error.name : String(error))));
    await fleet.clock.advance(everyMs);
  }
  return seen;
}

/** How often two neighbours differ. */
function flips(words: readonly string[]): number {
  return words.filter((word, index) => index > 0 && word !== words[index - 1]).length;
}

describe('a description', () => {
  it('may not know what was just made, know it, and not know it again', async () => {
    const histories: string[][] = [];
    for (let index = 0; index < 20; index += 1) {
      const { SnapshotId } = await ask('ebs', 'StartSnapshot', { VolumeSize: 1 });
      const word = async () =>
        (await ask('ec2', 'DescribeSnapshots', { SnapshotIds: [SnapshotId], MaxResults: 5 })).Snapshots[0]
          .State;
      histories.push(await watch(20, 250, word));
    }
    const words = new Set(histories.flat());
    expect(words).toEqual(new Set(['pending', 'InvalidSnapshot.NotFound']));
    expect(Math.max(...histories.map(flips))).toBeGreaterThan(2);
  });

  it('shows weights from before a change for a while, and settles', async () => {
    const [blue, green] = [await fleet.targetGroup('blue'), await fleet.targetGroup('green')];
    const rule = await fleet.rule(10, { [blue]: 1, [green]: 0 });
    await fleet.seconds(10);
    const word = async () => {
      const { Rules } = await ask('elasticloadbalancing', 'DescribeRules', { RuleArns: [rule] });
      return Rules[0].Actions[0].ForwardConfig.TargetGroups.map((one: { Weight: number }) => one.Weight).join(
        '/',
      );
    };
    const seen: string[] = [];
    for (let round = 0; round < 10; round += 1) {
      const weights = round % 2 === 0 ? { [blue]: 0, [green]: 1 } : { [blue]: 1, [green]: 0 };
      await ask('elasticloadbalancing', 'ModifyRule', { RuleArn: rule, Actions: [forward(weights)] });
      const wanted = round % 2 === 0 ? '0/1' : '1/0';
      const after = await watch(10, 100, word);
      seen.push(...after.map((one) => (one === wanted ? 'new' : 'old')));
      await fleet.seconds(5);
      expect(await watch(5, 0, word)).toEqual(Array(5).fill(wanted));
    }
    expect(new Set(seen)).toEqual(new Set(['new', 'old']));
  });

  it('still shows what was deleted for a while', async () => {
    const target = await fleet.targetGroup('gone');
    await fleet.seconds(10);
    await ask('elasticloadbalancing', 'DeleteTargetGroup', { TargetGroupArn: target });
    const word = async () => {
      await ask('elasticloadbalancing', 'DescribeTargetGroups', { TargetGroupArns: [target] });
      return 'there';
    };
    const seen = await watch(30, 50, word);
    expect(new Set(seen)).toEqual(new Set(['there', 'TargetGroupNotFound']));
    await fleet.seconds(5);
    expect(new Set(await watch(10, 0, word))).toEqual(new Set(['TargetGroupNotFound']));
  });

  it('lacks a new group in a list, without an error', async () => {
    const templateId = await fleet.template('web');
    await fleet.group('web-v1', templateId);
    const word = async () => {
      const { AutoScalingGroups: found } = await ask('autoscaling', 'DescribeAutoScalingGroups', {
        AutoScalingGroupNames: ['web-v1'],
      });
      return found.length === 1 ? 'there' : 'not there';
    };
    expect(new Set(await watch(20, 20, word))).toEqual(new Set(['there', 'not there']));
    await fleet.seconds(5);
    expect(new Set(await watch(10, 0, word))).toEqual(new Set(['there']));
  });

  it('is the truth for the region itself, and for everybody where the lag is off', async () => {
    const { SnapshotId } = await ask('ebs', 'StartSnapshot', { VolumeSize: 1 });
    const truth = async () =>
      (await fleet.call('ec2', 'DescribeSnapshots', { SnapshotIds: [SnapshotId] })).Snapshots[0].State;
    expect(new Set(await watch(20, 0, truth))).toEqual(new Set(['pending']));
    fleet.region.context.lag.off();
    const word = async () =>
      (await ask('ec2', 'DescribeSnapshots', { SnapshotIds: [SnapshotId] })).Snapshots[0].State;
    expect(new Set(await watch(20, 0, word))).toEqual(new Set(['pending']));
  });

  it('of the same seed is the same', async () => {
    const run = async (): Promise<string[]> => {
      const other = await FleetRegion.create();
      Object.assign(other.region.context.lag.bounds, { describeMs: 5_000, newSnapshotMs: 60_000 });
      const { SnapshotId } = (await other.region.call('ebs', 'StartSnapshot', { VolumeSize: 1 }, user)) as {
        SnapshotId: string;
      };
      const seen: string[] = [];
      for (let index = 0; index < 30; index += 1) {
        seen.push(
          await other.region.call('ec2', 'DescribeSnapshots', { SnapshotIds: [SnapshotId] }, user).then(
            () => 'there',
            () => 'not there',
          ),
        );
        await other.clock.advance(100);
      }
      await other.region.close();
      return seen;
    };
    expect(await run()).toEqual(await run());
  });
});
