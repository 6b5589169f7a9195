/** What docs/events.md says to subscribers is what the control plane sends. */
import { globSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { compilePattern } from '../../local/services/events/pattern.ts';
import { rolloutEvent, rolloutEventSource, rolloutEventType } from '../../src/contracts/rollout-event.ts';

const root = new URL('../../', import.meta.url).pathname;
const read = (path: string): string => readFileSync(root + path, 'utf8');
const page = read('docs/events.md');
const block = (language: string): string => page.split(`\`\`\`${language}\n`)[1]?.split('```')[0] ?? '';
const example = JSON.parse(block('json')) as { source: string; 'detail-type': string; detail: unknown };

describe('docs/events.md', () => {
  it('shows an event as it is sent', () => {
    expect(example).toMatchObject({ source: rolloutEventSource, 'detail-type': rolloutEventType });
    const { success, data, error } = rolloutEvent.safeParse(example.detail);
    expect(error).toBeUndefined();
    // Nothing in the example that the schema does not have.
    expect(success && data).toEqual(example.detail);
  });

  it('has a section for each type of event that is sent, and no other', () => {
    const sources = globSync('src/**/*.ts', { cwd: root }).map(read).join('\n');
    const sent = [...sources.matchAll(/'(Flotilla [A-Z]\w+ [A-Z]\w+)'/g)].map(([, type]) => type);
    const told = [...page.matchAll(/^## (.*)$/gm)].map(([, title]) => title);
    expect(new Set(told)).toEqual(new Set(sent));
    expect(told).toHaveLength(3);
  });

  it('names every field of it', () => {
    for (const field of Object.keys(rolloutEvent.shape))
      expect(page).toMatch(new RegExp(`^\\|.*\`${field}\`.*\\|`, 'm'));
    for (const status of rolloutEvent.shape.status.options) expect(page).toContain(`\`${status}\``);
  });

  it('has a rule that finds a failed rollout, and no other event', () => {
    const { FailedRollouts } = parse(block('yaml')) as {
      FailedRollouts: { Properties: { EventPattern: Record<string, unknown> } };
    };
    const { EventPattern } = FailedRollouts.Properties;
    const matches = compilePattern(JSON.stringify(EventPattern));
    expect(matches(example)).toBe(true);
    expect(matches({ ...example, detail: { ...(example.detail as object), status: 'succeeded' } })).toBe(
      false,
    );
    expect(matches({ ...example, 'detail-type': 'Flotilla Upload Outcome' })).toBe(false);
  });
});

it('README.md lists the tags of an uploaded object, in the order in which they are set', () => {
  const set = [...read('src/runtime/report-outcome.ts').matchAll(/^ +'(flotilla:\w+)': upload\./gm)];
  const [, listed = ''] = /tags on the uploaded object \(([^)]*)\)/.exec(read('README.md')) ?? [];
  expect([...listed.matchAll(/`([^`]+)`/g)].map(([, tag]) => tag)).toEqual(set.map(([, tag]) => tag));
});
