/** What a verdict on health says in words, whole: people read it first, and at night. */
import { describe, expect, it } from 'vitest';
import { instanceIn, servingVerdict } from '../../../src/fleet/health.ts';
import { activity, askHealth as ask, group, replaced, target } from './views.ts';

const launch = (message: string, status = 'Failed', id = message) =>
  activity('Launching a new EC2 instance', { id, status, message });
const ended = (id: string) =>
  activity(`Terminating EC2 instance: ${id}`, {
    cause:
      'an instance was taken out of service in response to an EC2 health check indicating it has been terminated or stopped.',
  });
const elb = 'an ELB system health check failure';

describe('a candidate that is waited for', () => {
  it('names each target that is not healthy, with the reason and words of the load balancer', () => {
    const targets = [
      target('i-1', 'healthy'),
      { id: 'i-2', state: 'unhealthy', reason: 'Target.ResponseCodeMismatch', description: 'codes: [500]' },
    ];
    expect(ask({ targets })).toEqual({
      verdict: 'waiting',
      healthy: 1,
      reasons: ['i-2 is unhealthy (Target.ResponseCodeMismatch: codes: [500])'],
    });
  });
  it.each([
    [{ reason: 'Target.Timeout' }, 'i-2 is unhealthy (Target.Timeout)'],
    [{ reason: 'Target.Timeout', description: '' }, 'i-2 is unhealthy (Target.Timeout)'],
    [{ description: 'Request timed out' }, 'i-2 is unhealthy (Request timed out)'],
    [{}, 'i-2 is unhealthy'],
  ])('says no more than it knows: %j', (why, words) => {
    const targets = [target('i-1', 'healthy'), { ...target('i-2', 'unhealthy'), ...why }];
    expect(ask({ targets })).toMatchObject({ reasons: [words] });
  });
  it('counts who is not registered yet', () => {
    expect(ask({ targets: [target('i-1', 'initial')] })).toEqual({
      verdict: 'waiting',
      healthy: 0,
      reasons: ['i-1 is initial', '1 of 2 instances are not registered with the load balancer yet'],
    });
  });
  it('says that its group does not exist', () => {
    expect(ask({ group: undefined })).toEqual({
      verdict: 'waiting',
      healthy: 0,
      reasons: [
        '2 of 2 instances are not registered with the load balancer yet',
        'the Auto Scaling group does not exist (yet)',
      ],
    });
  });
  it('is not called healthy where nothing is wanted, or the group is not there', () => {
    expect(ask({ wanted: 0 })).toEqual({ verdict: 'waiting', healthy: 2, reasons: [] });
    expect(ask({ wanted: 0, group: undefined, targets: [] })).toEqual({
      verdict: 'waiting',
      healthy: 0,
      reasons: ['the Auto Scaling group does not exist (yet)'],
    });
  });
  it('tells of who was replaced, and why', () => {
    const targets = [target('i-1', 'healthy'), target('i-2', 'initial')];
    expect(ask({ targets, activities: [replaced('i-9')] })).toEqual({
      verdict: 'waiting',
      healthy: 1,
      reasons: ['i-2 is initial', `i-9 was replaced after ${elb}`],
    });
  });
  it('keeps the words of Auto Scaling where they are others than it knows', () => {
    const cause = ' the instance was unhealthy for another cause ';
    const odd = activity('Terminating EC2 instance: i-9', { cause });
    const nameless = activity('Terminating an instance', {
      cause: 'unhealthy, and taken out of service in response to an odd thing',
    });
    expect(ask({ targets: [], activities: [odd] })).toMatchObject({
      reasons: [`Terminating EC2 instance: i-9: ${cause}`, expect.anything()],
    });
    expect(ask({ targets: [], activities: [nameless] })).toMatchObject({
      reasons: [
        'Terminating an instance: unhealthy, and taken out of service in response to an odd thing',
        '2 of 2 instances are not registered with the load balancer yet',
      ],
    });
  });
  it.each(['', '.', '.  '])('reads the cause of a replacement that ends in %j', (end) => {
    const cause = `at a time an unhealthy instance was taken out of service in response to an odd thing${end}`;
    expect(
      ask({ targets: [], activities: [activity('Terminating EC2 instance: i-9', { cause })] }),
    ).toMatchObject({
      reasons: ['i-9 was replaced after an odd thing', expect.anything()],
    });
  });
  it('tells once what failed to launch twice in the same words', () => {
    const failures = [launch('no capacity', 'Failed', '1'), launch('no capacity', 'Failed', '2')];
    expect(ask({ group: group([]), targets: [], activities: failures })).toEqual({
      verdict: 'waiting',
      healthy: 0,
      reasons: [
        'Launching a new EC2 instance: no capacity',
        '2 of 2 instances are not registered with the load balancer yet',
      ],
    });
  });
  it('minds only launches that failed', () => {
    const others = [
      launch('vCPU limit', 'Successful'),
      launch('vCPU limit', 'InProgress', '2'),
      activity('Terminating EC2 instance: i-9', { status: 'Failed', message: 'vCPU limit' }),
      activity('After Launching', { status: 'Failed', message: 'vCPU limit' }),
    ];
    expect(ask({ targets: [], activities: others })).toMatchObject({
      verdict: 'waiting',
      reasons: ['2 of 2 instances are not registered with the load balancer yet'],
    });
  });
  it('may lose as many as half of its instances to replacement, rounded up', () => {
    const activities = ['i-7', 'i-8', 'i-9'].map(replaced);
    const four = ['i-1', 'i-2', 'i-3', 'i-4'];
    const big = { group: group(four), targets: four.map((id) => target(id, 'healthy')) };
    expect(ask({ ...big, wanted: 4, activities: activities.slice(1) })).toMatchObject({ verdict: 'healthy' });
    expect(ask({ ...big, wanted: 4, activities })).toMatchObject({ verdict: 'failed' });
    expect(ask({ ...big, wanted: 3, activities: activities.slice(1) })).toMatchObject({ verdict: 'healthy' });
    expect(ask({ wanted: 1, activities: [replaced('i-9')] })).toMatchObject({ verdict: 'healthy' });
  });
  it.each([
    ['Terminating EC2 instance: i-9', 'at a time an instance failed its Health Check'],
    ['Terminating EC2 instance: i-9', 'a health-check failed'],
    ['terminating i-9', 'healthcheck'],
    ['Terminating EC2 instance: i-9', 'marked UNHEALTHY by a user'],
    ['Terminating EC2 instance: i-9', 'in response to an EC2 instance Status Checks failure'],
    ['Terminating EC2 instance: i-9', 'in response to an EC2 instance status check failure'],
    [
      'Terminating EC2 instance: i-9',
      'in response to an EC2 health check indicating it has been terminated or stopped.',
    ],
  ])('takes for a replacement: %s, %s', (description, cause) => {
    const twice = [activity(description, { cause }), activity(description, { id: '2', cause })];
    expect(ask({ activities: twice })).toMatchObject({ verdict: 'failed' });
  });
  it.each([
    ['Launching a new EC2 instance: i-9', 'in response to an unhealthy instance'],
    ['Not Terminating EC2 instance: i-9', 'unhealthy'],
    ['Terminating EC2 instance: i-9', 'the status was checked'],
    [
      'Terminating EC2 instance: i-9',
      'an instance was taken out of service in response to a difference between desired and actual capacity, shrinking the capacity from 3 to 2.',
    ],
    ['Terminating EC2 instance: i-9', 'taken out of service in response to its maximum instance lifetime.'],
    [
      'Terminating EC2 instance: i-9',
      'taken out of service in response to an EC2 instance rebalance recommendation.',
    ],
    [
      'Terminating EC2 instance: i-9',
      'taken out of service in response to an EC2 Spot Instance interruption notice.',
    ],
  ])('takes for none: %s, %s', (description, cause) => {
    const twice = [activity(description, { cause }), activity(description, { id: '2', cause })];
    expect(ask({ activities: twice })).toMatchObject({ verdict: 'healthy' });
  });
});

