/** The tests that mutants of `src/fleet` have to fall by: those of its decisions, and no others. */
import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: { include: ['test/unit/fleet/**/*.test.ts'], setupFiles: ['test/mutation/setup.ts'] },
});
