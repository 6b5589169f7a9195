/**
 * A second version that is broken is turned away while the first goes on serving, and the person is told why: by the
 * command, by the API, and by the execution. Three fleets, so that the three troubles happen at the same time.
 */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { FleetView, ReleaseView, RolloutDetailView } from '../../src/contracts/api-views.ts';
import type { Traffic } from '../../tour/traffic.ts';
import { Place, type Said } from './broken-releases.ts';
import { until } from './echo-image.ts';

type Trouble = 'crashes' | 'never-healthy' | 'fails-later';
const troubles: readonly Trouble[] = ['crashes', 'never-healthy', 'fails-later'];

/** The bake ends after fails-later does: 15 s after its start, and two checks. The first release of a fleet has none. */
const spec = {
  healthCheck: { path: '/healthz', intervalSeconds: 5, unhealthyThreshold: 2, deadlineSeconds: 22 },
  instances: { minimum: 1, desired: 1, maximum: 2 },
  rollout: { steps: [{ weight: 50, bakeSeconds: 17 }, { weight: 100 }], drainSeconds: 2 },
};

interface Ending {
  readonly said: Said;
  readonly rollout: RolloutDetailView;
  readonly execution: { status: string; error: string; cause: string };
  readonly fleet: FleetView;
  readonly release: ReleaseView | undefined;
  readonly groups: readonly string[];
  readonly requests: Traffic;
}

let place: Place;
const endings = new Map<Trouble, Ending>();

function ending(trouble: Trouble): Ending {
  const found = endings.get(trouble);
  if (found === undefined) throw new Error(`${trouble} did not end`);
  return found;
}

/** The second version is sent while the first is still on its way, and waits for it. */
async function breakFleet(trouble: Trouble, first: string): Promise<Ending> {
  await place.applyFleet(trouble, spec);
  const sound = place.flotilla('deploy', first, '--fleet', trouble);
  const sick = await place.build({ version: '2', colour: 'red', trouble });
  await until(async () => {
    const { items } = await place.api.call('listRollouts', { params: { fleet: trouble } });
    return items.length > 0;
  }, 60_000);
  // A script's way once, a person's otherwise.
  const form = trouble === 'fails-later' ? ['--json'] : [];
  const broken = place.flotilla('deploy', sick, '--fleet', trouble, ...form);
  const { code, stdout, stderr } = await sound;
  expect(code, stdout + stderr).toBe(0);
  const client = place.ask(trouble, 20);

  const said = await broken;
  await place.keep(`${trouble}.txt`, `${said.stdout}\n--- stderr\n${said.stderr}\n--- ${said.code}\n`);
  const rollout = await place.api.call('getRollout', { params: { id: `${trouble}-2` } });
  // The record is written before the fleet is freed and the execution ends.
  await until(async () => (await place.ending(rollout.executionArn)).status !== 'RUNNING');
  const execution = await place.ending(rollout.executionArn);
  const requests = await client.stop();
  await place.keep(`${trouble}-cause.txt`, execution.cause);
  const fleet = await place.api.call('getFleet', { params: { fleet: trouble } });
  const { items } = await place.api.call('listReleases', { params: { fleet: trouble } });
  const release = items.find(({ number }) => number === 2);
  return { said, rollout, execution, fleet, release, groups: await place.groupsOf(trouble), requests };
}

beforeAll(async () => {
  place = await Place.open();
  const first = await place.build({ version: '1', colour: 'blue' });
  await Promise.all(troubles.map(async (trouble) => endings.set(trouble, await breakFleet(trouble, first))));
  // Only a guard against hanging: on a busy machine the three fleets take minutes.
}, 300_000);

afterAll(async () => {
  await place?.close();
});

/** What each broken version is found out by, and its last words. */
const told = {
  crashes: {
    error: 'CandidateUnhealthy',
    message: 'instances ended by themselves after they had started',
    words: 'cannot open the ledger: connection refused',
  },
  'never-healthy': {
    error: 'CandidateUnhealthy',
    message: '0 of 1 instances were healthy after 22 s',
    words: 'health: the ledger does not answer',
  },
  'fails-later': {
    error: 'CandidateUnhealthy',
    message: 'It was healthy and then failed while it had 50 % of the traffic',
    words: 'health: the ledger does not answer',
  },
} as const satisfies Record<Trouble, object>;

