/** A second deploy that supersedes the first (`rollout.whenBusy`), in every phase of it: each with its defined result. */

import { afterEach, describe, expect, it } from 'vitest';
import type { RolloutAnswer, RolloutTarget } from '../../src/contracts/request.ts';
import { createFunction } from '../support/functions.ts';
import { Fleet, minute } from './kit/fleet.ts';
import { notPackaged } from './kit/fleet-in-virtual-time.ts';
import { Invariants, wordsOfViolation } from './kit/invariants.ts';
import { makeListener } from './kit/listener.ts';

let fleet: Fleet;
let watch: Invariants | undefined;
afterEach(async () => {
  watch?.end();
  watch = undefined;
  await fleet?.world.close();
});

const arnOf = (name: string) => `arn:aws:lambda:us-east-1:000000000000:function:${name}`;

/** When the second deploy is asked for: as a function of the first begins, or while that waits in a phase. */
type Moment =
  | { readonly begins: string; readonly growing?: true; readonly aborted?: true }
  | { readonly phase: string };

describe.skipIf(notPackaged !== undefined)('a deploy supersedes one', () => {
  /** A live release, and a spec that has a rollout go through every phase there is. */
  async function live(): Promise<void> {
    fleet = await Fleet.create({ instances: { minimum: 1, desired: 4, maximum: 4 } });
    expect(await fleet.deploy(await fleet.image('one'))).toMatchObject({ status: 'SUCCEEDED' });
    const { region } = fleet.world;
    for (const name of ['early', 'late']) {
      const Resource = await createFunction(
        region,
        name,
        `export const handler = async () => ({ verdict: 'go' });`,
      );
      await fleet.world.call('lambda', 'TagResource', { Resource, Tags: { 'flotilla:hook': 'flotilla' } });
    }
    const testListenerArn = await makeListener(fleet.world);
    await fleet.apply({
      rule: { hosts: ['web.example.com'], testListenerArn },
      instances: { minimum: 1, desired: 4, maximum: 4 },
      rollout: {
        steps: [{ weight: 50, bakeSeconds: 60, approval: true, approvalSeconds: 600 }, { weight: 100 }],
        ...{ capacity: 'follow', whenBusy: 'supersede', drainSeconds: 0, keepWarmSeconds: 120 },
        smokeTest: { path: '/' },
        hooks: { beforeTraffic: arnOf('early'), afterTraffic: arnOf('late') },
      },
    });
    watch = await Invariants.over([fleet]);
  }

  /** Has the second deploy asked for once, as that function begins. @returns what it was answered, when it was */
  async function askAs({ begins, growing }: Extract<Moment, { begins: string }>) {
    const three = await fleet.image('three');
    const asked: RolloutAnswer[] = [];
    let asking = false;
    fleet.world.region.parts.lambda.faults.stand = async (name, invoke) => {
      const due = !asking && (name === begins || name === `flotilla-${begins}`);
      if (due && (growing !== true || (await fleet.item()).candidate?.growth?.proven === false)) {
        asking = true;
        asked.push(await fleet.askInside(three));
      }
      return invoke();
    };
    return asked;
  }

  async function approve(rollout: number): Promise<void> {
    await fleet.phase('waiting for approval', rollout);
    await fleet.order('approve');
  }

  /** The second goes its whole way, and nothing else is left. */
  async function goesLive(third: RolloutAnswer | undefined): Promise<void> {
    if (third === undefined) throw new Error('never asked');
    await approve(3);
    expect(await fleet.ended(third)).toMatchObject({ status: 'SUCCEEDED' });
    await fleet.world.seconds(10 * minute);
    expect(watch?.atRest({ web: { live: 3, desired: 4 } }).map(wordsOfViolation)).toEqual([]);
  }

  it.each([
    ['waits for the fleet', 'superseded', { begins: 'acquire-lease' }],
    ['is planned', 'aborted', { begins: 'plan-rollout' }],
    ['is launched', 'aborted', { begins: 'launch-candidate' }],
    ['waits for health', 'aborted', { begins: 'check-health' }],
    ['gets the test listener', 'aborted', { begins: 'allow-test-traffic' }],
    ['is asked', 'aborted', { begins: 'ask-instance' }],
    ['is judged by its smoke test', 'aborted', { begins: 'smoke-test' }],
    ['waits for the hook before traffic', 'aborted', { begins: 'early' }],
    ['gets its first traffic', 'aborted', { begins: 'shift-traffic' }],
    ['is proven to have it', 'aborted', { begins: 'prove-traffic' }],
    ['comes to a gate', 'aborted', { begins: 'hold-at-gate' }],
    ['waits at a gate for time', 'aborted', { phase: 'baking' }],
    ['waits at a gate for a person', 'aborted', { phase: 'waiting for approval' }],
    ['is paused', 'aborted', { phase: 'paused' }],
    ['grows', 'aborted', { begins: 'shift-traffic', growing: true }],
    ['waits for the hook after traffic', 'aborted', { begins: 'late' }],
    ['is about to be promoted', 'aborted', { begins: 'promote-release' }],
    ['was promoted a moment ago', 'succeeded', { begins: 'schedule-retirement' }],
    ['gives the fleet back', 'succeeded', { begins: 'release-lease' }],
    ['rolls back', 'aborted', { begins: 'roll-back', aborted: true }],
    ['writes down why it was undone', 'aborted', { begins: 'record-failure', aborted: true }],
    ['retires what it replaced', 'succeeded', { begins: 'remove-group' }],
  ] as const satisfies readonly (readonly [string, string, Moment])[])(
    'that %s: that is %s, and the second goes live',
    async (_, status, moment: Moment) => {
      await live();
      const asked = 'begins' in moment ? await askAs(moment) : [];
      const second = await fleet.ask(await fleet.image('two'));
      if ('phase' in moment) {
        const three = await fleet.image('three');
        if (moment.phase === 'paused') {
          await fleet.phase('baking');
          await fleet.order('pause');
        }
        await fleet.phase(moment.phase);
        asked.push(await fleet.ask(three));
      } else if (moment.aborted) {
        await fleet.phase('baking');
        await fleet.order('abort');
      } else if (asked.length === 0) {
        // It waits at its gate, unless the other one was asked for before that.
        await fleet.phase('waiting for approval').then(
          () => fleet.order('approve'),
          () => undefined,
        );
      }
      await fleet.ended(second);
      for (let passed = 0; passed < 20 * minute && asked.length === 0; passed += 10)
        await fleet.world.seconds(10);
      expect((await fleet.rollout(2)).status).toBe(status);
      await goesLive(asked[0]);
    },
  );
});

