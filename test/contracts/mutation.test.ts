/** docs/mutation.md tells of the code as it is, and the page's maker hides no survivor. */
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { mutationPage } from '../mutation/page.ts';
import { reasons } from '../mutation/reasons.ts';
import { type Report, scoreOf } from '../mutation/survivors.ts';

const read = (path: string): string => readFileSync(new URL(`../../${path}`, import.meta.url), 'utf8');

/** As a survivor tells its line: of one that goes on, the beginning. */
const plain = (line: string): string => line.replace(/ …$/, '').replace(/\s+/g, ' ').trim();

describe('docs/mutation.md', () => {
  const page = read('docs/mutation.md');

  it('lists the survivors that have reasons, and no others', () => {
    const listed = [...page.matchAll(/^- .*\n\+ .*$/gm)].map(([lines]) => lines);
    const known = Object.values(reasons)
      .flatMap((some) => some.flatMap(({ mutants }) => mutants))
      .map(([line, changed]) => `- ${line}\n+ ${changed}`);
    expect(listed.sort(), 'Run npm run mutate').toEqual(known.sort());
    expect(page).not.toContain('**without a reason**');
  });

  it.each(Object.keys(reasons))('has reasons for lines that stand in %s', (file) => {
    const lines = read(file).split('\n').map(plain);
    const gone = (reasons[file] ?? [])
      .flatMap(({ mutants }) => mutants.map(([line]) => plain(line)))
      .filter((line) => !lines.includes(line));
    expect(gone).toEqual([]);
  });

  it('shows that at least nine mutants in ten die', () => {
    const [, score = '', killed, all] = /\*\*([\d.]+) % die: (\d+) of (\d+)\.\*\*/.exec(page) ?? [];
    expect(Number(score)).toBeGreaterThanOrEqual(90);
    expect(score).toBe(
      scoreOf({ killed: Number(killed), survived: Number(all) - Number(killed), ignored: 0 }),
    );
  });
});

describe('the page of mutants', () => {
  const source = 'export const f = (a: number) =>\n  a > 1 ? [a] : [];\n';
  const mutant = (status: string, replacement: string, from: number, to: number) => ({
    mutatorName: 'EqualityOperator',
    replacement,
    status,
    location: { start: { line: 2, column: from }, end: { line: 2, column: to } },
  });
  const more = mutant('Survived', 'a >= 1', 3, 8);
  const report = (...mutants: ReturnType<typeof mutant>[]): Report => ({
    files: { 'src/f.ts': { source, mutants } },
  });
  const known = ['a > 1 ? [a] : [];', 'a >= 1 ? [a] : [];'] as const;
  const because = (...mutants: (readonly [string, string])[]) => ({
    'src/f.ts': [{ because: 'Nobody asks for 1.', mutants }],
  });

  it('counts what never ends as dead, what no test reaches as alive, and what is no code not at all', () => {
    const statuses = ['Killed', 'Timeout', 'NoCoverage', 'CompileError', 'RuntimeError'];
    const { text } = mutationPage(report(...statuses.map((one) => mutant(one, 'a >= 1', 3, 8))), {});
    expect(text).toContain('**66.66 % die: 2 of 3.**');
  });

  it('gives each survivor its reason', () => {
    const { text, faults } = mutationPage(report(more), because(known));
    expect(faults).toEqual([]);
    expect(text).toContain('Nobody asks for 1.\n\n```diff\n- a > 1 ? [a] : [];\n+ a >= 1 ? [a] : [];\n```');
  });

  it('is no proof with a survivor that has no reason, though another one looks alike', () => {
    const { text, faults } = mutationPage(report(more, more), because(known));
    expect(faults).toEqual([
      "src/f.ts: no reason for EqualityOperator: ['a > 1 ? [a] : [];', 'a >= 1 ? [a] : [];']",
    ]);
    expect(text).toContain('**without a reason**\n\n```diff\n- a > 1 ? [a] : [];');
  });

  it('is no proof with reasons for what is dead, or is not there, or with mutants that were not run', () => {
    const dead = report(mutant('Killed', 'a >= 1', 3, 8), mutant('Ignored', 'a <= 1', 3, 8));
    expect(mutationPage(dead, { ...because(known), 'src/g.ts': [] }).faults).toEqual([
      "src/f.ts: a reason, and no survivor: ['a > 1 ? [a] : [];', 'a >= 1 ? [a] : [];']",
      'src/g.ts: reasons, and no such file in the report',
      '1 mutants were not run',
    ]);
  });

  it('tells a mutant of several lines by the first, and by what is put in their place', () => {
    const whole = {
      ...more,
      replacement: '() => undefined',
      location: { start: { line: 1, column: 18 }, end: { line: 2, column: 19 } },
    };
    expect(mutationPage(report(whole), {}).text).toContain(
      '- export const f = (a: number) => …\n+ export const f = () => undefined;',
    );
  });

  it('knows each state that Stryker has', () => {
    expect(() => mutationPage(report(mutant('Pending', '', 3, 8)), {})).toThrow('Pending');
  });
});
