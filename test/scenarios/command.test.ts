/** The command at the API that is shipped: what it does while things are on their way, go wrong, or are forced. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { command } from './kit/command.ts';
import { Doors, program } from './kit/doors.ts';
import { notPackaged } from './kit/fleet-in-virtual-time.ts';

const rollout = { steps: [{ weight: 100, bakeSeconds: 0 }], keepWarmSeconds: 0, drainSeconds: 0 };
const gated = {
  ...rollout,
  steps: [{ weight: 50, bakeSeconds: 10, approval: true, approvalSeconds: 600 }, { weight: 100 }],
};

describe.skipIf(notPackaged !== undefined)('the command', { timeout: 120_000 }, () => {
  let doors: Doors;
  let folder: string;

  beforeAll(async () => {
    vi.stubEnv('AWS_ACCESS_KEY_ID', 'AKIATEST');
    vi.stubEnv('AWS_SECRET_ACCESS_KEY', 'secret');
    folder = await mkdtemp(join(tmpdir(), 'flotilla-command-'));
  });
  afterEach(() => doors?.close());
  afterAll(async () => {
    vi.unstubAllEnvs();
    await rm(folder, { recursive: true, force: true });
  });

  async function file(name: string): Promise<string> {
    const path = join(folder, name);
    await writeFile(path, program(name));
    return path;
  }

  describe('deploy of a file', () => {
    it('asks for the rollout where the fleet does not deploy on upload, and says before what nobody would do', async () => {
      doors = await Doors.open({ rollout, deployOnUpload: false });
      const left = await command(doors, `deploy ${await file('one')} --fleet web --no-wait`);
      expect(left).toMatchObject({ code: 0 });
      const [, sha256] =
        /then: flotilla deploy --artifact ([0-9a-f]{64}) --fleet web/.exec(left.stdout) ?? [];
      await doors.until(async () => (await doors.uploads()).find(({ state }) => state === 'building'));
      const planned = await command(doors, `deploy --artifact ${sha256} --fleet web --plan`);
      expect(planned).toMatchObject({ code: 0 });
      expect(planned.asked).toEqual(['POST /fleets/web/rollouts']);
      expect(planned.stdout).toContain('Nothing was changed.');
      expect(planned.stdout).toContain('ask for the rollout again once it is built');
      const deployed = await command(doors, `deploy --artifact ${sha256} --fleet web`);
      expect(deployed).toMatchObject({ code: 0, stdout: expect.stringContaining('✓ web-1: live is v1') });
      expect(deployed.goesOn.at(-1)).toBe('rollout web-1 goes on: flotilla follow web-1');
      const two = await command(doors, `deploy ${await file('two')} --fleet web`);
      expect(two).toMatchObject({ code: 0, stdout: expect.stringContaining('✓ web-2: live is v2') });
      expect(two.goesOn[0]).toBe('the upload was not finished, and nothing was changed.');
      expect(two.goesOn[1]).toMatch(/^the upload is being built; then: flotilla deploy --artifact/);
    });

    it('is forced where the release failed before', async () => {
      doors = await Doors.open({ rollout, healthCheck: { path: '/health', deadlineSeconds: 60 } });
      await doors.deploy('one');
      const { ec2 } = doors.world.region.parts;
      ec2.instances.machines = () => ({ healthy: false });
      const path = await file('bad');
      expect(await command(doors, `deploy ${path} --fleet web`)).toMatchObject({
        code: 1,
        stdout: expect.stringContaining('✗ web-2'),
      });
      const again = await command(doors, `deploy ${path} --fleet web`);
      expect(again).toMatchObject({ code: 1, stdout: expect.stringContaining('force') });
      const forced = await command(doors, `deploy ${path} --fleet web --force`);
      expect(forced).toMatchObject({ code: 1, stdout: expect.stringContaining('✗ web-3') });
    });
  });

  it('plans without following, and changes no value, while another program is on its way', async () => {
    doors = await Doors.open({ rollout: gated });
    await doors.deploy('one');
    const two = await doors.uploadEnded('web/two', await doors.upload('web/two', program('two')));
    const id = `web-${two.rollout}`;
    await doors.phase(id, 'waiting for approval');
    const planned = await command(doors, `deploy --image ${two.imageId} --fleet web --plan`);
    expect(planned).toMatchObject({ code: 0, asked: ['POST /fleets/web/rollouts'] });
    const refused = await command(doors, 'config set GREETING=hi --fleet web');
    expect(refused).toMatchObject({ code: 3, stderr: expect.stringContaining(`flotilla follow ${id}`) });
    expect((await doors.fleet()).spec.image.environment).toEqual({});
    expect(await command(doors, 'config set GREETING=hi --fleet web --no-deploy')).toMatchObject({ code: 0 });
    const rejecting = await command(doors, `reject ${id} --reason slow`);
    expect(rejecting).toMatchObject({ code: 0 });
    const end = await command(doors, `follow ${id}`);
    expect(end).toMatchObject({ code: 1, stdout: expect.stringContaining('was not let through its gate') });
    expect(end.stdout).toContain('slow');
    expect(end.stdout).not.toContain('Nobody approved');
  });

  it('vetoes what a release is made of', async () => {
    doors = await Doors.open({ rollout });
    const { identity } = await doors.deploy('one');
    const vetoed = await command(doors, 'image veto web/v1 --reason leaks --json');
    expect(JSON.parse(vetoed.stdout)).toMatchObject({ identity, state: 'vetoed' });
    expect(await command(doors, 'image unveto web/v1')).toMatchObject({ code: 0 });
    expect(await command(doors, 'image veto web/v9 --reason leaks')).toMatchObject({ code: 3 });
  });

  it('follows over a line that drops, and says how to go on where it stays down', async () => {
    doors = await Doors.open({ rollout });
    await doors.deploy('one');
    const down = () => {
      throw new TypeError('fetch failed', { cause: new Error('connect ENETUNREACH') });
    };
    const dropped = await command(doors, 'follow web-1', (request, nth) => {
      if (request === 'GET /rollouts/web-1' && nth < 20) down();
      return undefined;
    });
    expect(dropped).toMatchObject({ code: 0, stdout: expect.stringContaining('✓ web-1') });
    expect(dropped.asked).toHaveLength(20);
    const dead = await command(doors, 'follow web-1 --json', down);
    expect(dead).toMatchObject({ code: 4, stderr: expect.stringContaining('flotilla follow web-1') });
    expect(JSON.parse(dead.stdout).error).toMatchObject({ followWith: 'flotilla follow web-1' });
  });
});
