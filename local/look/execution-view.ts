/**
 * One execution as the Step Functions console draws it, made from GetExecutionHistory alone: states in their order,
 * with times, tries, errors, and the branches inside of them. A branch that a redrive goes on inside of is shown
 * with its Parallel, as its events do not name it.
 * https://docs.aws.amazon.com/step-functions/latest/dg/concepts-view-execution-details.html
 */
import type { HistoryEvent } from '@aws-sdk/client-sfn';

export interface Try {
  readonly at: Date;
  endedAt?: Date;
  error?: string;
  cause?: string;
}

/** A state that was entered. Texts are JSON. */
export interface Visit {
  readonly name: string;
  readonly type: string;
  readonly enteredAt: Date;
  readonly input: string | undefined;
  exitedAt?: Date;
  output?: string;
  /** What it failed with, whether it was caught or not. */
  error?: string;
  readonly tries: Try[];
  branches: Branch[];
}

/** A branch of a Parallel, or one item of a Map. */
export interface Branch {
  readonly index: number;
  readonly visits: Visit[];
}

export interface ExecutionView {
  status: string;
  startedAt?: Date;
  endedAt?: Date;
  error?: string;
  cause?: string;
  readonly redrivenAt: Date[];
  readonly visits: readonly Visit[];
}

/** Where an event stands: what follows it belongs there, too. */
interface Spot {
  readonly branch: Branch;
  readonly visit: Visit | undefined;
}

/** @param events all of them, oldest first. */
export function executionView(events: readonly HistoryEvent[]): ExecutionView {
  const root: Branch = { index: 0, visits: [] };
  const view: ExecutionView = { status: 'RUNNING', redrivenAt: [], visits: root.visits };
  const spots = new Map<number, Spot>();
  const homes = new Map<Visit, Branch>();
  const owners = new Map<Branch, Visit>();
  const at = (visit: Visit): Spot => ({ branch: homes.get(visit) ?? root, visit });

  /** The nearest state around an event that is the one looked for. */
  function around(spot: Spot, is: (visit: Visit) => boolean): Visit | undefined {
    let visit = spot.visit ?? owners.get(spot.branch);
    while (visit !== undefined && !is(visit)) visit = owners.get(homes.get(visit) ?? root);
    return visit;
  }

  function open(visit: Visit, index: number): Branch {
    const branch: Branch = { index, visits: [] };
    visit.branches.push(branch);
    owners.set(branch, visit);
    return branch;
  }

  for (const event of events) {
    const { id = 0, type = '', timestamp = new Date(0) } = event;
    const spot = spots.get(event.previousEventId ?? 0) ?? { branch: root, visit: undefined };
    const put = (next: Spot): void => void spots.set(id, next);
    put(spot);
    if (type.startsWith('Execution')) {
      tellExecution(view, event, timestamp);
      if (type === 'ExecutionRedriven') put({ branch: root, visit: root.visits.at(-1) });
      continue;
    }
    const [, kind = '', deed = ''] =
      /^(Pass|Task|Choice|Wait|Succeed|Fail|Parallel|Map)State(\w+)$/.exec(type) ?? [];
    const running = (visit: Visit): boolean =>
      visit.type === kind && visit.exitedAt === undefined && visit.error === undefined;
    if (deed === 'Entered') {
      const started = spot.visit?.type === 'Parallel' && spot.visit.exitedAt === undefined;
      const branch = started && spot.visit ? open(spot.visit, spot.visit.branches.length) : spot.branch;
      const { name = '', input } = event.stateEnteredEventDetails ?? {};
      const visit: Visit = { name, type: kind, enteredAt: timestamp, input, tries: [], branches: [] };
      branch.visits.push(visit);
      homes.set(visit, branch);
      put({ branch, visit });
    } else if (deed === 'Started') {
      const visit = around(spot, running);
      if (visit === undefined) continue;
      visit.tries.push({ at: timestamp });
      visit.branches = [];
      put(at(visit));
    } else if (deed === 'Failed') {
      const visit = around(spot, running);
      if (visit === undefined) continue;
      visit.error = failureOf(visit) ?? 'failed';
      put(at(visit));
    } else if (deed === 'Exited') {
      const { name, output } = event.stateExitedEventDetails ?? {};
      const visit = around(spot, (one) => one.name === name);
      if (visit === undefined) continue;
      visit.exitedAt = timestamp;
      if (output !== undefined) visit.output = output;
      put(at(visit));
    } else if (type === 'MapIterationStarted') {
      const { name, index = 0 } = event.mapIterationStartedEventDetails ?? {};
      const visit = around(spot, (one) => one.name === name);
      if (visit !== undefined) put({ branch: open(visit, index), visit: undefined });
    } else if (type === 'EvaluationFailed') {
      const { error } = event.evaluationFailedEventDetails ?? {};
      if (spot.visit !== undefined && error !== undefined) spot.visit.error = error;
    } else if (spot.visit !== undefined) tellTask(spot.visit, event, timestamp);
  }
  return view;
}

