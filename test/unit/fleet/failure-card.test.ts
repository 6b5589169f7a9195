/** Each error that a rollout may end with has a page that a person can read; FLOTILLA_SHOW=1 prints them all. */
import { describe, expect, it } from 'vitest';
import { failureCard } from '../../../src/contracts/failure-card.ts';
import { errorCatalogue } from '../../../src/errors.ts';
import { cardText, causeCharacters } from '../../../src/fleet/card-text.ts';
import { type CardFacts, endedAs, type Failure, failureCardOf } from '../../../src/fleet/failure-card.ts';

const execution = 'arn:aws:states:us-east-1:000000000000:execution:flotilla-swap-fleet:web-2';
const facts: CardFacts = {
  fleet: 'web',
  number: 2,
  release: 2,
  executionArn: execution,
  status: 'failed',
  undone: ['all of the traffic went back to v1', 'the group flt-web-v2-r2 was emptied and deleted'],
  live: { release: 1, weight: 100, imageId: 'ami-1' },
};
const instance = 'i-0a1b2c3d4e5f60718';

/** What functions find, by the error that they throw. */
const found: Readonly<Record<string, Partial<Failure>>> = {
  CandidateUnhealthy: {
    message: `0 of 2 instances were healthy after 120 s; ${instance} is unhealthy (Target.ResponseCodeMismatch: Health checks failed with these codes: [503])`,
    details: {
      reasons: [
        '0 of 2 instances were healthy after 120 s',
        `${instance} is unhealthy (Target.ResponseCodeMismatch: Health checks failed with these codes: [503])`,
      ],
      healthCheck: 'GET /healthz on port 8080, every 5 s',
      checks: [{ instance, state: 'unhealthy', answer: 'Health checks failed with these codes: [503]' }],
      launches: [],
      instance,
      console: 'listening on :8080\nhealth: the ledger does not answer',
    },
  },
  CandidateLaunchFailed: {
    message:
      'Launching a new EC2 instance: You have requested more vCPU capacity than your current vCPU limit of 32 allows',
    details: {
      launches: [
        {
          activity: 'f9f2d65b-f1f2-43e7-b46d-d86756459699',
          at: '2026-01-01T00:01:00.000Z',
          what: 'Launching a new EC2 instance',
          why: 'You have requested more vCPU capacity than your current vCPU limit of 32 allows. Launching EC2 instance failed.',
        },
      ],
    },
  },
  AlarmRang: {
    message: 'alarm web-5xx rings: Threshold Crossed: 2 out of the last 2 datapoints were greater than 5.0',
    details: {
      alarms: [
        {
          name: 'web-5xx',
          reason: 'Threshold Crossed: 2 out of the last 2 datapoints were greater than 5.0',
          metric: 'AWS/ApplicationELB HTTPCode_Target_5XX_Count',
          statistic: 'Sum',
          periodSeconds: 60,
          comparison: '>',
          threshold: 5,
          datapoints: [9, 14.33333333333],
        },
      ],
    },
  },
  SmokeTestFailed: {
    message: `${instance} answered 500, not 200`,
    details: { instance, url: 'http://10.0.1.7:8080/smoke', answer: '{"error":"no ledger"}' },
  },
  PlanRefused: {
    message: 'the rule has blue 90 %, green 10 %; no health check',
    details: { reasons: ['the rule has blue 90 %, green 10 %', 'the slot green has no health check'] },
  },
};

function cardOf(name: string, more: Partial<CardFacts> = {}) {
  const failure = { name, message: 'Something did not go as planned', details: {}, ...found[name] };
  return failureCardOf({ ...facts, status: endedAs(name, true), ...more }, failure);
}

/** Everything that a state machine may catch: our own names, and what Step Functions and Lambda call theirs. */
const names = [
  ...Object.keys(errorCatalogue),
  'States.Timeout',
  'States.TaskFailed',
  'States.QueryEvaluationError',
  'Lambda.Unknown',
  'Sandbox.Timedout',
  'TypeError',
];

