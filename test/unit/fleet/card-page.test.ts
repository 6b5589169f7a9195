/** The failure card as a page, line by line: what it says of each kind of evidence, and what it leaves out. */
import { describe, expect, it } from 'vitest';
import type { AlarmEvidence, FailureCard } from '../../../src/contracts/failure-card.ts';
import { errorCatalogue } from '../../../src/errors.ts';
import { cardText } from '../../../src/fleet/card-text.ts';
import { type CardFacts, failureCardOf } from '../../../src/fleet/failure-card.ts';

const bare: FailureCard = {
  id: 'web-2',
  fleet: 'web',
  rollout: 2,
  release: 3,
  status: 'failed',
  cause: { name: 'AlarmRang', title: 'An alarm rang', reasons: [] },
  checks: [],
  launches: [],
  alarms: [],
  smokeTest: null,
  console: null,
  undone: [],
  live: null,
  next: 'Look.',
  executionArn: 'arn:execution',
};
const page = (more: Partial<FailureCard> = {}): string[] => cardText({ ...bare, ...more }).split('\n');
/** What the page says beside the lines that every page has. */
const added = (more: Partial<FailureCard>): string[] => {
  const always = page();
  return page(more).filter((line) => !always.includes(line));
};
const numbers = (count: number): number[] => Array.from({ length: count }, (_, n) => n + 1);