describe.each(troubles)('a second version that %s', (trouble) => {
  const { error, words } = told[trouble];

  test('costs no request', () => {
    const { requests } = ending(trouble);
    expect(requests.sent).toBeGreaterThan(200);
    expect(requests).toMatchObject({ failed: 0, failures: [], ok: requests.sent });
  });

  test(trouble === 'fails-later' ? 'serves for as long as it bakes' : 'never serves', () => {
    const { byRelease } = ending(trouble).requests;
    expect(Object.keys(byRelease).sort()).toEqual(trouble === 'fails-later' ? ['v1', 'v2'] : ['v1']);
  });

  test('leaves the first live with all of the traffic, and nothing of itself', () => {
    const { fleet, groups } = ending(trouble);
    expect(fleet).toMatchObject({
      state: 'serving',
      live: { release: 1, weight: 100 },
      candidate: null,
      warm: null,
      lease: null,
      gate: null,
      queue: [],
      needsAttention: [],
    });
    expect(fleet.weights[fleet.live?.slot ?? 'green']).toBe(100);
    expect(groups).toEqual([fleet.live?.groupName]);
  });

  test('is a failed release, with the reason', () => {
    expect(ending(trouble).release).toMatchObject({ state: 'failed', reason: expect.stringMatching(/\S/) });
  });

  test('is explained by the API: the cause, the instance and its last words', () => {
    const { rollout } = ending(trouble);
    expect(rollout).toMatchObject({
      status: 'failed',
      ended: true,
      live: { release: 1, weight: 100 },
      gate: null,
      error: { name: error, details: { instance: expect.stringMatching(/^i-[0-9a-f]+$/) } },
    });
    expect(rollout.error?.details?.console).toContain(words);
    expect(rollout.error?.message).not.toMatch(/[{}]|\\n/);
    expect(rollout.error?.message).toContain(told[trouble].message);
    expect(rollout.error?.message).toContain(String(rollout.error?.details?.instance));
  });

  test("is explained by the execution's cause, in lines that a person reads", () => {
    const { execution, rollout } = ending(trouble);
    expect(execution).toMatchObject({ status: 'FAILED', error });
    const lines = execution.cause.split('\n');
    expect(lines[1]).toContain(error);
    expect(execution.cause).toContain(told[trouble].message);
    expect(execution.cause).toContain(`instance  ${String(rollout.error?.details?.instance)}`);
    expect(lines.some((line) => line.trim().endsWith(`| ${words}`))).toBe(true);
    expect(execution.cause).toContain('v1 is live');
    expect(execution.cause).not.toMatch(/\{"|\\n|\\"/);
  });
});

test.each(['crashes', 'never-healthy'] as const)('the command tells why, cause first: %s', (trouble) => {
  const { said, rollout } = ending(trouble);
  expect(said.code).toBe(1);
  expect(said.stderr).toBe('');
  const card = said.stdout.slice(said.stdout.indexOf('✗'));
  const order = [
    `✗ ${trouble}-2`,
    'cause',
    told[trouble].message,
    `instance  ${String(rollout.error?.details?.instance)}`,
    told[trouble].words,
    'live now',
    'v1',
    rollout.executionArn,
  ].map((part) => [part, card.indexOf(part)] as const);
  expect(order.filter(([, at]) => at < 0)).toEqual([]);
  expect(order).toEqual([...order].sort(([, one], [, other]) => one - other));
});

test('the command tells a script the same, as one object on stdout', () => {
  const { said, rollout } = ending('fails-later');
  expect(said.code).toBe(1);
  const lines = said.stdout.trim().split('\n');
  expect(lines).toHaveLength(1);
  const { rollout: shown } = JSON.parse(lines[0] ?? '{}') as { rollout: RolloutDetailView };
  expect(shown.error).toEqual(rollout.error);
  expect(shown.live).toMatchObject({ release: 1, weight: 100 });
});

test('progress is told in sentences, without keys, numbers of versions or empty steps', () => {
  const { stdout } = ending('crashes').said;
  const progress = stdout.slice(0, stdout.indexOf('✗')).trimEnd().split('\n');
  const steps = progress.filter((line) => /^ {2}\d\d:\d\d:\d\d {2}/.test(line)).map((line) => line.slice(12));
  expect(steps).toEqual([
    expect.stringMatching(/^upload received, \d+\.\d MB$/),
    'program recognised, making its image',
    expect.stringMatching(/^image ami-[0-9a-f]+ stands; it is release v2$/),
    'v2 has the fleet to itself',
    'planned for slot green: 50 % for 17 s, then 100 %',
    'v2 starts, 1 instance; waiting until healthy',
    'going back: all traffic to live, then the candidate leaves',
    'nothing of the candidate is left',
  ]);
  // What is being sent, and which rollout it led to.
  expect(progress.length - steps.length).toBe(2);
});
