/** What a whole matrix tells: scenario × fault → runs and violations. */
import { invariants } from '../kit/invariants/violation.ts';
import { mutants } from '../kit/mutants/mutants.ts';
import type { CaseResult } from '../kit/rollout-matrix/run.ts';

interface Cell {
  runs: number;
  broken: number;
}

function cellsOf(results: readonly CaseResult[]): Map<string, Map<string, Cell>> {
  const rows = new Map<string, Map<string, Cell>>();
  for (const { one, violations } of results) {
    const row = rows.get(one.scenario) ?? new Map<string, Cell>();
    rows.set(one.scenario, row);
    const cell = row.get(one.fault) ?? { runs: 0, broken: 0 };
    row.set(one.fault, cell);
    cell.runs += 1;
    if (violations.length > 0) cell.broken += 1;
  }
  return rows;
}

function wordsOfCell(cell: Cell | undefined): string {
  if (cell === undefined) return '–';
  return cell.broken === 0 ? String(cell.runs) : `${cell.runs} (${cell.broken} broken)`;
}

/** Lines of a Markdown table; each cell says how many runs, and how many of them broke an invariant where any did. */
export function table(results: readonly CaseResult[], faults: readonly string[]): string[] {
  const rows = cellsOf(results);
  const sum = (cells: readonly (Cell | undefined)[]): Cell => ({
    runs: cells.reduce((all, cell) => all + (cell?.runs ?? 0), 0),
    broken: cells.reduce((all, cell) => all + (cell?.broken ?? 0), 0),
  });
  const line = (cells: readonly string[]): string => `| ${cells.join(' | ')} |`;
  const ofFault = (fault: string) => sum([...rows.values()].map((row) => row.get(fault)));
  return [
    line(['scenario', ...faults, 'all']),
    line(['---', ...faults.map(() => '---:'), '---:']),
    ...[...rows].map(([name, row]) =>
      line([
        name,
        ...faults.map((fault) => wordsOfCell(row.get(fault))),
        wordsOfCell(sum([...row.values()])),
      ]),
    ),
    line([
      '**all**',
      ...faults.map((fault) => wordsOfCell(ofFault(fault))),
      wordsOfCell(sum(faults.map(ofFault))),
    ]),
  ];
}

/** `docs/crash-matrix.md`. */
export function page(results: readonly CaseResult[], faults: readonly string[]): string {
  return `# The crash matrix

Written by \`npm run crash-matrix -- rollout\`; do not edit it by hand.

Each scenario is first run without a fault, to see every call that the product's functions make and every state in which
its machines spend time. Then it is run once for each of these points and each fault, in virtual time, until the fleet
rests. The ten invariants of the design are checked after every call that changed something and after every moment at
which time alone did (\`test/scenarios/kit/invariants.ts\`), and at rest: exactly one live release at full weight (none
where there was none), its size as specified, nothing pinned, nothing left over, the lease free, and lineage that says
what happened.

- *killed before, killed after*: the function's process dies before the call reaches AWS, or once it is done.
- *throttled*: AWS refuses the call. *late by half a minute*: it is done after its caller has given it up. *answer lost*:
  it is done, and its caller never hears so.
- *fenced off meanwhile*: the execution is stopped when the call is made, and the call is done 10 s later; the function
  goes on, and must begin no other. *lands after recovery began*: it is done 100 s later, when recovery has begun to
  undo.
- *stopped*: the execution is stopped in that state; *event lost*: and nobody is told; *redriven*: and redriven 5 s later,
  or when recovery has ended.

Runs, and how many of them broke an invariant:

${table(results, faults).join('\n')}

The checker itself is proven by mutants of the product, each caught by the invariant that it breaks
(\`test/scenarios/mutants.test.ts\`):

${mutants.map(({ name, invariant }) => `- ${name}: invariant ${invariant}, ${invariants[invariant]}`).join('\n')}

## What AWS does not let anybody promise

- A target's health and a change of weights cannot be tied together: what a function knows of health when it calls may
  be seconds old. The checker allows ten.
- A machine that fails by itself takes its requests with it, until health checks have seen it. Such slots are not blamed
  for being without a healthy target for a quarter of an hour.
- No call to EC2, Auto Scaling or the load balancer can carry a fence. One call that was given up, or in flight when a
  fence fell, may land at any time; it is seen at the next step's border, and repaired before traffic moves. Where it
  lands within those ten seconds before a change of weights, at the step after.
`;
}
