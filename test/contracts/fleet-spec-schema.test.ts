/** The schema of a fleet's file, judged by a validator of other people. */
import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { fleetSpecWords } from '../../infra/pages/fleet-spec-words.ts';
import { fleetSpec } from '../../src/contracts/fleet-spec.ts';
import { pythonTool } from '../support/python.ts';

const tool = await pythonTool(['jsonschema==4.26.0']);
const schemaFile = new URL('../../docs/fleet-spec.schema.json', import.meta.url);
const schema = JSON.parse(readFileSync(schemaFile, 'utf8'));

/** Reads schema and specs from its argument and input; tells of each spec the first error, or nothing. */
const judge = `
import json, sys
from jsonschema import Draft202012Validator
schema = json.load(open(sys.argv[1]))
Draft202012Validator.check_schema(schema)
validator = Draft202012Validator(schema)
def told(spec):
    errors = [f"{e.json_path}: {e.message}" for e in validator.iter_errors(spec)]
    return errors[0] if errors else ""
print(json.dumps([told(spec) for spec in json.load(sys.stdin)]))
`;

async function judged(specs: readonly unknown[]): Promise<string[]> {
  if ('skip' in tool) return [];
  const running = promisify(execFile)(join(tool.bin, 'python3'), ['-c', judge, schemaFile.pathname]);
  running.child.stdin?.end(JSON.stringify(specs));
  return JSON.parse((await running).stdout);
}

const small = { rule: { hosts: ['web.example.com'] }, healthCheck: { path: '/health' } };
const rollout = (more: object) => ({ ...small, rollout: more });

const valid: Readonly<Record<string, object>> = {
  'the least that can be said': small,
  'a name and an editor’s line': { ...small, fleet: 'web', $schema: '../fleet-spec.schema.json' },
  'the example': parse(readFileSync(new URL('../../examples/hello/fleet.yml', import.meta.url), 'utf8')),
  'everything of a rollout': rollout({
    steps: [
      { weight: 5, bakeSeconds: 60 },
      { weight: 100, approval: true, approvalSeconds: 600 },
    ],
    alarms: [{ name: 'errors', missingData: 'abort', fromStep: 2, whileWarm: 'roll-back' }],
    whenBusy: 'supersede',
    lockWaitSeconds: 60,
    keepWarmSeconds: 0,
    smokeTest: { path: '/ready', status: 204 },
  }),
};

const invalid: Readonly<Record<string, object>> = {
  'no health check': { rule: small.rule },
  'no rule': { healthCheck: small.healthCheck },
  'a misspelt field': { ...small, deployOnUplaod: true },
  'a misspelt field within': rollout({ stepz: [] }),
  'a path without its slash': { ...small, healthCheck: { path: 'health' } },
  'an interval under the load balancer’s': { ...small, healthCheck: { path: '/', intervalSeconds: 1 } },
  'a fraction of a second': { ...small, healthCheck: { path: '/', deadlineSeconds: 20.5 } },
  'no steps': rollout({ steps: [] }),
  'a weight of 101': rollout({ steps: [{ weight: 101 }] }),
  'a word that is no choice': rollout({ whenBusy: 'wait' }),
  'an alarm from step 0': rollout({ alarms: [{ name: 'errors', fromStep: 0 }] }),
  'an alarm without its name': rollout({ alarms: [{ missingData: 'quiet' }] }),
  'a number as text': { ...small, port: '8080' },
  'status codes in words': { ...small, healthCheck: { path: '/', statusCodes: 'OK' } },
  'a variable with a dash': { ...small, image: { environment: { 'A-B': '1' } } },
};

/** The file without what the command takes out of it. */
function specOf({ fleet: _fleet, $schema: _schema, ...spec }: Record<string, unknown>): unknown {
  return spec;
}

describe('docs/fleet-spec.schema.json', () => {
  const reason = 'skip' in tool ? ` (skipped: ${tool.skip})` : '';

  it.skipIf('skip' in tool)(`takes what the API takes${reason}`, async () => {
    for (const spec of Object.values(valid)) {
      expect(fleetSpec.safeParse(specOf(spec as Record<string, unknown>)).success).toBe(true);
    }
    const told = await judged(Object.values(valid));
    expect(Object.keys(valid).map((name, index) => [name, told[index]])).toEqual(
      Object.keys(valid).map((name) => [name, '']),
    );
  });

  it.skipIf('skip' in tool)(`refuses what the API refuses${reason}`, async () => {
    for (const [name, spec] of Object.entries(invalid)) {
      expect(fleetSpec.safeParse(spec).success, name).toBe(false);
    }
    const told = await judged(Object.values(invalid));
    const passed = Object.keys(invalid).filter((_name, index) => told[index] === '');
    expect([told.length, passed]).toEqual([Object.keys(invalid).length, []]);
  });

  it('explains each field, and no field that is not there', () => {
    const paths = new Set<string>();
    const walk = (
      part: { properties?: object; items?: object; description?: string },
      path: string,
    ): void => {
      for (const [name, member] of Object.entries(part.properties ?? {})) {
        const inside = path === '' ? name : `${path}.${name}`;
        paths.add(inside);
        expect(member.description, inside).toBe(fleetSpecWords[inside]);
        walk(member, inside);
      }
      if (part.items !== undefined) walk(part.items, `${path}[]`);
    };
    walk(schema, '');
    expect([...paths].sort()).toEqual(Object.keys(fleetSpecWords).sort());
  });

  it('is named by the example', () => {
    const text = readFileSync(new URL('../../examples/hello/fleet.yml', import.meta.url), 'utf8');
    const [, named = ''] = /^# yaml-language-server: \$schema=(\S+)$/m.exec(text) ?? [];
    expect(new URL(named, new URL('../../examples/hello/', import.meta.url)).pathname).toBe(
      schemaFile.pathname,
    );
  });
});