describe('a page', () => {
  it('with no evidence says what happened, what is live, and what to do', () => {
    expect(page()).toEqual([
      '✗ web-2: v3 failed and was undone',
      '  cause     An alarm rang (AlarmRang)',
      '  live now  nothing',
      '  next      Look.',
      '  more      arn:execution',
    ]);
  });

  it.each([
    ['aborted', '✗ web-2: v3 was ended by a person and undone'],
    ['needs-attention', '✗ web-2: v3 failed, and going back has not finished: it needs attention'],
  ] as const)('of a rollout that is %s says so first', (status, line) => {
    expect(page({ status })[0]).toBe(line);
  });

  it('of a rollout that no person let through its gate does not say whether one said no', () => {
    const cause = { ...bare.cause, name: 'GateRejected' };
    expect(page({ status: 'aborted', cause })[0]).toBe(
      '✗ web-2: v3 was not let through its gate, and was undone',
    );
  });

  it.each([
    [{ release: 1, weight: 100, imageId: 'ami-1' }, '  live now  v1 (ami-1) is live, at 100 %'],
    [{ release: 1, weight: 95 }, '  live now  v1 is live, at 95 %'],
  ])('says what serves: %j', (live, line) => {
    expect(added({ live })).toEqual([line]);
  });

  it('has each reason on a line, twelve of them, and says how many there are besides', () => {
    const reasons = (count: number) => numbers(count).map((n) => `reason ${n}`);
    const told = (count: number) => added({ cause: { ...bare.cause, reasons: reasons(count) } });
    expect(told(2)).toEqual(['            reason 1', '            reason 2']);
    expect(told(11)).toHaveLength(11);
    expect(told(12).at(-1)).toBe('            reason 12');
    expect(told(13).slice(-2)).toEqual(['            reason 12', '            and 1 more']);
  });

  it('does not say among the reasons what stands among the evidence', () => {
    const reasons = [
      'i-1 is unhealthy (timed out)',
      'it was late',
      'the quota of 1.5 is used up',
      'i-2 is unhealthy',
    ];
    expect(
      added({
        cause: { ...bare.cause, reasons },
        healthCheck: 'GET /',
        checks: [{ instance: 'i-1', state: 'unhealthy', answer: 'timed out' }],
        launches: [{ activity: 'a', at: 'now', what: 'Launching', why: ' the quota of 1.5 is used up. ' }],
      }),
    ).toEqual([
      '            it was late',
      '            i-2 is unhealthy',
      '  check     GET /',
      '            i-1 unhealthy: timed out',
      '  launch     the quota of 1.5 is used up. ',
      '            Launching, now, activity a',
    ]);
  });

  it('says what was asked of instances where one failed it, and lists six of them', () => {
    const checks = numbers(7).map((n) => ({ instance: `i-${n}`, state: 'unhealthy', answer: `no ${n}` }));
    expect(added({ healthCheck: 'GET /' })).toEqual([]);
    expect(added({ healthCheck: 'GET /', checks })).toEqual([
      '  check     GET /',
      ...numbers(6).map((n) => `            i-${n} unhealthy: no ${n}`),
    ]);
    expect(added({ checks: checks.slice(0, 1) })).toEqual(['            i-1 unhealthy: no 1']);
  });

  it('lists six failed launches, each to be found in the console of Auto Scaling', () => {
    const launches = numbers(7).map((n) => ({
      activity: `a-${n}`,
      at: `t-${n}`,
      what: 'Launching',
      why: `no ${n}`,
    }));
    expect(added({ launches })).toEqual(
      numbers(6).flatMap((n) => [`  launch    no ${n}`, `            Launching, t-${n}, activity a-${n}`]),
    );
  });

  it.each<[string, Partial<AlarmEvidence>, string[]]>([
    ['by its sentence', { reason: 'why' }, ['why']],
    ['by its name', {}, []],
    [
      'by what it measured',
      {
        metric: 'AWS/X Errors',
        statistic: 'Sum',
        periodSeconds: 60,
        comparison: '>=',
        threshold: 5,
        datapoints: [9, 1],
      },
      ['Sum of AWS/X Errors over 60 s: 9, 1 (rings at >= 5)'],
    ],
    [
      'and not by its sentence besides',
      { reason: 'why', threshold: 5, datapoints: [0.123_456_789] },
      [' over ? s: 0.123457 (rings at 5)'],
    ],
    [
      'without values',
      { statistic: 'Sum', periodSeconds: 60, threshold: 0, datapoints: [] },
      ['Sum over 60 s: no values (rings at 0)'],
    ],
    [
      'without values that are known',
      { metric: 'M', periodSeconds: 60, threshold: 0 },
      ['of M over 60 s: no values (rings at 0)'],
    ],
    ['by those that rang it', { reason: 'why', triggeredBy: ['a', 'b'] }, ['rung by a, b', 'why']],
    ['by nobody', { triggeredBy: [] }, []],
  ])('tells an alarm %s', (_, alarm, lines) => {
    expect(added({ alarms: [{ name: 'errors', reason: '', ...alarm }] })).toEqual([
      '  alarm     errors',
      ...lines.map((line) => `            ${line}`),
    ]);
  });

  it('quotes the answer to the smoke test, line by line', () => {
    const smokeTest = { instance: 'i-1', url: 'http://10.0.0.1/', answer: 'one\ntwo' };
    expect(added({ smokeTest })).toEqual([
      '  smoke     GET http://10.0.0.1/',
      '            | one',
      '            | two',
    ]);
    expect(added({ smokeTest: { ...smokeTest, answer: '' } })).toEqual(['  smoke     GET http://10.0.0.1/']);
  });

  it('has the last twenty lines of the console', () => {
    const lines = numbers(22).map((n) => `line ${n}`);
    expect(added({ console: { instance: 'i-1', lines } })).toEqual([
      '  instance  i-1',
      '  console   | line 3',
      ...numbers(19).map((n) => `            | line ${n + 3}`),
    ]);
  });

  it('leaves empty lines out, and breaks no line but where one breaks', () => {
    expect(added({ undone: ['one\n \n\ntwo', 'three'], next: 'a\nb' })).toEqual([
      '  undone    one',
      '            two',
      '            three',
      '  next      a',
      '            b',
    ]);
  });

  it('cuts a line at 400 characters, and never through one of them', () => {
    const cut = (text: string) => added({ undone: [text] })[0] ?? '';
    expect(cut('x'.repeat(388))).toBe(`  undone    ${'x'.repeat(388)}`);
    expect(cut('x'.repeat(389))).toBe(`  undone    ${'x'.repeat(387)}…`);
    expect(cut(`${'x'.repeat(386)}😀yz`)).toBe(`  undone    ${'x'.repeat(386)}…`);
    expect(cut(`${'x'.repeat(385)}😀yz`)).toBe(`  undone    ${'x'.repeat(385)}😀…`);
  });
});

describe('a page that is too long', () => {
  const lines = numbers(20).map((n) => `line ${n} ${'x'.repeat(80)}`);
  const text = (limit: number) => cardText({ ...bare, console: { instance: 'i-1', lines } }, limit);
  const shown = (limit: number) => [...text(limit).matchAll(/\| line (\d+)/g)].map(([, n]) => Number(n));

  it('gives up the beginning of the console, step by step', () => {
    const whole = text(100_000).length;
    expect(shown(whole)).toHaveLength(20);
    expect(shown(whole - 1)).toEqual(numbers(20).slice(10));
    const ten = text(whole - 1).length;
    expect(shown(ten - 1)).toEqual([16, 17, 18, 19, 20]);
    const five = text(ten - 1).length;
    expect(shown(five - 1)).toEqual([20]);
    const one = text(five - 1).length;
    expect(text(one)).toBe(text(five - 1));
  });

  it('then is cut in the middle: the cause stands at its head, and at its foot what to do', () => {
    const undone = numbers(9).map((n) => `${n} ${'y'.repeat(386)}`);
    const card = { ...bare, console: { instance: 'i-1', lines }, undone };
    const whole = cardText(
      card,
      cardText({ ...card, console: { instance: 'i-1', lines: lines.slice(-1) } }).length,
    );
    expect(whole).not.toContain('…');
    for (const limit of [2_000, whole.length - 1]) {
      const cut = cardText(card, limit).split('\n');
      expect(cut.join('\n')).toHaveLength(limit);
      expect(cut.slice(0, 2)).toEqual(page().slice(0, 2));
      expect(cut.at(-5)).toMatch(/^ {12}\d y+…$/);
      expect(cut.slice(-4)).toEqual(whole.split('\n').slice(-4));
    }
  });
});