describe.skipIf(notPackaged !== undefined)('a deploy that supersedes, while somebody goes back', () => {
  it('waits behind, says so, and goes live after it', async () => {
    fleet = await Fleet.create({
      rollout: { steps: [{ weight: 100 }], whenBusy: 'supersede', drainSeconds: 0, keepWarmSeconds: 3600 },
    });
    for (const name of ['one', 'two']) {
      expect(await fleet.deploy(await fleet.image(name))).toMatchObject({ status: 'SUCCEEDED' });
    }
    const three = await fleet.image('three');
    const back = await fleet.rollBack();
    const deploy = await fleet.ask(three);
    expect(deploy).toMatchObject({
      outcome: 'queued',
      message: 'Rollout 4 of v3 waits for those before it. Rollout 3 goes back, and is not superseded.',
    });
    expect(await fleet.ended(back)).toMatchObject({ status: 'SUCCEEDED' });
    expect(await fleet.ended(deploy)).toMatchObject({ status: 'SUCCEEDED' });
    expect(await fleet.rollout(3)).toMatchObject({ kind: 'rollback', status: 'succeeded' });
    expect(await fleet.item()).toMatchObject({ live: { release: 3 }, lease: null, queue: [] });
  });
});

/** A deploy is asked for as a function begins, once the group that leaves the slot is so far. */
interface Ask {
  readonly begins: string;
  readonly group: 'stands' | 'drains' | 'is empty' | 'is gone';
}

interface Emptying {
  readonly that: string;
  /** The group that leaves the slot. */
  readonly leaving: string;
  readonly keep: number;
  /** A person aborts rollout 2. */
  readonly aborted?: true;
  /** When rollout 3 is asked for; once 2 has ended where it is not said. */
  readonly third?: Ask;
  /** When rollout 4 is, which supersedes it. */
  readonly fourth: Ask;
}

