import { availableParallelism } from 'node:os';
import { defineConfig } from 'vitest/config';
import { MixedLongestFirst } from './test/support/longest-first.ts';

const common = {
  // Real processes, sockets and one clock a region: files are kept apart in processes of their own.
  pool: 'forks',
  testTimeout: 60_000,
  hookTimeout: 120_000,
  // One pool for all, in the order of test/support/longest-first.ts: half of what is under way waits, as AWS makes one
  // wait, and leaves the cores to the other half.
  maxWorkers: Math.max(4, availableParallelism() * 2),
  // Functions log each failure; a test expects many.
  env: { POWERTOOLS_LOG_LEVEL: 'SILENT' },
} as const;

export default defineConfig({
  test: {
    // Cases of conformance mostly wait.
    maxConcurrency: 24,
    reporters: ['default', './test/support/summary-reporter.ts'],
    sequence: { sequencer: MixedLongestFirst },
    projects: [
      {
        test: {
          ...common,
          name: 'decisions',
          // Nothing of a file stays behind in its process, so that the next one goes on there: to load everything
          // again for each was three quarters of what they cost.
          isolate: false,
          include: ['test/{unit,functions,contracts}/**/*.test.ts'],
        },
      },
      {
        test: {
          ...common,
          name: 'scenarios',
          include: ['test/scenarios/**/*.test.ts'],
        },
      },
      {
        test: {
          ...common,
          name: 'wall time',
          include: ['test/{end-to-end,conformance}/**/*.test.ts'],
        },
      },
    ],
  },
});
