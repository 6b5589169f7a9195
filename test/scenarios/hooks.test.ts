/** The fleet's own functions, which have a say before and after traffic. */
import { afterEach, describe, expect, it } from 'vitest';
import { createFunction } from '../support/functions.ts';
import { Fleet } from './kit/fleet.ts';
import { notPackaged } from './kit/fleet-in-virtual-time.ts';

const arnOf = (name: string) => `arn:aws:lambda:us-east-1:000000000000:function:${name}`;
const steps = [{ weight: 50, bakeSeconds: 30 }, { weight: 100 }];

describe.skipIf(notPackaged !== undefined)('the hooks of a fleet', () => {
  let fleet: Fleet;
  afterEach(async () => {
    await fleet?.world.close();
  });

  /** A fleet with one live release, which had no hooks, and functions that answer so. */
  async function withHooks(hooks: Readonly<Record<string, string>>, wanted: object, tagged = true) {
    const rollout = { steps, drainSeconds: 0, keepWarmSeconds: 600 };
    fleet = await Fleet.create({ rollout });
    expect(await fleet.deploy(await fleet.image('one'))).toMatchObject({ status: 'SUCCEEDED' });
    for (const [name, answer] of Object.entries(hooks)) {
      const source = `export const handler = async (event) => { console.log('asked ' + JSON.stringify(event)); ${answer} };`;
      const Resource = await createFunction(fleet.world.region, name, source, { Timeout: 60 });
      if (tagged)
        await fleet.world.call('lambda', 'TagResource', { Resource, Tags: { 'flotilla:hook': 'flotilla' } });
    }
    await fleet.apply({ rollout: { ...rollout, hooks: wanted } });
  }

  /** What a hook was told, each time. */
  function told(name: string) {
    return fleet.world.region.parts.logs
      .messages(`/aws/lambda/${name}`)
      .flatMap((line) => /asked (\{.*\})/.exec(line)?.[1] ?? [])
      .map((text) => JSON.parse(text));
  }

  const go = "return { verdict: 'go' };";

  it('are asked before any traffic and before promotion, with what they need to look for themselves', async () => {
    await withHooks({ early: go, late: go }, { beforeTraffic: arnOf('early'), afterTraffic: arnOf('late') });
    expect(await fleet.deploy(await fleet.image('two'))).toMatchObject({ status: 'SUCCEEDED' });
    const { fixed } = await fleet.item();
    const [before, ...again] = told('early');
    expect(again).toEqual([]);
    expect(before).toEqual({
      moment: 'before-traffic',
      fleet: 'web',
      rollout: 2,
      release: 2,
      imageId: expect.stringMatching(/^ami-/),
      slot: 'green',
      targetGroupArn: fixed.greenArn,
      port: 8080,
      targets: [
        { instance: expect.stringMatching(/^i-/), address: expect.stringMatching(/^10\./) },
        { instance: expect.stringMatching(/^i-/), address: expect.stringMatching(/^10\./) },
      ],
    });
    expect(told('late')).toEqual([{ ...before, moment: 'after-traffic' }]);
  });

  async function expectOnlyFirst() {
    expect(await fleet.item()).toMatchObject({
      live: { release: 1 },
      candidate: null,
      lease: null,
      pins: [],
    });
    expect(await fleet.weights()).toEqual({ blue: 100, green: 0 });
    expect(await fleet.groups()).toEqual([{ name: 'flt-web-v1-r1', minimum: 1, desired: 2 }]);
  }

  it('refuse before traffic: none is moved, and the cause has their words', async () => {
    const refuse = "return { verdict: 'refuse', reason: 'the schema is not migrated' };";
    await withHooks({ early: refuse }, { beforeTraffic: arnOf('early') });
    const end = await fleet.deploy(await fleet.image('two'));
    expect(end).toMatchObject({ status: 'FAILED', error: 'HookRefused' });
    expect(end.cause).toContain('The hook before traffic refused: the schema is not migrated');
    const shifts = fleet.world.invoked.filter((name) => name === 'shift-traffic');
    expect(shifts).toHaveLength(1);
    expect(await fleet.release(2)).toMatchObject({ state: 'failed' });
    await expectOnlyFirst();
  });

  it('refuse after traffic: live gets it back', async () => {
    await withHooks({ late: "return 'yes';" }, { afterTraffic: arnOf('late') });
    const end = await fleet.deploy(await fleet.image('two'));
    expect(end).toMatchObject({ status: 'FAILED', error: 'HookRefused' });
    expect(end.cause).toContain('its answer was not a verdict of go');
    expect(told('late')).toHaveLength(1);
    await expectOnlyFirst();
  });

  it.each([
    ['throw', "throw new Error('no database');", 'The hook before traffic failed: Error: no database'],
    [
      'give no answer in time',
      'await new Promise((r) => setTimeout(r, 50_000));',
      'gave no answer within 5 s',
    ],
  ])('%s: the rollout is undone, and the release is not blamed', async (_, answer, words) => {
    await withHooks({ early: answer }, { beforeTraffic: arnOf('early'), timeoutSeconds: 5 });
    const end = await fleet.deploy(await fleet.image('two'));
    expect(end).toMatchObject({ status: 'FAILED', error: 'HookFailed' });
    expect(end.cause).toContain(words);
    expect(told('early')).toHaveLength(1);
    expect(await fleet.release(2)).toMatchObject({ state: 'new' });
    await expectOnlyFirst();
  });

  it('that are not there, or not tagged, refuse the rollout before anything is launched, with the cure', async () => {
    await withHooks({ early: go }, { beforeTraffic: arnOf('early'), afterTraffic: arnOf('nowhere') }, false);
    const two = await fleet.image('two');
    const reasons = [
      expect.stringContaining(
        `aws lambda tag-resource --resource ${arnOf('early')} --tags flotilla:hook=flotilla`,
      ),
      expect.stringContaining(`the hook after traffic, ${arnOf('nowhere')}, does not exist`),
    ];
    expect(await fleet.plan(two)).toMatchObject({ outcome: 'refused', reasons });
    const end = await fleet.deploy(two);
    expect(end).toMatchObject({ status: 'FAILED', error: 'PlanRefused' });
    expect(end.cause).toContain('does not exist');
    expect(fleet.world.invoked.filter((name) => name === 'launch-candidate')).toHaveLength(1);
    await expectOnlyFirst();
  });

  it('are called only where they carry the tag of the stack', async () => {
    await withHooks({ early: go }, { beforeTraffic: arnOf('early') });
    const answer = await fleet.ask(await fleet.image('two'));
    await fleet.phase('checking health');
    await fleet.world.call('lambda', 'UntagResource', {
      Resource: arnOf('early'),
      TagKeys: ['flotilla:hook'],
    });
    const end = await fleet.ended(answer);
    expect(end).toMatchObject({ status: 'FAILED', error: 'HookFailed' });
    expect(end.cause).toContain('not authorized to perform: lambda:InvokeFunction');
    expect(told('early')).toEqual([]);
    await expectOnlyFirst();
  });

  it('have no say in going back to a warm release', async () => {
    await withHooks({ early: go }, { beforeTraffic: arnOf('early') });
    expect(await fleet.deploy(await fleet.image('two'))).toMatchObject({ status: 'SUCCEEDED' });
    expect(await fleet.ended(await fleet.rollBack())).toMatchObject({ status: 'SUCCEEDED' });
    expect(told('early')).toHaveLength(1);
  });
});
