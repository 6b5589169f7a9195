/** Machines that misbehave, and what a group and its load balancer make of it. */
import { afterEach, describe, expect, it } from 'vitest';
import {
  answersSlowly,
  answersWrong,
  compose,
  crashAt,
  flapping,
  memoryLeak,
  neverHealthy,
  sickFrom,
  slowStart,
} from '../../../../local/machines/behaviours.ts';
import type { MachineScript } from '../../../../local/machines/scripted.ts';
import { Random } from '../../../../local/random.ts';
import { FleetRegion } from './fleet-region.ts';

let fleet: FleetRegion | undefined;

afterEach(async () => {
  await fleet?.region.close();
  fleet = undefined;
});

/** One instance behind a target group that is checked every 5 s with a timeout of 2 s. */
async function one(script: MachineScript, more: object = {}) {
  const world = await FleetRegion.create(() => script);
  fleet = world;
  const blue = await world.targetGroup('blue');
  await world.rule(10, { [blue]: 1 });
  await world.group('web', await world.template('web'), { TargetGroupARNs: [blue], ...more });
  const state = async () => (await world.healthStates(blue))[0];
  /** Each second's state of the target, for so long. */
  const watch = async (seconds: number) => {
    const seen: (string | undefined)[] = [];
    for (let second = 0; second < seconds; second += 1) {
      await world.seconds(1);
      seen.push(await state());
    }
    return seen;
  };
  const id = async () => (await world.describe('web'))?.Instances?.[0]?.InstanceId ?? '';
  const consoleOf = async (InstanceId: string) => {
    const { Output } = await world.call('ec2', 'GetConsoleOutput', { InstanceId });
    return Buffer.from(Output, 'base64').toString();
  };
  return { world, state, watch, id, consoleOf };
}

describe('a machine', () => {
  it('that starts slowly is healthy only then', async () => {
    const { watch, state } = await one(slowStart(60_000));
    expect(await watch(55)).not.toContain('healthy');
    await watch(20);
    expect(await state()).toBe('healthy');
  });

  it('that is never healthy stays unhealthy', async () => {
    const { watch } = await one(neverHealthy());
    const seen = await watch(120);
    expect(seen).not.toContain('healthy');
    expect(seen.at(-1)).toBe('unhealthy');
  });

  it('that falls sick is found by the next checks', async () => {
    const { watch } = await one(sickFrom(60_000));
    expect((await watch(55)).at(-1)).toBe('healthy');
    expect((await watch(20)).at(-1)).toBe('unhealthy');
  });

  it('that flaps is healthy and unhealthy in turn', async () => {
    const { watch } = await one(flapping(120_000));
    const turns = (await watch(600)).filter((now, index, all) => now !== all[index - 1]);
    expect(turns.filter((now) => now === 'unhealthy').length).toBeGreaterThanOrEqual(4);
    expect(turns.filter((now) => now === 'healthy').length).toBeGreaterThanOrEqual(4);
  });

  it('that flaps begins where the seed says', () => {
    const at = (seed: number) => {
      const { healthy } = flapping(1_000, { random: new Random(seed) });
      return typeof healthy === 'function' ? [0, 250, 500, 750].map((ms) => healthy(ms, '/')) : [];
    };
    expect(at(1)).toEqual(at(1));
    expect(new Set([1, 2, 3, 4, 5].map((seed) => at(seed).join())).size).toBeGreaterThan(1);
  });

  it('that answers more slowly than the check waits is unhealthy for that', async () => {
    const { world, watch } = await one(answersSlowly(2_000));
    expect((await watch(60)).at(-1)).toBe('unhealthy');
    const [group] = world.region.parts.elbv2.state.targetGroups.values();
    expect([...(group?.targets.values() ?? [])][0]?.health.Reason).toBe('Target.Timeout');
  });

  it('that answers just in time is healthy', async () => {
    const { watch } = await one(answersSlowly(1_900));
    expect((await watch(60)).at(-1)).toBe('healthy');
  });

  it('that says the wrong thing passes a check of its status, and shows it to who reads', async () => {
    const { world, watch, id } = await one(answersWrong('v6'));
    expect((await watch(30)).at(-1)).toBe('healthy');
    const { machine } = world.region.parts.ec2.instances.all.get(await id()) ?? {};
    expect(machine?.script?.body('/')).toBe('v6');
  });

  it('that crashes is gone at that moment, with its exit code and last words', async () => {
    const { world, id, consoleOf, watch } = await one(
      crashAt(30_000, { exitCode: 3, console: ['panic: no configuration'] }),
    );
    await watch(20);
    const first = await id();
    await watch(40);
    expect(await id()).not.toBe(first);
    expect(await consoleOf(first)).toBe(
      'panic: no configuration\n[flotilla] program ended with exit code 3\n',
    );
    const { Reservations } = await world.call('ec2', 'DescribeInstances', { InstanceIds: [first] });
    expect(Reservations[0].Instances[0].StateReason.Code).toBe('Client.UserInitiatedShutdown');
  });

  it('that leaks gets slow, and dies of it', async () => {
    const { watch, id, consoleOf } = await one(memoryLeak(600_000), { HealthCheckType: 'EC2' });
    const first = await id();
    expect((await watch(500)).at(-1)).toBe('healthy');
    await watch(3);
    const named = first === '' ? await id() : first;
    expect((await watch(70)).at(-1)).toBe('unhealthy');
    await watch(60);
    expect(await id()).not.toBe(named);
    expect(await consoleOf(named)).toContain('fatal error: out of memory');
  });
});

describe('behaviours together', () => {
  it('have the longest start, the first death and the worst answer', () => {
    const both = compose(
      slowStart(5_000),
      slowStart(20_000),
      crashAt(90_000, { console: ['late'] }),
      crashAt(60_000, { exitCode: 7 }),
      answersSlowly(300),
    );
    expect(both).toMatchObject({
      bootMs: 20_000,
      crashAtMs: 60_000,
      consoleOnExit: ['[flotilla] program ended with exit code 7'],
      answerMs: 300,
      healthy: true,
    });
    expect(compose(neverHealthy('timeout'), flapping(1_000)).healthy).toBe('timeout');
    expect(compose(sickFrom(9), answersSlowly(1, 4)).changes?.map((change) => change.atMs)).toEqual([4, 9]);
  });

  it('are lived through one after the other', async () => {
    const { watch, consoleOf, id } = await one(
      compose(slowStart(30_000), sickFrom(90_000), crashAt(200_000, { console: ['out'] })),
    );
    expect(await watch(28)).not.toContain('healthy');
    const first = await id();
    expect((await watch(50)).at(-1)).toBe('healthy');
    expect((await watch(40)).at(-1)).toBe('unhealthy');
    await watch(120);
    expect(await id()).not.toBe(first);
    expect(await consoleOf(first)).toContain('out');
  });
});
