/** A sample of `npm run load`: everything happens, to fewer requests. */
import { describe, expect, it } from 'vitest';
import { describeLoad, explain, runLoad } from './load.ts';

describe('a fleet of one under load', { timeout: 600_000 }, () => {
  it('fails no request but those in the hands of a machine that is killed', async () => {
    const report = await runLoad({ requests: 1_000, perSecond: 20, tell: () => undefined });
    expect(report.unexplained, describeLoad(report)).toEqual([]);
    expect(report.traffic.sent).toBeGreaterThanOrEqual(1_000);
    expect(Object.keys(report.traffic.byRelease).sort()).toEqual(['v1', 'v2']);
    expect(report.kills).toHaveLength(4);
    // With nobody to stand in there is an outage; it ends with the replacement.
    expect(report.alone.failed).toBeGreaterThan(0);
    for (const failure of report.alone.failures)
      expect(failure).toMatch(/status 50[234]|broken answer|hang up|RESET/);
    expect(report.after).toMatchObject({ failed: 0 });
  });

  it('explains a failure by a kill only where a target died with the request, not where there was no target', () => {
    const kills = [
      {
        at: Date.parse('2026-01-01T00:00:10.000Z'),
        instance: 'i-1',
        role: 'draining',
        sentToForMilliseconds: 5_000,
      },
    ];
    const failures = [
      '2026-01-01T00:00:10.100Z status 502: <html>',
      '2026-01-01T00:00:11.000Z socket hang up',
      '2026-01-01T00:00:11.000Z status 503: <html>',
      '2026-01-01T00:00:09.900Z status 502: <html>',
      '2026-01-01T00:00:16.000Z status 504: <html>',
    ];
    expect(explain(failures, kills)).toEqual({
      killed: { 'i-1 (draining)': failures.slice(0, 2) },
      unexplained: failures.slice(2),
    });
  });
});
