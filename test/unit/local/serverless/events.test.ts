import { describe, expect, it } from 'vitest';
import { VirtualClock } from '../../../../local/clock.ts';
import type { Context } from '../../../../local/context.ts';
import { briefLag, Lag } from '../../../../local/lag.ts';
import { Random } from '../../../../local/random.ts';
import type { Call, Principal } from '../../../../local/service.ts';
import { createEvents } from '../../../../local/services/events/events.ts';
import { compilePattern } from '../../../../local/services/events/pattern.ts';
import { parseSchedule } from '../../../../local/services/events/schedule.ts';

const principal: Principal = {
  kind: 'root',
  arn: 'arn:aws:iam::000000000000:root',
  userId: '0',
  policies: [],
};
const functionArn = 'arn:aws:lambda:us-east-1:000000000000:function:f';

function createBus() {
  const clock = new VirtualClock();
  const invoked: { at: number; payload: unknown }[] = [];
  const started: unknown[] = [];
  const context: Context = {
    clock,
    random: new Random(3),
    lag: new Lag(3, briefLag),
    accountId: '000000000000',
    regionName: 'us-east-1',
    zones: [],
    dataDir: '/nonexistent',
    endpoint: () => '',
    hooks: {
      publish: () => undefined,
      invokeAsync: (_arn, payload) => void invoked.push({ at: clock.now(), payload }),
      call: async (_service, _operation, input) => void started.push(input),
      sessionFor: () => Promise.reject(new Error('not needed')),
    },
  };
  const events = createEvents(context, { rolePrincipal: () => principal, trusts: () => true });
  const call = { principal } as Call;
  const run = async (operation: string, input: object) =>
    events.service.operations[operation]?.run(input, call);
  return { clock, events, run, invoked, started };
}

describe('an event pattern', () => {
  const event = {
    source: 'aws.states',
    detail: {
      status: 'FAILED',
      size: 7,
      tags: ['a', 'b'],
      gone: null,
      people: [
        { name: 'Anna', age: 30, pets: [{ kind: 'dog', name: 'Rex' }, { kind: 'cat', name: 'Tom' }] }, // biome-ignore format: one line
        { name: 'Bob', age: 40 },
      ],
      path: 'a*b...\\end',
      ip: '10.0.0.200',
      ip6: '2001:db8::1',
    },
  };
  it.each([
    [{ source: ['aws.states'] }, true],
    [{ source: ['aws.ec2', 'aws.states'] }, true],
    [{ source: ['aws.ec2'] }, false],
    [{ source: [{ prefix: 'aws.' }] }, true],
    [{ source: [{ suffix: '.ec2' }] }, false],
    [{ source: [{ wildcard: 'a*.st*s' }] }, true],
    [{ source: [{ 'equals-ignore-case': 'AWS.STATES' }] }, true],
    [{ detail: { status: [{ 'anything-but': ['SUCCEEDED', 'RUNNING'] }] } }, true],
    [{ detail: { status: [{ 'anything-but': { prefix: 'FAIL' } }] } }, false],
    [{ detail: { missing: [{ 'anything-but': 'x' }] } }, false],
    [{ detail: { missing: [{ exists: false }] } }, true],
    [{ detail: { status: [{ exists: true }] } }, true],
    [{ detail: { size: [{ numeric: ['>', 5, '<=', 7] }] } }, true],
    [{ detail: { size: [{ numeric: ['>', 7] }] } }, false],
    [{ detail: { tags: ['b'] } }, true],
    [{ detail: { gone: [null] } }, true],
    [{ $or: [{ source: ['x'] }, { detail: { size: [7] } }] }, true],
    [{ $or: [{ source: ['x'] }, { detail: { size: [8] } }] }, false],
    [{ source: ['aws.states'], detail: { status: ['SUCCEEDED'] } }, false],
    [{ detail: { people: { name: ['Anna'], age: [30] } } }, true],
    [{ detail: { people: { name: ['Anna'], age: [40] } } }, false],
    [{ detail: { people: { name: ['Anna'], pets: { kind: ['cat'], name: ['Tom'] } } } }, true],
    [{ detail: { people: { name: ['Bob'], pets: { kind: ['cat'] } } } }, false],
    [{ detail: { people: { pets: { kind: ['cat'], name: ['Rex'] } } } }, false],
    [{ detail: { people: { $or: [{ age: [31] }, { age: [40] }], name: ['Anna'] } } }, false],
    [{ detail: { people: { pets: { kind: [{ exists: false }] } } } }, false],
    [{ detail: { people: { boss: { name: [{ exists: false }] } } } }, true],
    [{ detail: { people: [{ exists: true }] } }, false],
    [{ detail: { path: [{ wildcard: 'a\\*b*\\\\end' }] } }, true],
    [{ detail: { path: [{ wildcard: '*\\*' }] } }, false],
    [{ detail: { path: [{ 'anything-but': { wildcard: '*\\\\end' } }] } }, false],
    [{ detail: { ip: [{ cidr: '10.0.0.0/24' }] } }, true],
    [{ detail: { ip: [{ cidr: '10.0.1.0/24' }] } }, false],
    [{ detail: { ip: [{ cidr: '::/0' }] } }, false],
    [{ detail: { ip6: [{ cidr: '2001:db8::/32' }] } }, true],
    [{ source: [{ cidr: '10.0.0.0/8' }] }, false],
  ])('%j is met: %s', (pattern, met) => {
    expect(compilePattern(JSON.stringify(pattern))(event)).toBe(met);
  });

  it.each([
    '{}',
    '[]',
    '{"source":"x"}',
    '{"source":[]}',
    '{"source":[{"like":"x"}]}',
    '{"source":[{"wildcard":"a**b"}]}',
    '{"source":[{"wildcard":"a\\\\b"}]}',
    '{"source":[{"wildcard":"a\\\\"}]}',
    '{"source":[{"wildcard":7}]}',
    '{"source":[{"cidr":"10.0.0.0"}]}',
    '{"source":[{"cidr":"10.0.0.0/33"}]}',
    '{"source":[{"cidr":"10.0/8"}]}',
    'nonsense',
  ])('refuses %s', (pattern) => {
    expect(() => compilePattern(pattern)).toThrow(/not valid/);
  });
});

