/** The audit of the roles: all scenarios, one after the other, in one region. */
import type { PolicyDocument } from '../../../local/service.ts';
import { Auditor, type Finding } from './auditor.ts';
import { scenarios } from './scenarios.ts';
import { listOf, type Unit } from './units.ts';
import { openDoors } from './words.ts';

/** One part of one function's role. */
export interface Audited {
  readonly functionName: string;
  readonly document: PolicyDocument;
  readonly unit: Unit;
  /** Undefined where no scenario uses the part. */
  readonly finding: Finding | undefined;
}

/** What Lambda does with a role itself, to put the function into the VPC, is looked at by iam-services.test.ts. */
function isOwn({ functionName, document, unit }: Omit<Audited, 'finding'>): boolean {
  if (functionName !== 'flotilla-ask-instance') return true;
  return listOf(document.Statement[unit.statement]?.Action).every((action) => action.startsWith('logs:'));
}

export async function runAudit(): Promise<readonly Audited[]> {
  const doors = await openDoors();
  const { region } = doors.world;
  try {
    // Events are repeated at the same instant, as often as a role has parts: late copies and throttles are for others.
    region.context.lag.off();
    region.throttles.off();
    const auditor = await Auditor.over(region);
    for (const scenario of scenarios) {
      auditor.scenario = scenario.name;
      await scenario.run(doors, auditor);
      auditor.before = async () => {};
    }
    auditor.scenario = 'an event that is none';
    await auditor.withoutLogs();
    return [...auditor.all()].filter(isOwn).map(({ role, functionName, document, unit }) => ({
      functionName: functionName.replace('flotilla-', ''),
      document,
      unit,
      finding: auditor.findingOf(role, unit),
    }));
  } finally {
    // Not the world's: a function that was refused one of several calls answers before the others, as it may.
    await region.close();
  }
}
