/** docs/mutation.md: how many mutants of the decisions die, and why each of the others may live. */
import type { Because } from './reasons.ts';
import { type FileResult, type Report, resultsOf, type Survivor, scoreOf, sumOf } from './survivors.ts';

export interface MutationPage {
  readonly text: string;
  /** Whatever makes the page no proof: survivors without a reason, reasons without a survivor. One sentence each. */
  readonly faults: readonly string[];
}

type Reasons = Readonly<Record<string, readonly Because[]>>;

interface Explained {
  readonly survivor: Survivor;
  readonly because: string | undefined;
}

const noReason = '**without a reason**';

/** The page of a report, and what is wrong with it. */
export function mutationPage(report: Report, reasons: Reasons): MutationPage {
  const results = resultsOf(report);
  const told = results.map((result) => ({ result, ...explain(result, reasons[result.file] ?? []) }));
  const unknown = Object.keys(reasons).filter((file) => report.files[file] === undefined);
  const all = sumOf(results);
  const faults = [
    ...told.flatMap(({ result: { file }, explained }) =>
      explained
        .filter(({ because }) => because === undefined)
        .map(({ survivor }) => `${file}: no reason for ${survivor.mutator}: ${change(survivor)}`),
    ),
    ...told.flatMap(({ result: { file }, stale }) =>
      stale.map(([line, changed]) => `${file}: a reason, and no survivor: ${change({ line, changed })}`),
    ),
    ...unknown.map((file) => `${file}: reasons, and no such file in the report`),
    ...(all.ignored === 0 ? [] : [`${all.ignored} mutants were not run`]),
  ];
  const text = `# Mutants of the decisions

Written by \`npm run mutate\`, which changes \`src/fleet\` in every small way that [Stryker](https://stryker-mutator.io)
knows, one at a time (a condition turned, a call left out, a text emptied), and runs the tests of \`test/unit/fleet\`.
A mutant dies where one of them fails or never ends. No other test is asked: the scenarios run the same decisions as
they are shipped, and are no part of these figures. Properties are tried with the same examples each time.

The command fails where less than nine in ten die, where one survives without a reason in
\`test/mutation/reasons.ts\`, and where a reason has outlived its mutant. All are run, those of constants and tables too
(Stryker calls them static): each of them needs every test, and they take most of the time. What was found is kept in
\`.build/mutation\`, so that the next run asks only what changed; \`npm run mutate -- --force\` asks all anew. Other
arguments go to Stryker (\`--mutate src/fleet/guard.ts\`), and leave this page as it is.

**${scoreOf(all)} % die: ${all.killed} of ${all.killed + all.survived}.**

| file | mutants | die | survive | % |
| --- | --- | --- | --- | --- |
${results.map((result) => `| \`${result.file}\` | ${result.killed + result.survived} | ${result.killed} | ${result.survived} | ${scoreOf(result)} |`).join('\n')}

## The ${all.survived} that survive

${told
  .filter(({ explained }) => explained.length > 0)
  .map(({ result, explained }) => section(result.file, explained))
  .join('\n')}`;
  return { text, faults };
}

/** One reason is good for as many survivors as it names, so that a new one that looks alike is noticed. */
function explain(
  { survivors }: FileResult,
  given: readonly Because[],
): { readonly explained: readonly Explained[]; readonly stale: readonly (readonly [string, string])[] } {
  const open = given.flatMap(({ because, mutants }) => mutants.map((mutant) => ({ because, mutant })));
  const explained = survivors.map((survivor) => {
    const at = open.findIndex(
      ({ mutant: [line, changed] }) => line === survivor.line && changed === survivor.changed,
    );
    return { survivor, because: at === -1 ? undefined : open.splice(at, 1)[0]?.because };
  });
  return { explained, stale: open.map(({ mutant }) => mutant) };
}

function section(file: string, explained: readonly Explained[]): string {
  const byReason = Map.groupBy(explained, ({ because }) => because ?? noReason);
  const parts = [...byReason].map(
    ([because, some]) => `${because}

\`\`\`diff
${some.map(({ survivor }) => `- ${survivor.line}\n+ ${survivor.changed}`).join('\n')}
\`\`\`
`,
  );
  return `### \`${file}\`\n\n${parts.join('\n')}`;
}

function change({ line, changed }: Pick<Survivor, 'line' | 'changed'>): string {
  return `['${line}', '${changed}']`;
}
