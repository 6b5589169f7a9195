/**
 * `npm run mutate`: Stryker, then docs/mutation.md from its report. Fails where Stryker does (less than nine in ten
 * die), and where a survivor has no reason. With arguments of Stryker's that make it run a part, no page is written.
 */
import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { mutationPage } from './page.ts';
import { reasons } from './reasons.ts';
import type { Report } from './survivors.ts';

const root = new URL('../../', import.meta.url);
const reportFile = new URL('.build/mutation/report.json', root);
const given = process.argv.slice(2);

// Where Stryker ends before it reports, nobody shall read the report of another day.
rmSync(reportFile, { force: true });

const stryker = spawnSync(
  process.execPath,
  [fileURLToPath(new URL('node_modules/@stryker-mutator/core/bin/stryker.js', root)), 'run', ...given],
  { cwd: fileURLToPath(root), stdio: 'inherit' },
);
if (given.some((argument) => argument !== '--force') || !existsSync(reportFile))
  process.exit(stryker.status ?? 1);

const report: Report = JSON.parse(readFileSync(reportFile, 'utf8'));
const { text, faults } = mutationPage(report, reasons);
writeFileSync(new URL('docs/mutation.md', root), text);
for (const fault of faults) console.log(fault);
process.exitCode = faults.length > 0 ? 1 : (stryker.status ?? 1);
