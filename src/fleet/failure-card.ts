/** What a person reads of a rollout that failed: the cause first, then the evidence, what was undone, what to do. */

import { evidence, type FailureCard } from '../contracts/failure-card.ts';
import { rolloutId } from '../contracts/ids.ts';
import type { RolloutItem } from '../contracts/items.ts';
import { type ErrorName, errorCatalogue } from '../errors.ts';

export interface Failure {
  readonly name: string;
  readonly message: string;
  readonly details: Readonly<Record<string, unknown>>;
}

/** Errors that say something of the release itself, so that it is not deployed again without being asked for. */
const releaseAtFault: readonly string[] = [
  'CandidateUnhealthy',
  'CandidateLaunchFailed',
  'SmokeTestFailed',
  'HookRefused',
  'AlarmRang',
] satisfies ErrorName[];

const personsWord: readonly string[] = ['GateAborted', 'GateRejected'] satisfies ErrorName[];

/** What the account or a zone had no room for: another release would not have been launched either. */
const wantOfRoom = /capacity|limit|quota|exceeded|insufficient/i;

/**
 * Whether the release is to be marked for how its rollout ended. A release that came back served before: what stands
 * against it now (a zone without capacity, an alarm that rings still) is no news of the release, and whoever is in
 * trouble must be able to go back there again.
 */
export function blamesRelease({ name, message, details }: Failure, kind: RolloutItem['kind']): boolean {
  if (kind === 'rollback' || !releaseAtFault.includes(name)) return false;
  if (name !== 'CandidateLaunchFailed') return true;
  const launches = evidence.parse(details).launches ?? [];
  const reasons = launches.length > 0 ? launches.map(({ why }) => why) : [message];
  return !reasons.every((reason) => wantOfRoom.test(reason));
}

/** How a rollout that ended with this error is marked. */
export function endedAs(error: string, rolledBack: boolean): 'failed' | 'aborted' | 'needs-attention' {
  if (!rolledBack) return 'needs-attention';
  return personsWord.includes(error) ? 'aborted' : 'failed';
}

/**
 * Takes `sentence {"instance":"i-…"}` apart: our functions put their details behind the sentence.
 */
export function splitDetails(text: string): {
  readonly message: string;
  readonly details: Record<string, unknown>;
} {
  for (let at = text.indexOf(' {'); at >= 0; at = text.indexOf(' {', at + 1)) {
    try {
      // What begins with a brace is an object, or no JSON.
      const details: Record<string, unknown> = JSON.parse(text.slice(at + 1));
      return { message: text.slice(0, at).trim(), details };
    } catch {
      // A brace in the sentence itself; look on.
    }
  }
  return { message: text.trim(), details: {} };
}

/** The failure that the machine caught under this name, with this text. */
export function failureOf(name: string, text: string): Failure {
  // The words of a fleet's own function are no details of ours, however they look.
  if (name === 'HookRefused') return { name, message: text.trim(), details: {} };
  if (name === 'HookFailed') return { name, message: readThrown(text).trim(), details: {} };
  return { name, ...splitDetails(text) };
}

/**
 * What Lambda answers for a function that threw, read: `… {"errorType":"Error","errorMessage":"no database","trace":[…`
 * becomes `… no database`. It may be cut anywhere.
 * https://docs.aws.amazon.com/lambda/latest/dg/nodejs-exceptions.html
 */