function tellExecution(view: ExecutionView, event: HistoryEvent, at: Date): void {
  const deed = (event.type ?? '').replace('Execution', '');
  if (deed === 'Started') {
    view.startedAt = at;
    return;
  }
  delete view.error;
  delete view.cause;
  if (deed === 'Redriven') {
    view.status = 'RUNNING';
    delete view.endedAt;
    view.redrivenAt.push(at);
    return;
  }
  view.status = deed === 'TimedOut' ? 'TIMED_OUT' : deed.toUpperCase();
  view.endedAt = at;
  Object.assign(
    view,
    event.executionFailedEventDetails ??
      event.executionAbortedEventDetails ??
      event.executionTimedOutEventDetails,
  );
}

function tellTask(visit: Visit, event: HistoryEvent, at: Date): void {
  const deed = /^(?:Task|LambdaFunction)(Scheduled|Succeeded|Failed|TimedOut)$/.exec(event.type ?? '')?.[1];
  if (deed === 'Scheduled') visit.tries.push({ at });
  const last = visit.tries.at(-1);
  if (deed === undefined || deed === 'Scheduled' || last === undefined) return;
  last.endedAt = at;
  if (deed === 'Succeeded') {
    delete visit.error;
    return;
  }
  const { error, cause } =
    event.taskFailedEventDetails ??
    event.taskTimedOutEventDetails ??
    event.lambdaFunctionFailedEventDetails ??
    event.lambdaFunctionTimedOutEventDetails ??
    {};
  last.error = error ?? 'failed';
  if (cause !== undefined) last.cause = cause;
  visit.error = last.error;
}

/** The first failure inside of a state. */
function failureOf(visit: Visit): string | undefined {
  for (const { visits } of visit.branches) {
    const last = visits.at(-1);
    if (last?.exitedAt === undefined && last?.error !== undefined) return last.error;
  }
  return undefined;
}

/** The view as text, a line a state; times are seconds since the start. */
export function renderExecution(view: ExecutionView): string {
  const start = view.startedAt?.getTime() ?? 0;
  const since = (at: Date | undefined): string =>
    at === undefined ? '…' : `${((at.getTime() - start) / 1000).toFixed(1)}`;
  const lines = [
    `${view.status} ${since(view.startedAt)}–${since(view.endedAt)} s${view.error ? `: ${view.error}` : ''}`,
    ...view.redrivenAt.map((at) => `redriven at ${since(at)} s`),
  ];
  const write = (visits: readonly Visit[], indent: string): void => {
    for (const { name, type, enteredAt, exitedAt, tries, branches, error } of visits) {
      const failed = tries
        .filter((one) => one.error !== undefined)
        .map((one) => `${one.error} at ${since(one.endedAt)} s`);
      const told = failed.length > 0 ? `, ${failed.join(', ')}` : error === undefined ? '' : `, ${error}`;
      const end = exitedAt === undefined && error !== undefined ? 'not left' : since(exitedAt);
      lines.push(`${indent}${name} (${type}) ${since(enteredAt)}–${end}${told}`);
      for (const branch of branches) {
        lines.push(`${indent}  #${branch.index}`);
        write(branch.visits, `${indent}    `);
      }
    }
  };
  write(view.visits, '  ');
  return lines.join('\n');
}