describe('a schedule', () => {
  const start = Date.UTC(2026, 0, 1, 10, 7, 30);
  const next = (expression: string) => {
    const at = parseSchedule(expression, start)(start);
    return at === undefined ? undefined : new Date(at).toISOString();
  };
  it.each([
    ['rate(5 minutes)', '2026-01-01T10:12:30.000Z'],
    ['rate(1 hour)', '2026-01-01T11:07:30.000Z'],
    ['cron(0 12 * * ? *)', '2026-01-01T12:00:00.000Z'],
    ['cron(0/15 * * * ? *)', '2026-01-01T10:15:00.000Z'],
    ['cron(15 10 ? * MON-FRI *)', '2026-01-01T10:15:00.000Z'],
    ['cron(0 8 1 * ? *)', '2026-02-01T08:00:00.000Z'],
    ['cron(0 8 L * ? *)', '2026-01-31T08:00:00.000Z'],
    ['cron(0 9 ? * 2#1 *)', '2026-01-05T09:00:00.000Z'],
    ['cron(0 0 1 1 ? 2020)', undefined],
  ])('%s is due at %s', (expression, at) => {
    expect(next(expression)).toBe(at);
  });

  it.each([
    'rate(1 minutes)',
    'rate(0 minutes)',
    'rate(5 minute)',
    'cron(0 12 * * *)',
    'cron(0 12 * * * *)',
    'at(now)',
  ])('refuses %s', (expression) => {
    expect(() => next(expression)).toThrow(/not valid/);
  });
});

