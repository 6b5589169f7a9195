import { ScalingActivityStatusCode } from '@aws-sdk/client-auto-scaling';
import { TargetHealthReasonEnum, TargetHealthStateEnum } from '@aws-sdk/client-elastic-load-balancing-v2';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  activityProgress,
  flappingSeconds,
  lately,
  servingVerdict,
  standingOf,
  targetStandings,
} from '../../../src/fleet/health.ts';
import { activity, askHealth as ask, group, replaced, target } from './views.ts';

describe('the tables of the verdict', () => {
  it('know every target state of the SDK, and take only one for healthy and one for failing', () => {
    const { HEALTHY, INITIAL, UNAVAILABLE, UNUSED, UNHEALTHY, UNHEALTHY_DRAINING, DRAINING, ...newer } =
      TargetHealthStateEnum;
    expect(newer).toEqual({});
    expect(targetStandings).toEqual({
      [HEALTHY]: 'healthy',
      [UNHEALTHY]: 'failing',
      ...Object.fromEntries([INITIAL, UNAVAILABLE, UNUSED].map((state) => [state, 'pending'])),
      ...Object.fromEntries([DRAINING, UNHEALTHY_DRAINING].map((state) => [state, 'leaving'])),
    });
  });
  it('know every activity status of the SDK: three are ends, and one of these a failure', () => {
    const { Successful, Cancelled, Failed, ...others } = ScalingActivityStatusCode;
    expect(activityProgress).toEqual({
      [Successful]: 'done',
      [Cancelled]: 'done',
      [Failed]: 'failed',
      ...Object.fromEntries(Object.values(others).map((status) => [status, 'under-way'])),
    });
  });
  it('take a state that is newer than they are for pending', () => {
    expect(standingOf(target('i-1', 'hibernating'))).toBe('pending');
  });
});

