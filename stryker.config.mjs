/** `npm run mutate`: the decisions of `src/fleet` are changed in every small way; some test of theirs has to fail. */
export default {
  mutate: ['src/fleet/**/*.ts'],
  // All that these tests read.
  ignorePatterns: ['**', '!src/**', '!test/unit/fleet/**', '!test/mutation/**', '!package.json'],
  // Its rewriting needs the JavaScript API of TypeScript, which version 7 has no more; nothing here compiles anyway.
  tsconfigFile: 'none',
  testRunner: 'vitest',
  plugins: ['@stryker-mutator/vitest-runner'],
  vitest: { configFile: 'test/mutation/vitest.config.ts', related: false },
  reporters: ['clear-text', 'json'],
  clearTextReporter: { allowColor: false, logTests: false, reportTests: false, skipFull: true },
  jsonReporter: { fileName: '.build/mutation/report.json' },
  incremental: true,
  incrementalFile: '.build/mutation/incremental.json',
  tempDirName: '.build/mutation/sandbox',
  thresholds: { high: 95, low: 90, break: 90 },
  concurrency: 2,
  // A busy machine shall not pass for a mutant that never ends.
  timeoutMS: 20_000,
};