describe('the bus', () => {
  const rule = { Name: 'ended', EventPattern: JSON.stringify({ source: ['aws.states'] }) };
  const event = {
    source: 'aws.states',
    detailType: 'Changed',
    detail: { name: 'x"y' },
    resources: ['arn:x'],
  };

  it('hands an event to a function, in its envelope', async () => {
    const { clock, events, run, invoked } = createBus();
    await run('PutRule', rule);
    await run('PutTargets', { Rule: 'ended', Targets: [{ Id: '1', Arn: functionArn }] });
    events.publish(event);
    events.publish({ ...event, source: 'aws.ec2' });
    await clock.advance(2_000);
    expect(invoked.map(({ payload }) => payload)).toEqual([
      expect.objectContaining({
        version: '0',
        source: 'aws.states',
        'detail-type': 'Changed',
        account: '000000000000',
        region: 'us-east-1',
        time: '2026-01-01T00:00:00Z',
        resources: ['arn:x'],
        detail: { name: 'x"y' },
      }),
    ]);
  });

  it('starts a machine with what the transformer makes', async () => {
    const { clock, events, run, started } = createBus();
    await run('PutRule', rule);
    await run('PutTargets', {
      Rule: 'ended',
      Targets: [
        {
          Id: '1',
          Arn: 'arn:aws:states:us-east-1:000000000000:stateMachine:m',
          RoleArn: 'arn:aws:iam::000000000000:role/r',
          InputTransformer: {
            InputPathsMap: { name: '$.detail.name', all: '$.resources' },
            InputTemplate: '{"text": "is <name>", "name": <name>, "all": <all>}',
          },
        },
      ],
    });
    events.publish(event);
    await clock.advance(2_000);
    expect(started).toHaveLength(1);
    expect(JSON.parse((started[0] as { input: string }).input)).toEqual({
      text: 'is x"y',
      name: 'x"y',
      all: ['arn:x'],
    });
  });

  it('gives a template the names of the rule, the event without and with its detail, and when it came', async () => {
    const { clock, run, invoked } = createBus();
    const Arn = 'arn:aws:events:us-east-1:000000000000:rule/mine';
    await run('PutRule', { Name: 'mine', EventPattern: JSON.stringify({ source: ['me'] }) });
    await run('PutTargets', {
      Rule: 'mine',
      Targets: [
        {
          Id: '1',
          Arn: functionArn,
          InputTransformer: {
            InputTemplate:
              '{"rule": <aws.events.rule-arn>, "text": "by <aws.events.rule-name>", "event": <aws.events.event>, "all": <aws.events.event.json>, "came": <aws.events.event.ingestion-time>}',
          },
        },
      ],
    });
    await clock.advance(1_250);
    const Time = new Date('2020-02-03T04:05:06Z');
    await run('PutEvents', { Entries: [{ Source: 'me', DetailType: 't', Detail: '{"a":1}', Time }] });
    await clock.advance(2_000);
    const told = { source: 'me', 'detail-type': 't', time: '2020-02-03T04:05:06Z' };
    const { payload } = invoked[0] as { payload: { event: object } };
    expect(payload).toMatchObject({
      rule: Arn,
      text: 'by mine',
      event: told,
      all: { ...told, detail: { a: 1 } },
      came: '2026-01-01T00:00:01.250Z',
    });
    expect(payload.event).not.toHaveProperty('detail');
  });

  it('loses and doubles events on request', async () => {
    const { clock, events, run, invoked } = createBus();
    await run('PutRule', rule);
    await run('PutTargets', { Rule: 'ended', Targets: [{ Id: '1', Arn: functionArn }] });
    events.faults.drop();
    events.publish(event);
    await clock.advance(2_000);
    expect(invoked).toHaveLength(0);
    events.faults.double();
    events.publish(event);
    events.publish(event);
    await clock.advance(2_000);
    expect(invoked).toHaveLength(3);
  });

  it('keeps a schedule until the rule is disabled', async () => {
    const { clock, run, invoked } = createBus();
    await run('PutRule', { Name: 'tick', ScheduleExpression: 'rate(1 minute)' });
    await run('PutTargets', { Rule: 'tick', Targets: [{ Id: '1', Arn: functionArn }] });
    await clock.advance(3 * 60_000 + 1_000);
    expect(invoked).toHaveLength(3);
    await run('DisableRule', { Name: 'tick' });
    await clock.advance(10 * 60_000);
    expect(invoked).toHaveLength(3);
  });

  it('refuses a source of AWS and a malformed detail, entry by entry', async () => {
    const { run } = createBus();
    const entry = { Source: 'me', DetailType: 't', Detail: '{}' };
    expect(
      await run('PutEvents', {
        Entries: [entry, { ...entry, Source: 'aws.ec2' }, { ...entry, Detail: '[]' }],
      }),
    ).toMatchObject({
      FailedEntryCount: 2,
      Entries: [
        { EventId: expect.any(String) },
        { ErrorCode: 'NotAuthorizedForSourceException' },
        { ErrorCode: 'MalformedDetail' },
      ],
    });
  });
});
