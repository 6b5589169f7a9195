import { defineConfig } from 'vitest/config';
import { LongestFirst } from './test/support/longest-first.ts';

const common = {
  // Real processes, sockets and one clock a region: files are kept apart in processes of their own.
  pool: 'forks',
  testTimeout: 60_000,
  hookTimeout: 120_000,
  // Functions log each failure; a test expects many.
  env: { POWERTOOLS_LOG_LEVEL: 'SILENT' },
} as const;

export default defineConfig({
  test: {
    // Cases of conformance mostly wait.
    maxConcurrency: 24,
    reporters: ['default', './test/support/summary-reporter.ts'],
    sequence: { sequencer: LongestFirst },
    projects: [
      {
        test: {
          ...common,
          name: 'decisions',
          include: ['test/{unit,functions,contracts}/**/*.test.ts'],
          maxWorkers: 2,
          sequence: { groupOrder: 0 },
        },
      },
      {
        test: {
          ...common,
          name: 'scenarios',
          include: ['test/scenarios/**/*.test.ts'],
          maxWorkers: 2,
          sequence: { groupOrder: 1 },
        },
      },
      {
        test: {
          ...common,
          name: 'wall time',
          include: ['test/{end-to-end,conformance}/**/*.test.ts'],
          // Mostly waiting, as AWS makes one wait: more at a time than there are cores.
          maxWorkers: 3,
          sequence: { groupOrder: 2 },
        },
      },
    ],
  },
});
