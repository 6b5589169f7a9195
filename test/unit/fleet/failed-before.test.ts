import { describe, expect, it } from 'vitest';
import { failedBefore, failedWords } from '../../../src/fleet/failed-before.ts';
import { release } from './views.ts';

describe('the mark of an image that failed', () => {
  it.each([
    ['nobody has tried it', [release(1)], undefined],
    ['it served well', [release(1, { servedAt: '2026-01' })], undefined],
    ['it failed', [release(1), release(2, { failedAt: '2026-02' })], 2],
    [
      'it failed after it had served',
      [release(1, { servedAt: '2026-01' }), release(2, { failedAt: '2026-02' })],
      2,
    ],
    ['an alarm took the fleet back from it', [release(1, { servedAt: '2026-01', failedAt: '2026-02' })], 1],
    [
      'somebody forced it and it serves',
      [release(1, { failedAt: '2026-02' }), release(2, { servedAt: '2026-03' })],
      undefined,
    ],
    [
      'a forced one failed too',
      [release(1, { failedAt: '2026-02' }), release(2, { failedAt: '2026-03' })],
      2,
    ],
    [
      'one that was promoted after it serves, and others before it did',
      [
        release(1, { servedAt: '2026-01' }),
        release(2, { failedAt: '2026-02' }),
        release(3, { servedAt: '2026-03' }),
      ],
      undefined,
    ],
    ['it failed before times were kept', [release(1, { state: 'failed', createdAt: '2026-02' })], 1],
  ] as const)('where %s', (_, releases, marking) => {
    expect(failedBefore(releases)?.number).toBe(marking);
    expect(failedBefore(releases.toReversed())?.number).toBe(marking);
  });

  it('is told with its reason', () => {
    const failed = release(2, { reason: 'never healthy' });
    expect(failedWords(failed, 2)).toBe('v2 failed before (never healthy); force it to try again');
    expect(failedWords(failed, undefined)).toContain('v2, of the same image, failed before (never healthy)');
  });
});