describe.each(names)('the card of %s', (name) => {
  const text = cardText(cardOf(name));
  if (process.env.FLOTILLA_SHOW === '1') console.log(`${text}\n`);

  it('has the cause first, then what was undone, what is live, and what to do', () => {
    const order = [
      '✗ web-2: v2',
      `  cause     `,
      `(${name})`,
      '  undone    ',
      '  live now  v1',
      '  next      ',
      execution,
    ];
    const places = order.map((part) => text.indexOf(part));
    expect(places.filter((place) => place < 0)).toEqual([]);
    expect(places).toEqual([...places].sort((one, other) => one - other));
  });

  it('fits on a page, and speaks to people', () => {
    const lines = text.split('\n');
    expect(lines.length).toBeLessThan(40);
    for (const line of lines) expect(line.length).toBeLessThan(200);
    expect(text.replace('| {"error":"no ledger"}', '')).not.toMatch(/undefined|\[object|null|\{"|\\n|\\"/);
  });

  it('is what the contract says', () => {
    expect(failureCard.safeParse(cardOf(name)).error).toBeUndefined();
  });
});

describe('the page', () => {
  it('names check, instance and answer once, and the last words of the console', () => {
    const text = cardText(cardOf('CandidateUnhealthy'));
    expect(text.match(/\[503\]/g)).toHaveLength(1);
    expect(text).toContain('  check     GET /healthz on port 8080, every 5 s\n');
    expect(text).toContain(
      `            ${instance} unhealthy: Health checks failed with these codes: [503]\n`,
    );
    expect(text).toContain(
      `  instance  ${instance}\n  console   | listening on :8080\n            | health:`,
    );
  });

  it("has the alarm's values, period and threshold", () => {
    expect(cardText(cardOf('AlarmRang'))).toContain(
      'Sum of AWS/ApplicationELB HTTPCode_Target_5XX_Count over 60 s: 9, 14.3333 (rings at > 5)',
    );
  });

  it('says that going back has not finished, and why', () => {
    const undone = ['not finished: live has 0 healthy targets of 2'];
    const text = cardText(cardOf('CandidateUnhealthy', { status: 'needs-attention', undone }));
    expect(text.split('\n')[0]).toContain('needs attention');
    expect(text).toContain('  undone    not finished: live has 0 healthy targets of 2');
    expect(text).toContain('tried again every minute');
  });

  it('stays within a cause, and keeps the cause, the last line of the console and the advice', () => {
    const long = Array.from({ length: 400 }, (_, line) => `${line} ${'😀'.repeat(300)}`).join('\n');
    const card = failureCardOf(facts, {
      name: 'CandidateUnhealthy',
      message: 'it failed',
      details: {
        instance,
        console: long,
        reasons: Array.from({ length: 500 }, (_, n) => `reason ${n} ${'x'.repeat(900)}`),
        launches: Array.from({ length: 100 }, (_, n) => ({
          activity: `a-${n}`,
          at: '2026-01-01T00:00:00.000Z',
          what: 'Launching',
          why: 'y'.repeat(5_000),
        })),
      },
    });
    for (const limit of [causeCharacters, 4_000, 2_000]) {
      const text = cardText(card, limit);
      expect(text.length).toBeLessThanOrEqual(limit);
      expect(text).toContain('The candidate is not healthy');
      expect(text).toContain('  next      ');
      expect(text).toContain(execution);
      expect(text.isWellFormed()).toBe(true);
    }
    expect(cardText(card)).toContain('  console   | ');
  });

  it('leaves out details that are not as they should be, rather than fail', () => {
    const card = failureCardOf(facts, {
      name: 'AlarmRang',
      message: 'rang',
      details: { alarms: ['web-5xx'], checks: 7 },
    });
    expect(card).toMatchObject({ alarms: [], checks: [], cause: { reasons: ['rang'] } });
  });
});
