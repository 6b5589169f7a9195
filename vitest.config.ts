import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    // Real processes, sockets and one clock a region: files are kept apart in processes of their own.
    // Functions log each failure; a test expects many.
    env: { POWERTOOLS_LOG_LEVEL: 'SILENT' },
    pool: 'forks',
    maxWorkers: 2,
    testTimeout: 60_000,
    hookTimeout: 120_000,
    reporters: ['default', './test/support/summary-reporter.ts'],
  },
});
