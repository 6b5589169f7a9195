/** What a person reads of a rollout that failed: the cause first, then what the instance said last, then what to do. */

import { releaseLabel, rolloutId } from '../contracts/ids.ts';
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
  'AlarmRang',
] satisfies ErrorName[];

const personsWord: readonly string[] = ['GateAborted', 'GateRejected'] satisfies ErrorName[];

export function blamesRelease(error: string): boolean {
  return releaseAtFault.includes(error);
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
      const details: unknown = JSON.parse(text.slice(at + 1));
      if (typeof details === 'object' && details !== null) {
        return { message: text.slice(0, at).trim(), details: { ...details } };
      }
    } catch {
      // A brace in the sentence itself; look on.
    }
  }
  return { message: text.trim(), details: {} };
}

/** Step Functions cuts a Fail state's Cause at 32,768 characters. */
const causeCharacters = 30_000;

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

/** The card as text, for the execution's cause. */
export function failureCard(
  rollout: { readonly fleet: string; readonly number: number; readonly release: number },
  failure: Failure,
  state: { readonly rolledBack: boolean; readonly live: number | null },
): string {
  const advice = Object.hasOwn(errorCatalogue, failure.name)
    ? errorCatalogue[failure.name as ErrorName].advice
    : 'Read the history of this execution.';
  const serving = state.live === null ? 'Nothing is live.' : `${releaseLabel(state.live)} is live.`;
  const text = [
    ...withConsole({ ...failure, message: `${failure.name}: ${failure.message}` }),
    `Rollout ${rolloutId(rollout.fleet, rollout.number)} of ${releaseLabel(rollout.release)} ${
      state.rolledBack ? 'was undone' : 'could not be undone yet'
    }. ${serving}`,
    advice,
  ].join('\n');
  return text.slice(0, causeCharacters);
}
