/** What an execution costs, counted by the region: transitions, invocations, and the calls of what it invoked. */

import type { Region } from '../../../local/region.ts';
import { traceRoot } from '../../../local/trace.ts';

export interface ExecutionCost {
  readonly what: string;
  readonly machine: string;
  readonly executionArn: string;
  readonly seconds: number;
  /** StateEntered events in the execution's history. */
  readonly transitions: number;
  /** Functions that the execution invoked, tries that were repeated among them. */
  readonly invocations: number;
  /** Calls of AWS's APIs that those functions made, without the polls. */
  readonly calls: number;
  /** Calls of the function that looks whether the candidate is healthy: they grow with the time it takes. */
  readonly healthPolls: {
    readonly looks: number;
    readonly calls: number;
    readonly intervalSeconds: number;
  } | null;
  /**
   * Calls of the sweeper while the execution ran: it looks after fleets whether they roll out or not, each minute, and
   * after the candidate at a gate with them.
   */
  readonly watches: { readonly calls: number; readonly intervalSeconds: number };
  /** Counts by service and action, polls among them, watches not. */
  readonly byAction: Readonly<Record<string, number>>;
}

/** As the packaged schedule says: `rate(1 minute)`. */
const sweepSeconds = 60;

export async function costOf(region: Region, what: string, executionArn: string): Promise<ExecutionCost> {
  const { stateMachineArn, startDate, stopDate = startDate } = await describeExecution(region, executionArn);
  const made = region.log.list().filter(({ trace }) => trace?.includes(traceRoot(executionArn)));
  const calls = made.filter(({ action }) => action !== 'lambda:Invoke');
  // The session of a function's credentials has the function's name. What it writes in the end is no poll.
  const polls = calls.filter(
    ({ who, action }) => who.endsWith('/flotilla-check-health') && action !== 'dynamodb:TransactWriteItems',
  );
  const byAction = new Map<string, number>();
  for (const { action } of calls) byAction.set(action, (byAction.get(action) ?? 0) + 1);
  const during = region.log
    .list()
    .filter(
      ({ at, who }) => at >= startDate.getTime() && at <= stopDate.getTime() && /flotilla-sweep$/.test(who),
    );
  const entered = await statesEntered(region, executionArn);
  const looks = entered.filter((name) => name === 'CheckHealth').length;
  const intervalSeconds = await healthInterval(region, stateMachineArn);
  return {
    what,
    machine: stateMachineArn.split(':').at(-1) ?? '',
    executionArn,
    seconds: (stopDate.getTime() - startDate.getTime()) / 1000,
    transitions: entered.length,
    invocations: made.length - calls.length,
    calls: calls.length - polls.length,
    healthPolls: intervalSeconds === undefined ? null : { looks, calls: polls.length, intervalSeconds },
    watches: {
      calls: during.length,
      intervalSeconds: sweepSeconds,
    },
    byAction: Object.fromEntries([...byAction].sort(([a], [b]) => (a < b ? -1 : 1))),
  };
}

async function statesEntered(region: Region, executionArn: string): Promise<string[]> {
  const names: string[] = [];
  for (let nextToken: string | undefined; ; ) {
    const page = (await region.call('states', 'GetExecutionHistory', {
      executionArn,
      maxResults: 1000,
      includeExecutionData: false,
      nextToken,
    })) as { events: { stateEnteredEventDetails?: { name?: string } }[]; nextToken?: string };
    for (const { stateEnteredEventDetails } of page.events)
      if (stateEnteredEventDetails?.name !== undefined) names.push(stateEnteredEventDetails.name);
    nextToken = page.nextToken;
    if (nextToken === undefined) return names;
  }
}

/** As the deployed machine states it; undefined where the machine looks at no health. */
async function healthInterval(region: Region, stateMachineArn: string): Promise<number | undefined> {
  const { definition } = (await region.call('states', 'DescribeStateMachine', { stateMachineArn })) as {
    definition: string;
  };
  const { States } = JSON.parse(definition) as { States: Record<string, { Seconds?: number }> };
  return States.WaitForHealth?.Seconds;
}

export async function describeExecution(region: Region, executionArn: string) {
  return (await region.call('states', 'DescribeExecution', { executionArn })) as {
    stateMachineArn: string;
    startDate: Date;
    stopDate?: Date;
  };
}