describe('a candidate', () => {
  it('is healthy when as many of its own targets are as are wanted', () => {
    expect(ask()).toEqual({ verdict: 'healthy', healthy: 2 });
  });
  it('is not healthy by the targets of another group', () => {
    expect(ask({ group: group(['i-1']) })).toMatchObject({ verdict: 'waiting', healthy: 1 });
  });
  it('is waited for while its group does not exist', () => {
    expect(ask({ group: undefined })).toMatchObject({ verdict: 'waiting', healthy: 0 });
  });
  it.each(Object.values(TargetHealthStateEnum).filter((state) => state !== 'healthy'))(
    'is waited for, with reasons, while a target is %s',
    (state) => {
      const verdict = ask({ targets: [target('i-1', 'healthy'), target('i-2', state)] });
      expect(verdict).toMatchObject({ verdict: 'waiting', healthy: 1 });
      expect('reasons' in verdict && verdict.reasons.join()).toContain(`i-2 is ${state}`);
    },
  );
  it.each(Object.values(TargetHealthReasonEnum))('tells the reason %s', (reason) => {
    const verdict = ask({ targets: [{ id: 'i-1', state: 'unhealthy', reason, description: 'why' }] });
    expect('reasons' in verdict && verdict.reasons.join()).toContain(`(${reason}: why)`);
  });
  it('fails at the deadline, naming the failing instance first', () => {
    const verdict = ask({
      targets: [target('i-1', 'initial'), target('i-2', 'unhealthy')],
      waitedSeconds: 120,
    });
    expect(verdict).toMatchObject({
      verdict: 'failed',
      error: 'CandidateUnhealthy',
      instances: ['i-2', 'i-1'],
    });
  });
  it('is waited for until the second before the deadline', () => {
    expect(ask({ targets: [], waitedSeconds: 119 })).toMatchObject({ verdict: 'waiting' });
  });
  it('may have one stuck guest replaced', () => {
    expect(ask({ activities: [replaced('i-9')] })).toMatchObject({ verdict: 'healthy' });
  });
  it('fails when instances keep being replaced, even while all are healthy', () => {
    expect(ask({ activities: [replaced('i-8'), replaced('i-9')] })).toMatchObject({
      verdict: 'failed',
      error: 'CandidateUnhealthy',
    });
  });
  it('does not count instances that were scaled in', () => {
    const scaledIn = ['i-7', 'i-8', 'i-9'].map((id) =>
      activity(`Terminating EC2 instance: ${id}`, {
        cause: 'a user request update changed the desired capacity',
      }),
    );
    expect(ask({ activities: scaledIn })).toMatchObject({ verdict: 'healthy' });
  });
  it.each([
    'The image id [ami-1] does not exist',
    'You have requested more vCPU capacity than your current vCPU limit of 32 allows',
    'You are not authorized to perform this operation.',
    'Client.InternalError: Client error on launch',
  ])('fails at once when no launch can succeed: %s', (message) => {
    const failed = activity('Launching a new EC2 instance', { status: 'Failed', message });
    expect(ask({ group: group([]), targets: [], activities: [failed] })).toMatchObject({
      verdict: 'failed',
      error: 'CandidateLaunchFailed',
    });
  });
  it('waits where a zone has no capacity, and fails after the third time', () => {
    const noCapacity = (id: number) =>
      activity('Launching a new EC2 instance', {
        id: String(id),
        status: 'Failed',
        message: 'We currently do not have sufficient t3.nano capacity',
      });
    const empty = { group: group([]), targets: [] };
    expect(ask({ ...empty, activities: [noCapacity(1), noCapacity(2)] })).toMatchObject({
      verdict: 'waiting',
    });
    expect(ask({ ...empty, activities: [1, 2, 3].map(noCapacity) })).toMatchObject({
      error: 'CandidateLaunchFailed',
    });
  });
  it('is never called healthy with fewer healthy targets than wanted', () => {
    const states = fc.constantFrom(...Object.values(TargetHealthStateEnum));
    fc.assert(
      fc.property(fc.array(states, { maxLength: 6 }), fc.integer({ min: 1, max: 6 }), (given, wanted) => {
        const ids = given.map((_, index) => `i-${index}`);
        const verdict = ask({
          wanted,
          group: group(ids),
          targets: given.map((state, index) => target(`i-${index}`, state)),
        });
        const healthy = given.filter((state) => state === 'healthy').length;
        expect(verdict.verdict === 'healthy').toBe(healthy >= wanted);
      }),
    );
  });
});

describe('what serves', () => {
  it('may go on with half of its targets, and one at least', () => {
    expect(servingVerdict(1, [])).toMatchObject({ ok: false });
    expect(servingVerdict(1, [target('i-1', 'healthy')])).toMatchObject({ ok: true, reasons: [] });
    expect(servingVerdict(3, [target('i-1', 'healthy')])).toMatchObject({ ok: false, healthy: 1 });
    expect(servingVerdict(3, [target('i-1', 'healthy'), target('i-2', 'healthy')])).toMatchObject({
      ok: true,
    });
  });
  it('may not go on while its instances keep being replaced', () => {
    const verdict = servingVerdict(1, [target('i-1', 'healthy')], [replaced('i-8'), replaced('i-9')]);
    expect(verdict).toMatchObject({ ok: false });
    expect(verdict.reasons.join()).toContain('2 instances were replaced');
  });
});

describe('what happened lately', () => {
  const now = new Date('2026-11-23T12:00:00.000Z');
  const ago = (seconds: number) => activity('ended', { startedAt: now.getTime() - seconds * 1000 });

  it('began in the last quarter of an hour, to the second', () => {
    expect(flappingSeconds).toBe(900);
    expect(lately([ago(901), ago(900), ago(1)], now, 300)).toEqual([ago(900), ago(1)]);
  });
  it('goes as far back as a new instance may take to become healthy', () => {
    expect(lately([ago(1201), ago(1200)], now, 1200)).toEqual([ago(1200)]);
  });
});