describe('a card', () => {
  const facts: CardFacts = {
    fleet: 'web',
    number: 2,
    release: 3,
    executionArn: 'arn:execution',
    status: 'failed',
    undone: ['nothing'],
    live: null,
  };
  const cardOf = (message: string, details: Record<string, unknown> = {}, more: Partial<CardFacts> = {}) =>
    failureCardOf({ ...facts, ...more }, { name: 'SmokeTestFailed', message, details });
  const reasons = (message: string, given?: unknown) => cardOf(message, { reasons: given }).cause.reasons;

  it('has every fact of the rollout', () => {
    const { cause, next, ...rest } = cardOf('it failed');
    expect(cause).toEqual({ name: 'SmokeTestFailed', title: expect.any(String), reasons: ['it failed'] });
    expect(rest).toStrictEqual({
      id: 'web-2',
      fleet: 'web',
      rollout: 2,
      release: 3,
      status: 'failed',
      checks: [],
      launches: [],
      alarms: [],
      smokeTest: null,
      console: null,
      undone: ['nothing'],
      live: null,
      executionArn: 'arn:execution',
    });
    const stuck = cardOf('it failed', {}, { status: 'needs-attention' });
    expect(stuck.next).toBe(
      `Nothing yet: going back is tried again every minute; cure what it waits for. Then: ${next}`,
    );
  });

  it.each([
    ['GateAborted', ''],
    ['RolloutInterrupted', ' Then: Deploy again.'],
    ['SmokeTestFailed', ' Then: Mend what the answer tells of, and deploy again.'],
    ['GateRejected', ` Then: ${errorCatalogue.GateRejected.advice}`],
  ] as const)('does not say of %s that all is well while going back has not ended', (name, then) => {
    const stuck = { status: 'needs-attention' as const };
    expect(failureCardOf({ ...facts, ...stuck }, { name, message: 'm', details: {} }).next).toBe(
      `Nothing yet: going back is tried again every minute; cure what it waits for.${then}`,
    );
  });

  it.each([
    ['a; b', undefined, ['a', 'b']],
    ['a; b', [], ['a', 'b']],
    [' a. ;  ; b', undefined, ['a', 'b']],
    ['a; b', ['a', 'b'], ['a', 'b']],
    ['v1.2. was it', undefined, ['v1.2. was it']],
    ['it was late', ['i-1 is ill.', ' '], ['it was late', 'i-1 is ill']],
    ['it was late', 7, ['it was late']],
    ['', undefined, []],
  ])('reads %j with %j as the reasons %j', (message, given, read) => {
    expect(reasons(message, given)).toEqual(read);
  });

  it('has the smoke test where an address was asked, and the console where somebody said something', () => {
    expect(cardOf('m', { url: 'http://a/' }).smokeTest).toEqual({
      instance: '',
      url: 'http://a/',
      answer: '',
    });
    expect(cardOf('m', { url: 'http://a/', instance: 'i-1', answer: 'no' }).smokeTest).toEqual({
      instance: 'i-1',
      url: 'http://a/',
      answer: 'no',
    });
    expect(cardOf('m', { instance: 'i-1', console: 'one\n \ntwo\n' }).console).toEqual({
      instance: 'i-1',
      lines: ['one', 'two'],
    });
    for (const details of [{ instance: 'i-1' }, { console: 'one' }, { instance: 'i-1', console: ' \n ' }]) {
      expect(cardOf('m', details).console).toBeNull();
    }
  });

  it('has the evidence that was found', () => {
    const checks = [{ instance: 'i-1', state: 'unhealthy', answer: 'no' }];
    const launches = [{ activity: 'a', at: '2026-01-01T00:00:00.000Z', what: 'Launching', why: 'no' }];
    const alarms = [{ name: 'errors', reason: 'why' }];
    expect(cardOf('m', { healthCheck: 'GET /', checks, launches, alarms })).toMatchObject({
      healthCheck: 'GET /',
      checks,
      launches,
      alarms,
    });
  });
});
