/**
 * What a person reads of a rollout that failed, for each way to fail; FLOTILLA_SHOW=1 prints the pages.
 */
import { afterEach, describe, expect, it } from 'vitest';
import type { FailureCard } from '../../src/contracts/failure-card.ts';
import type { FleetSpecInput } from '../../src/contracts/fleet-spec.ts';
import { putAlarm } from './kit/alarm.ts';
import { Fleet, minute } from './kit/fleet.ts';
import { notPackaged } from './kit/fleet-in-virtual-time.ts';

const one = { minimum: 1, desired: 1, maximum: 2 };

describe.skipIf(notPackaged !== undefined)('the failure card', { timeout: 60_000 }, () => {
  let fleet: Fleet;
  afterEach(async () => {
    await fleet?.world.close();
  });

  async function live(spec: Partial<FleetSpecInput> = {}, before: () => Promise<void> = async () => {}) {
    fleet = await Fleet.create({ instances: one, ...spec });
    await before();
    expect(await fleet.deploy(await fleet.image('one'))).toMatchObject({ status: 'SUCCEEDED' });
  }

  /** The card of the second rollout, as the API has it; printed where somebody wants to see it. */
  async function card(): Promise<FailureCard & { text: string }> {
    const { card: found } = (await fleet.read('api-read', '/rollouts/web-2')) as {
      card: (FailureCard & { text: string }) | null;
    };
    if (found === null) throw new Error('there is no card');
    if (process.env.FLOTILLA_SHOW === '1') console.log(found.text);
    return found;
  }

  it('has check, instance, answer and last words of a candidate that is not healthy, and no secret', async () => {
    const secret = 'postgres://web:hunter22@db/web';
    await live({ image: { environment: { DATABASE_URL: secret } } });
    const end = await fleet.deploy(
      await fleet.image('two', { healthy: 503, console: [`dial ${secret}: connection refused`] }),
    );
    const { text, checks, console: last, undone, ...rest } = await card();
    expect(rest).toMatchObject({
      status: 'failed',
      cause: { name: 'CandidateUnhealthy' },
      live: { release: 1, weight: 100 },
    });
    expect(checks).toEqual([
      {
        instance: expect.stringMatching(/^i-/),
        state: 'unhealthy',
        answer: 'Health checks failed with these codes: [503]',
      },
    ]);
    expect(last).toMatchObject({ instance: checks[0]?.instance });
    expect(text).toContain('| dial <DATABASE_URL>: connection refused');
    expect(`${text}${end.cause}${JSON.stringify(await fleet.rollout(2))}`).not.toContain(secret);
    expect(undone).toContain('the group flt-web-v2-r2 was emptied and deleted');
    // The same page ends the execution, where the AMI is not looked up.
    expect(end.cause).toBe(text.replace(/v1 \(ami-\w+\) is live/, 'v1 is live'));
  });

  it.each([
    ['quota', 'your current vCPU limit'],
    ['capacity', 'capacity'],
    ['image', 'ami-'],
  ])('has the scaling activity of a launch that failed for want of %s', async (what, why) => {
    await live();
    const target = await fleet.image('two');
    const { region } = fleet.world;
    const answer = await fleet.ask(target);
    const { imageId } = await fleet.release(2);
    // The plan has looked by then; what was there is gone when the group launches.
    let gone = false;
    fleet.world.fault = (name) => {
      if (gone || name !== (what === 'image' ? 'check-health' : 'launch-candidate')) return undefined;
      gone = true;
      if (what === 'quota') region.parts.ec2.quotas.onDemandStandard.value = 2;
      else if (what === 'capacity') region.parts.ec2.outages.withhold({});
      else void fleet.world.clock.hold(fleet.world.call('ec2', 'DeregisterImage', { ImageId: imageId }));
      return undefined;
    };
    const end = await fleet.ended(answer);
    expect(end).toMatchObject({ status: 'FAILED' });
    const { cause, launches, text } = await card();
    expect(cause.name).toBe('CandidateLaunchFailed');
    expect(launches[0]?.what).toContain('Launching a new EC2 instance');
    expect(launches[0]?.why).toContain(why);
    expect(text).toContain(`activity ${launches[0]?.activity}`);
  });

  it.each(['its event', 'a look'] as const)(
    'has values, period and threshold of an alarm that rang, by %s',
    async (by) => {
      const rollout = {
        steps: [{ weight: 50, bakeSeconds: 240 }, { weight: 100 }],
        alarms: [{ name: 'errors', missingData: 'quiet' as const }],
        drainSeconds: 20,
      };
      await live({ rollout }, async () => {
        await putAlarm(fleet.world, 'errors', {
          Threshold: 5,
          ComparisonOperator: 'GreaterThanThreshold',
          TreatMissingData: 'missing',
        });
      });
      if (by === 'a look') fleet.world.fault = (name) => (name === 'handle-alarm' ? 'crash' : undefined);
      const answer = await fleet.ask(await fleet.image('two'));
      await fleet.world.seconds(60);
      for (let round = 0; round < 5; round += 1) {
        await fleet.world.call('monitoring', 'PutMetricData', {
          Namespace: 'web',
          MetricData: [{ MetricName: 'errors', Value: 7, Timestamp: new Date(fleet.world.clock.now()) }],
        });
        await fleet.world.seconds(30);
      }
      expect(await fleet.ended(answer, 10 * minute)).toMatchObject({ status: 'FAILED', error: 'AlarmRang' });
      const { alarms, text, undone } = await card();
      expect(alarms).toEqual([
        expect.objectContaining({
          name: 'errors',
          metric: 'web errors',
          statistic: 'Sum',
          periodSeconds: 60,
          threshold: 5,
        }),
      ]);
      expect(alarms[0]?.datapoints?.at(-1)).toBeGreaterThan(5);
      expect(text).toMatch(/Sum of web errors over 60 s: \d+.* \(rings at (> )?5\)/);
      expect(undone).toContain('all of the traffic went back to v1');
    },
  );

  it('says what the weights were and should have been, where somebody changed them', async () => {
    await live();
    const answer = await fleet.ask(await fleet.image('two'));
    await fleet.world.seconds(40);
    await fleet.setWeights({ blue: 50, green: 50 });
    await fleet.ended(answer);
    expect(await card()).toMatchObject({
      cause: {
        name: 'TrafficChangedByHand',
        reasons: ['the rule has blue 50 %, green 50 %; lineage expects blue 90 %, green 10 %'].flatMap(
          (text) => text.split('; '),
        ),
      },
    });
  });

  it('says that an execution was stopped, and what recovery undid', async () => {
    await live();
    const answer = await fleet.ask(await fleet.image('two'));
    await fleet.world.seconds(40);
    await fleet.world.call('states', 'StopExecution', { executionArn: answer.executionArn });
    await fleet.world.seconds(6 * minute);
    expect(await card()).toMatchObject({
      status: 'failed',
      cause: { name: 'RolloutInterrupted', reasons: [expect.stringContaining('aborted')] },
      undone: expect.arrayContaining(['all of the traffic went back to v1']),
      live: { release: 1, weight: 100 },
    });
  });

  it('says that going back has not finished, what it waits for, and later that it has', async () => {
    await live({ rollout: { steps: [{ weight: 50, bakeSeconds: 120 }, { weight: 100 }], drainSeconds: 5 } });
    let ill = false;
    const answer = await fleet.ask(await fleet.image('two', { healthy: () => !ill }));
    await fleet.world.seconds(40);
    const { live: serving } = await fleet.item();
    ill = true;
    fleet.world.region.parts.ec2.outages.withhold({});
    for (const { name, instances } of await fleet.members()) {
      if (name === serving?.groupName)
        for (const id of instances) fleet.world.region.parts.ec2.outages.kill(id);
    }
    const end = await fleet.ended(answer, 40 * minute);
    expect(end).toMatchObject({ status: 'FAILED', error: 'RollbackIncomplete' });
    const first = await card();
    expect(first).toMatchObject({ status: 'needs-attention', cause: { name: 'CandidateUnhealthy' } });
    expect(first.undone.at(-1)).toContain('not finished: live has 0 healthy targets');

    fleet.world.region.parts.ec2.outages.release({});
    await fleet.world.seconds(30 * minute);
    expect(await card()).toMatchObject({ status: 'failed', live: { release: 1, weight: 100 } });
  });
});