describe('a candidate that failed', () => {
  it('to launch says each failure once, and points at no console', () => {
    const activities = [
      launch('The image id [ami-1] does not exist'),
      launch('no capacity'),
      launch('no capacity', 'Failed', '3'),
    ];
    expect(ask({ group: group(['i-1']), activities })).toEqual({
      verdict: 'failed',
      error: 'CandidateLaunchFailed',
      healthy: 1,
      reasons: [
        'Launching a new EC2 instance: The image id [ami-1] does not exist',
        'Launching a new EC2 instance: no capacity',
      ],
      instances: [],
    });
  });
  it('to launch is seen in the description, too', () => {
    const odd = activity('Launching a new EC2 instance. Status Reason: InvalidAMIID', { status: 'Failed' });
    expect(ask({ targets: [], activities: [odd] })).toMatchObject({ error: 'CandidateLaunchFailed' });
  });
  it('by the deadline says how far it came, then why; the most telling instance first', () => {
    const members = group(['i-1', 'i-2', 'i-3', 'i-4']);
    const sick = { id: 'i-3', lifecycleState: 'InService', healthStatus: 'Unhealthy' };
    const verdict = ask({
      wanted: 4,
      group: { ...members, members: members.members.map((one) => (one.id === 'i-3' ? sick : one)) },
      targets: [
        target('i-1', 'initial'),
        target('i-2', 'unhealthy'),
        target('i-3', 'healthy'),
        target('i-4', 'healthy'),
        target('i-5', 'unhealthy'),
      ],
      activities: [replaced('i-9')],
      waitedSeconds: 120,
    });
    expect(verdict).toEqual({
      verdict: 'failed',
      error: 'CandidateUnhealthy',
      healthy: 2,
      reasons: [
        '2 of 4 instances were healthy after 120 s',
        'i-1 is initial',
        'i-2 is unhealthy',
        `i-9 was replaced after ${elb}`,
      ],
      instances: ['i-2', 'i-9', 'i-3', 'i-1', 'i-4'],
    });
  });
  it('by the deadline points at who starts before who is healthy', () => {
    const targets = [target('i-1', 'healthy'), target('i-2', 'initial')];
    expect(ask({ targets, waitedSeconds: 120 })).toMatchObject({ instances: ['i-2', 'i-1'] });
  });
  it('by the deadline points at nobody where there is nobody', () => {
    const nameless = activity('Terminating an instance', { cause: 'unhealthy' });
    const verdict = ask({ group: undefined, targets: [], activities: [nameless], waitedSeconds: 121 });
    expect(verdict).toMatchObject({ error: 'CandidateUnhealthy', instances: [] });
  });
  it.each([
    ['nothing ever launched', [], [], [launch('no capacity')], 'CandidateLaunchFailed'],
    ['who came is well', ['i-1'], ['healthy'], [launch('no capacity')], 'CandidateLaunchFailed'],
    ['who came is not all well', ['i-1'], ['initial'], [launch('no capacity')], 'CandidateUnhealthy'],
    [
      'who came was replaced',
      ['i-1'],
      ['healthy'],
      [launch('no capacity'), replaced('i-9')],
      'CandidateUnhealthy',
    ],
    ['none failed to launch', ['i-1'], ['healthy'], [], 'CandidateUnhealthy'],
  ])('by the deadline is named for its cause: %s', (_, ids, states, activities, error) => {
    const targets = states.map((state, index) => target(`i-${index + 1}`, state));
    expect(ask({ group: group(ids), targets, activities, waitedSeconds: 120 })).toMatchObject({ error });
  });
  it('again and again says so first, and leaves out who has only just started', () => {
    const verdict = ask({
      targets: [target('i-1', 'initial'), target('i-2', 'unhealthy')],
      activities: [replaced('i-8'), replaced('i-9')],
    });
    expect(verdict).toEqual({
      verdict: 'failed',
      error: 'CandidateUnhealthy',
      healthy: 0,
      reasons: [
        '2 instances were replaced for failing health',
        `i-8 was replaced after ${elb}`,
        `i-9 was replaced after ${elb}`,
        'i-2 is unhealthy',
      ],
      instances: ['i-2', 'i-8', 'i-9', 'i-1'],
    });
  });
  it('by ending by itself is told from one that failed its checks', () => {
    expect(ask({ activities: [ended('i-8'), ended('i-9')] })).toMatchObject({
      reasons: [
        '2 instances ended by themselves after they had started, and were replaced',
        expect.stringContaining('i-8 was replaced after an EC2 health check'),
        expect.stringContaining('i-9 was replaced after an EC2 health check'),
      ],
    });
    expect(ask({ activities: [ended('i-8'), replaced('i-9')] })).toMatchObject({
      reasons: expect.arrayContaining(['2 instances were replaced for failing health']),
    });
  });
});

