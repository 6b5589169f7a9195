/** A matrix as a table: runs and what they broke, by fault. */

interface Cell {
  runs: number;
  broken: number;
}

/** Of one run. */
export interface Outcome {
  readonly row: string;
  readonly fault: string;
  readonly isBroken: boolean;
}

function cellsOf(outcomes: readonly Outcome[]): Map<string, Map<string, Cell>> {
  const rows = new Map<string, Map<string, Cell>>();
  for (const outcome of outcomes) {
    const row = rows.get(outcome.row) ?? new Map<string, Cell>();
    rows.set(outcome.row, row);
    const cell = row.get(outcome.fault) ?? { runs: 0, broken: 0 };
    row.set(outcome.fault, cell);
    cell.runs += 1;
    if (outcome.isBroken) cell.broken += 1;
  }
  return rows;
}

function wordsOfCell(cell: Cell | undefined): string {
  if (cell === undefined) return '–';
  return cell.broken === 0 ? String(cell.runs) : `${cell.runs} (${cell.broken} broken)`;
}

/** Lines of a Markdown table; each cell says how many runs, and how many of them broke something where any did. */
export function table(rowsAre: string, outcomes: readonly Outcome[], faults: readonly string[]): string[] {
  const rows = cellsOf(outcomes);
  const sum = (cells: readonly (Cell | undefined)[]): Cell => ({
    runs: cells.reduce((all, cell) => all + (cell?.runs ?? 0), 0),
    broken: cells.reduce((all, cell) => all + (cell?.broken ?? 0), 0),
  });
  const line = (cells: readonly string[]): string => `| ${cells.join(' | ')} |`;
  const ofFault = (fault: string) => sum([...rows.values()].map((row) => row.get(fault)));
  return [
    line([rowsAre, ...faults, 'all']),
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
