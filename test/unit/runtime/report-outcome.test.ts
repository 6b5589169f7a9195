import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { errorCatalogue } from '../../../src/errors.ts';
import { outcomeState, tagValue } from '../../../src/runtime/report-outcome.ts';

describe('the end of an upload', () => {
  it.each([
    ['built', undefined, undefined, true],
    ['built', undefined, { outcome: 'already-live' }, true],
    ['deploying', undefined, { outcome: 'started' }, true],
    ['deploying', undefined, { outcome: 'queued' }, true],
    ['superseded', undefined, { outcome: 'superseded' }, true],
    ['superseded', { name: 'SupersededUpload' }, undefined, true],
    ['rejected', { name: 'ArtifactEmpty' }, undefined, false],
    ['rejected', { name: 'FleetNotFound' }, undefined, false],
    ['failed', { name: 'SnapshotFailed' }, undefined, false],
    ['failed', { name: 'States.Timeout' }, undefined, false],
    ['built', { name: 'SpecInvalid' }, undefined, true],
  ] as const)('is %s after %o and %o', (state, failure, rollout, imageStands) => {
    expect(outcomeState(failure, rollout, imageStands)).toBe(state);
  });

  it('fits into a tag of S3, whatever it says', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 600 }), (text) => {
        const value = tagValue(text);
        expect(value.length).toBeLessThanOrEqual(256);
        expect(value).toMatch(/^[\p{L}\p{Z}\p{N}_.:/=+\-@]*$/u);
      }),
    );
    for (const { advice } of Object.values(errorCatalogue)) expect(tagValue(advice)).not.toBe('');
  });
});