describe('what serves and may not go on', () => {
  it('says how many are healthy, and who is not', () => {
    expect(servingVerdict(3, [target('i-1', 'healthy'), target('i-2', 'unhealthy')])).toEqual({
      ok: false,
      healthy: 1,
      reasons: ['1 of 3 targets are healthy', 'i-2 is unhealthy'],
    });
  });
  it('says who was replaced', () => {
    expect(servingVerdict(1, [], [replaced('i-9')])).toEqual({
      ok: false,
      healthy: 0,
      reasons: ['0 of 1 targets are healthy', `i-9 was replaced after ${elb}`],
    });
    expect(
      servingVerdict(1, [target('i-1', 'healthy')], [ended('i-8'), ended('i-9')]).reasons.slice(0, 2),
    ).toEqual([
      '1 of 1 targets are healthy',
      '2 instances ended by themselves after they had started, and were replaced',
    ]);
  });
  it('goes on while one was replaced, and with nothing wanted needs one', () => {
    expect(servingVerdict(1, [target('i-1', 'healthy')], [replaced('i-9')])).toMatchObject({ ok: true });
    expect(servingVerdict(0, [])).toMatchObject({ ok: false });
  });
});

describe('an instance', () => {
  it.each([
    ['Terminating EC2 instance: i-0123456789abcdef0', 'i-0123456789abcdef0'],
    ['i-1, then i-2', 'i-1'],
    ['ami-1 and hi-2', undefined],
    ['nobody', undefined],
  ])('is found in %j', (text, id) => {
    expect(instanceIn(text)).toBe(id);
  });
});