describe.skipIf(notPackaged !== undefined)('a deploy supersedes one whose slot is being emptied', () => {
  async function stateOf(leaving: string): Promise<Ask['group']> {
    const { AutoScalingGroups } = await fleet.world.call('autoscaling', 'DescribeAutoScalingGroups', {
      AutoScalingGroupNames: [leaving],
    });
    const [group] = AutoScalingGroups;
    if (group === undefined) return 'is gone';
    if (group.Instances.length === 0) return 'is empty';
    return group.DesiredCapacity === 0 ? 'drains' : 'stands';
  }

  /** Asks for each image at its moment. @returns how many it has asked for */
  function askEach(leaving: string, asks: readonly (readonly [Ask, RolloutTarget])[]): () => number {
    const left = [...asks];
    let [asked, looking] = [0, false];
    fleet.world.region.parts.lambda.faults.stand = async (name, invoke) => {
      const [ask, image] = left[0] ?? [];
      if (!looking && ask !== undefined && image !== undefined && name === `flotilla-${ask.begins}`) {
        looking = true;
        if ((await stateOf(leaving)) === ask.group) {
          left.shift();
          await fleet.askInside(image);
          asked += 1;
        }
        looking = false;
      }
      return invoke();
    };
    return () => asked;
  }

  const emptying = (group: Ask['group']): Ask => ({ begins: 'empty-slot', group });
  const retiring = (group: Ask['group']): Ask => ({ begins: 'remove-group', group });
  const undoing = (group: Ask['group']): Ask => ({ begins: 'roll-back', group });
  const [former, candidate] = ['flt-web-v1-r1', 'flt-web-v2-r2'];
  const [warm, short] = [3_600, 30];

  it.each<Emptying>([
    // A warm release stands in the slot, and leaves before its time.
    { that: 'is about to empty it', leaving: former, keep: warm, fourth: emptying('stands') },
    { that: 'waits until instances have drained', leaving: former, keep: warm, fourth: emptying('drains') },
    { that: 'is about to delete the group', leaving: former, keep: warm, fourth: emptying('is empty') },
    { that: 'has deleted the group', leaving: former, keep: warm, fourth: emptying('is gone') },
    // A retirement holds the fleet, and the rollout waits for it.
    {
      ...{ that: 'waits for a retirement that begins', leaving: former, keep: short },
      ...{ third: retiring('stands'), fourth: retiring('drains') },
    },
    {
      ...{ that: 'waits for a retirement that drains', leaving: former, keep: short },
      ...{ third: retiring('drains'), fourth: retiring('is empty') },
    },
    {
      ...{ that: 'waits for a retirement that ends', leaving: former, keep: short },
      ...{ third: retiring('drains'), fourth: { begins: 'release-lease', group: 'is gone' } },
    },
    // The rollout before is undone, and its candidate leaves.
    {
      ...{ that: 'waits for a rollback that drains', leaving: candidate, keep: warm, aborted: true },
      ...{ third: undoing('stands'), fourth: undoing('drains') },
    },
    {
      ...{ that: 'waits for a rollback that ends', leaving: candidate, keep: warm, aborted: true },
      ...{ third: undoing('drains'), fourth: undoing('is gone') },
    },
  ])('that $that, and goes live', async ({ leaving, keep, aborted, third, fourth }) => {
    fleet = await Fleet.create({
      instances: { minimum: 1, desired: 2, maximum: 4 },
      rollout: {
        steps: [{ weight: 50, bakeSeconds: 20 }, { weight: 100 }],
        ...{ whenBusy: 'supersede', drainSeconds: 20, keepWarmSeconds: keep },
      },
    });
    expect(await fleet.deploy(await fleet.image('one'))).toMatchObject({ status: 'SUCCEEDED' });
    watch = await Invariants.over([fleet]);
    const [two, three, four] = [
      await fleet.image('two'),
      await fleet.image('three'),
      await fleet.image('four'),
    ];
    const asks = [...(third === undefined ? [] : [[third, three] as const]), [fourth, four] as const];
    const asked = askEach(leaving, asks);
    const second = await fleet.ask(two);
    if (aborted) {
      await fleet.phase('baking');
      await fleet.order('abort');
    }
    await fleet.ended(second);
    if (third === undefined) await fleet.ask(three);
    for (let passed = 0; passed < 20 * minute; passed += 10) {
      await fleet.world.seconds(10);
      // A rollout in the queue has no execution yet.
      if (asked() === asks.length && (await fleet.rollout(4)).endedAt !== undefined) break;
    }
    // One in the queue never began; one that holds the fleet is undone first.
    expect((await fleet.rollout(3)).status).toBe(third === undefined ? 'aborted' : 'superseded');
    expect((await fleet.rollout(4)).status).toBe('succeeded');
    await fleet.world.seconds(90 * minute);
    expect(watch.atRest({ web: { live: 4, desired: 2 } }).map(wordsOfViolation)).toEqual([]);
  });
});
