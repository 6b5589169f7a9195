/** What docs/events.md says to subscribers is what the control plane sends. */
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { compilePattern } from '../../local/services/events/pattern.ts';
import { rolloutEvent, rolloutEventSource, rolloutEventType } from '../../src/contracts/rollout-event.ts';

const page = readFileSync(new URL('../../docs/events.md', import.meta.url), 'utf8');
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
