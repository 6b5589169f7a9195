/** Following an upload or a rollout to its end, by long polls. */
import type { EventView, RolloutDetailView, UploadDetailView } from '../src/contracts/api-views.ts';
import { ApiRefusal } from './api-client.ts';
import type { CommandContext } from './command.ts';
import { eventWords } from './event-words.ts';
import { CommandError, type ExitCode, exitCodes } from './exit-codes.ts';

const waitSeconds = 20;
/** How long S3's event may take to reach the control plane before something is wrong with the stack. */
const uploadSeenWithinSeconds = 90;
/** For how long to ask on, by what came of it. */
const patienceMilliseconds: Partial<Record<ExitCode, number>> = {
  // A closed lid, another network: what is followed goes on meanwhile, and so does the following.
  [exitCodes.unreachable]: 10 * 60_000,
  // What fails at the other end may be mended by another try, and seldom by the tenth.
  [exitCodes.internal]: 30_000,
};
const askAgainMilliseconds = 5_000;

/** `14:03:07`, in the person's own time. */
function clock(time: string): string {
  return new Date(time).toTimeString().slice(0, 8);
}

/** Shows each step once. */
class Steps {
  #shown = 0;
  readonly #output: CommandContext['output'];

  constructor(output: CommandContext['output']) {
    this.#output = output;
  }

  show(steps: readonly EventView[]): void {
    for (const step of steps.slice(this.#shown)) {
      const words = eventWords(step);
      if (words !== undefined) this.#output.progress(`  ${clock(step.at)}  ${words}`);
    }
    this.#shown = Math.max(this.#shown, steps.length);
  }
}

/**
 * Asks on while nothing answers, for ten minutes; what else goes wrong is thrown at once.
 * @param again the command that goes on from here
 */
async function patiently<Answer>(
  { output, now, sleep }: CommandContext,
  again: string,
  ask: () => Promise<Answer>,
): Promise<Answer> {
  const began = now().getTime();
  for (;;) {
    try {
      return await ask();
    } catch (error) {
      if (!(error instanceof CommandError)) throw error;
      if (now().getTime() - began > (patienceMilliseconds[error.exitCode] ?? -1)) throw goingOn(error, again);
      output.progress(`  … ${error.message}; asking again`, false);
      await sleep(askAgainMilliseconds);
    }
  }
}

/** What is followed is not over because nobody hears of it. */
function goingOn(error: CommandError, again: string): CommandError {
  if (error instanceof ApiRefusal && error.problem.status === 404) return error;
  const { exitCode, message, advice, details } = error;
  return new CommandError(exitCode, message, {
    advice: `${advice === undefined ? '' : `${advice} `}What was started goes on: ${again}.`,
    details: { ...details, followWith: again },
  });
}

/**
 * @param again the command that a person goes on with if this one ends before the upload
 * @returns the upload with its outcome. @throws CommandError where it never shows up
 */
export async function followUpload(
  context: CommandContext,
  id: string,
  again: string,
): Promise<UploadDetailView> {
  const api = await context.api();
  const steps = new Steps(context.output);
  const begun = context.now().getTime();
  let since: string | undefined;
  for (;;) {
    try {
      const query = { waitSeconds, since };
      const upload = await patiently(context, again, () => api.call('getUpload', { params: { id }, query }));
      steps.show(upload.steps);
      if (upload.ended) return upload;
      context.output.progress(`  … ${upload.state}`, false);
      since = upload.version;
    } catch (error) {
      const early = error instanceof ApiRefusal && error.problem.name === 'UploadNotFound';
      if (!early) throw error;
      if (context.now().getTime() - begun > uploadSeenWithinSeconds * 1000) {
        throw new CommandError(exitCodes.failed, `The upload ${id} was stored, but nothing took it up.`, {
          advice: 'Look at the log of the function receive-upload.',
        });
      }
      await context.sleep(500);
    }
  }
}

/** @returns the rollout once it has ended, or needs attention. */
export async function followRollout(context: CommandContext, id: string): Promise<RolloutDetailView> {
  const api = await context.api();
  const { output } = context;
  const steps = new Steps(output);
  const again = `flotilla follow ${id}`;
  context.goesOn(`rollout ${id} goes on: ${again}`);
  let since: string | undefined;
  let asked = '';
  for (;;) {
    const query = { waitSeconds, since };
    const rollout = await patiently(context, again, () => api.call('getRollout', { params: { id }, query }));
    steps.show(rollout.steps);
    if (rollout.ended || rollout.status === 'needs-attention') {
      output.endProgress();
      return rollout;
    }
    const { gate } = rollout;
    if (gate?.waitsFor === 'approval' && asked !== gate.since) {
      asked = gate.since;
      output.progress(
        `  waits for a person until ${gate.until}: flotilla approve ${id}, or flotilla reject ${id}`,
      );
    }
    output.progress(`  … ${rollout.phase}`, false);
    since = rollout.version;
  }
}
