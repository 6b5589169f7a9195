/** A fleet that somebody must look at: shown wherever one looks, with its cure, until it is cured. In virtual time. */
import { afterEach, describe, expect, it } from 'vitest';
import type { RolloutAnswer } from '../../src/contracts/request.ts';
import { Fleet, minute } from './kit/fleet.ts';
import { notPackaged } from './kit/fleet-in-virtual-time.ts';

describe.skipIf(notPackaged !== undefined)('a fleet that needs attention', { timeout: 120_000 }, () => {
  let fleet: Fleet;
  afterEach(async () => {
    await fleet?.world.close();
  });

  /** A rollout whose undoing cannot end: live has died with its candidate, and there is no capacity. */
  async function inNeed(rollout: object): Promise<RolloutAnswer> {
    const answer = await withNobodyHealthy(rollout);
    expect(await fleet.ended(answer, 40 * minute)).toMatchObject({ error: 'RollbackIncomplete' });
    return answer;
  }

  /** A rollout that bakes while live and the candidate die. */
  async function withNobodyHealthy(rollout: object): Promise<RolloutAnswer> {
    const steps = [{ weight: 50, bakeSeconds: 120 }, { weight: 100 }];
    fleet = await Fleet.create({ rollout: { steps, drainSeconds: 5, ...rollout } });
    expect(await fleet.deploy(await fleet.image('one'))).toMatchObject({ status: 'SUCCEEDED' });
    let ill = false;
    const answer = await fleet.ask(await fleet.image('two', { healthy: () => !ill }));
    await fleet.phase('baking');
    ill = true;
    const { outages } = fleet.world.region.parts.ec2;
    outages.withhold({});
    const { live } = await fleet.item();
    for (const { name, instances } of await fleet.members()) {
      if (name === live?.groupName) for (const id of instances) outages.kill(id);
    }
    return answer;
  }

  const reason = 'live has 0 healthy targets';
  const cure = 'Cure that; the sweeper tries again every minute';

  it('says so everywhere, with the cure, until the sweeper has ended it', async () => {
    const undone = await inNeed({ lockWaitSeconds: 120 });
    // For twenty minutes: each 5 seconds at first, and after a minute each 15.
    const looks = (await fleet.entered(undone)).filter((state) => state === 'RollBack').length;
    expect(looks).toBeGreaterThan(60);
    expect(looks).toBeLessThan(100);
    const told = { state: 'needs-attention', needsAttention: [expect.stringContaining(reason)] };
    expect(await fleet.read('api-read', '/fleets')).toMatchObject({ items: [told] });
    const view = await fleet.read('api-read', '/fleets/web');
    expect(view).toMatchObject({ ...told, lease: { state: 'needs-attention', rollout: 2 } });
    expect(JSON.stringify(view)).toContain(cure);
    expect(await fleet.read('api-read', '/rollouts/web-2')).toMatchObject({
      status: 'needs-attention',
      ended: false,
    });
    const kinds = async () => (await fleet.events('rollout-2/')).map(({ kind }) => kind);
    expect(await kinds()).toContain('rollout-needs-attention');

    // Other requests, and orders, are told why they wait or may not be.
    for (const verb of ['abort', 'promote', 'pause', 'resume'] as const) {
      await expect(fleet.order(verb), verb).rejects.toThrow('cure the reason that flotilla status names');
    }
    await expect(fleet.rollBack()).rejects.toThrow(cure);
    const third = await fleet.ask(await fleet.image('three'));
    expect(third).toMatchObject({ outcome: 'queued', message: expect.stringContaining(cure) });
    await fleet.world.seconds(4 * minute);
    expect(await fleet.rollout(3)).toMatchObject({
      status: 'failed',
      error: { name: 'LeaseTimeout', message: expect.stringContaining(reason) },
    });

    fleet.world.region.parts.ec2.outages.release({});
    await fleet.world.seconds(30 * minute);
    const cured = { state: 'serving', needsAttention: [] };
    expect(await fleet.read('api-read', '/fleets')).toMatchObject({ items: [cured] });
    expect(await fleet.read('api-read', '/fleets/web')).toMatchObject({
      ...cured,
      lease: null,
      live: { release: 1 },
    });
    expect(await fleet.read('api-read', '/rollouts/web-2')).toMatchObject({ status: 'failed', ended: true });
    expect(await kinds()).toEqual(expect.arrayContaining(['rollout-failed', 'fleet-freed']));
  });

  it('keeps the reason for which its rollout ended, when recovery needs somebody on the way', async () => {
    const { executionArn } = await withNobodyHealthy({});
    await fleet.world.call('states', 'StopExecution', { executionArn });
    await fleet.world.seconds(30 * minute);
    const interrupted = { name: 'RolloutInterrupted', reasons: [expect.stringContaining('aborted')] };
    expect(await fleet.read('api-read', '/rollouts/web-2')).toMatchObject({
      status: 'needs-attention',
      card: {
        cause: interrupted,
        undone: expect.arrayContaining([expect.stringContaining(`not finished: ${reason}`)]),
      },
    });

    fleet.world.region.parts.ec2.outages.release({});
    await fleet.world.seconds(30 * minute);
    const ended = await fleet.read('api-read', '/rollouts/web-2');
    expect(ended).toMatchObject({ status: 'failed', card: { cause: interrupted } });
    expect((ended as { card: { text: string } }).card.text).not.toContain('attention');
  });

  it('says what stops its recovery, whatever that is', async () => {
    const steps = [{ weight: 50, bakeSeconds: 120 }, { weight: 100 }];
    fleet = await Fleet.create({ rollout: { steps } });
    expect(await fleet.deploy(await fleet.image('one'))).toMatchObject({ status: 'SUCCEEDED' });
    const { executionArn } = await fleet.ask(await fleet.image('two'));
    await fleet.phase('baking');
    const { fixed } = await fleet.item();
    await fleet.world.call('elasticloadbalancing', 'DeleteRule', { RuleArn: fixed.ruleArn });
    await fleet.world.call('states', 'StopExecution', { executionArn });
    await fleet.world.seconds(4 * minute);
    expect(await fleet.read('api-read', '/fleets/web')).toMatchObject({
      state: 'needs-attention',
      lease: { state: 'needs-attention' },
      needsAttention: [expect.stringContaining('The listener rule of web is gone')],
    });
    expect((await fleet.events('rollout-2/needs-attention')).map(({ kind }) => kind)).toEqual([
      'rollout-needs-attention',
    ]);
  });

  it('is named to whoever is refused because of it', async () => {
    await inNeed({ whenBusy: 'refuse' });
    const refused = fleet.ask(await fleet.image('three'));
    await expect(refused).rejects.toThrow(reason);
    await expect(refused).rejects.toThrow(cure);
  });
});
