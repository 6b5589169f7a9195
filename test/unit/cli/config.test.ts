import { expect, it } from 'vitest';
import type { ApiClient } from '../../../cli/api-client.ts';
import { parseCommandLine } from '../../../cli/arguments.ts';
import type { Command, CommandContext } from '../../../cli/command.ts';
import { setConfig, showConfig, unsetConfig } from '../../../cli/commands/config.ts';
import { fleetSpec } from '../../../src/contracts/fleet-spec.ts';

const artifactSha256 = 'a'.repeat(64);
const spec = fleetSpec.parse({
  rule: { paths: ['/web'] },
  healthCheck: { path: '/healthz' },
  image: { environment: { TOKEN: 'secret', PORT: '8080' }, arguments: ['-v'] },
});

/** Runs a command against an API that answers with a fleet, and hears all calls. */
async function ran(command: Command, words: string, live: object | null = { artifactSha256 }) {
  const calls: [string, { body?: unknown }][] = [];
  const lines: string[] = [];
  let result: unknown;
  const answers: Record<string, object> = {
    getFleet: { fleet: 'web', spec, live, lease: null, queue: [], recent: { uploads: [] } },
    changeEnvironment: { outcome: 'changed', message: 'Fleet web is changed.' },
    requestRollout: { outcome: 'building', message: 'It is being built.', address: '/uploads/x' },
  };
  const api = {
    call: async (operation: string, input: object) => {
      calls.push([operation, input]);
      return answers[operation];
    },
  };
  const context = {
    invocation: parseCommandLine(words.split(' ')),
    output: {
      line: (text: string) => lines.push(text),
      progress: (text: string) => lines.push(text),
      result: (value: unknown) => {
        result = value;
      },
    },
    api: async () => api as unknown as ApiClient,
    goesOn: () => {},
  } as unknown as CommandContext;
  const code = await command(context);
  return { code, calls, lines, result };
}

it('a changed value is all that is sent of the spec, and deploys the live artifact', async () => {
  const { code, calls } = await ran(setConfig, 'config set URL=a=b --fleet web --no-wait');
  expect(code).toBe(0);
  expect(calls.slice(1)).toEqual([
    ['changeEnvironment', { params: { fleet: 'web' }, body: { set: { URL: 'a=b' }, unset: [] } }],
    ['requestRollout', { params: { fleet: 'web' }, body: { artifact: artifactSha256 } }],
  ]);
});

it('a removed value is gone', async () => {
  const { calls } = await ran(unsetConfig, 'config unset TOKEN --fleet web --no-deploy');
  expect(calls.map(([operation]) => operation)).toEqual(['getFleet', 'changeEnvironment']);
  expect(calls[1]?.[1].body).toEqual({ set: {}, unset: ['TOKEN'] });
});

it('a plan changes nothing, and a fleet without a live release deploys nothing', async () => {
  const planned = await ran(setConfig, 'config set A=b --fleet web --plan');
  expect(planned.calls.map(([operation]) => operation)).toEqual(['getFleet']);
  expect(planned.result).toMatchObject({ outcome: 'planned', changes: true });
  const empty = await ran(setConfig, 'config set A=b --fleet web', null);
  expect(empty.calls.map(([operation]) => operation)).toEqual(['getFleet', 'changeEnvironment']);
});

it('shows values only when they are asked for', async () => {
  const shown = await ran(showConfig, 'config show --fleet web');
  expect(shown.lines).toEqual(['TOKEN', 'PORT']);
  expect(JSON.stringify(shown.result)).not.toContain('secret');
  expect((await ran(showConfig, 'config show --fleet web --values')).lines).toContain('TOKEN=secret');
});

it('refuses what is no assignment', async () => {
  await expect(ran(setConfig, 'config set GREETING --fleet web')).rejects.toThrow(/KEY=VALUE/);
});