function readThrown(text: string): string {
  const found = / \{(?:"errorType":"[^"]*",)?"errorMessage":("(?:[^"\\]|\\.)*")/.exec(text);
  if (found?.[1] === undefined) return text;
  try {
    return `${text.slice(0, found.index)} ${JSON.parse(found[1])}`;
  } catch {
    return text;
  }
}

/** The sentence, and what the instance said last where it said something. */
export function withConsole({
  message,
  details = {},
}: Pick<Failure, 'message'> & Partial<Failure>): string[] {
  const { instance, console: lines } = details;
  return [
    message,
    ...(typeof instance === 'string' && typeof lines === 'string' && lines !== ''
      ? [`Last console lines of ${instance}:`, ...lines.split('\n').map((line) => `  ${line}`)]
      : []),
  ];
}

/** What Step Functions and Lambda call their own failures, for a person. */
const foreign: readonly (readonly [RegExp, string, string])[] = [
  [
    /^States\.(Timeout|HeartbeatTimeout)$/,
    'A step took longer than it may',
    'Look at that function in CloudWatch Logs, and deploy again.',
  ],
  [
    /^States\.(QueryEvaluationError|Runtime|DataLimitExceeded|ParameterPathFailure|ResultPathMatchFailure)/,
    'The state machine could not evaluate a step',
    'This is a fault of the control plane: keep the execution, and report it.',
  ],
  [
    /^(Lambda\.|Sandbox\.|Runtime\.|States\.TaskFailed)/,
    'A function of the control plane did not answer',
    'Look at that function in CloudWatch Logs, and deploy again.',
  ],
];

/** Title and advice of any error's name. */
export function explainError(name: string): { readonly title: string; readonly advice: string } {
  if (Object.hasOwn(errorCatalogue, name)) return errorCatalogue[name as ErrorName];
  const known = foreign.find(([pattern]) => pattern.test(name));
  return {
    title: known?.[1] ?? 'The control plane failed',
    advice: known?.[2] ?? 'Read the history of this execution; it is a fault of the control plane.',
  };
}

/** `Nothing: all is as it was. Deploy again.` is not so while going back has not ended; what is left to do stays. */
function afterwards(advice: string): string[] {
  return advice.startsWith('Nothing: ') ? advice.split('. ').slice(1) : [advice];
}

/** The control plane joins reasons to one sentence, as logs want it; a person reads them one a line. */
function reasonsOf(message: string, given: readonly string[] | undefined): string[] {
  const reasons = given !== undefined && given.length > 0 ? [...given] : message.split('; ');
  // The sentence says more than its reasons where it is no list of them.
  const all = given !== undefined && !message.includes(given[0] ?? '') ? [message, ...reasons] : reasons;
  return all.map((reason) => reason.trim().replace(/\.$/, '')).filter((reason) => reason !== '');
}

export interface CardFacts {
  readonly fleet: string;
  readonly number: number;
  readonly release: number;
  readonly executionArn: string;
  readonly status: FailureCard['status'];
  readonly undone: readonly string[];
  readonly live: FailureCard['live'];
}

/** The card, from what the rollout's item keeps of its failure. Details that do not fit are left out. */
export function failureCardOf(rollout: CardFacts, failure: Failure): FailureCard {
  const found = evidence.parse(failure.details);
  const { title, advice } = explainError(failure.name);
  const { instance, console: lines = '', url, answer } = found;
  const needsAttention = rollout.status === 'needs-attention';
  return {
    id: rolloutId(rollout.fleet, rollout.number),
    fleet: rollout.fleet,
    rollout: rollout.number,
    release: rollout.release,
    status: rollout.status,
    cause: { name: failure.name, title, reasons: reasonsOf(failure.message, found.reasons) },
    ...(found.healthCheck === undefined ? {} : { healthCheck: found.healthCheck }),
    checks: found.checks ?? [],
    launches: found.launches ?? [],
    alarms: found.alarms ?? [],
    smokeTest: url === undefined ? null : { instance: instance ?? '', url, answer: answer ?? '' },
    console:
      instance === undefined || lines.trim() === ''
        ? null
        : { instance, lines: lines.split('\n').filter((line) => line.trim() !== '') },
    undone: [...rollout.undone],
    live: rollout.live,
    next: needsAttention
      ? [
          'Nothing yet: going back is tried again every minute; cure what it waits for.',
          ...afterwards(advice),
        ].join(' Then: ')
      : advice,
    executionArn: rollout.executionArn,
  };
}
