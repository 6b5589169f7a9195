/** `flotilla fleet apply` and `flotilla fleet delete`. */
import { ApiRefusal } from '../api-client.ts';
import type { Command } from '../command.ts';
import { CommandError, exitCodes } from '../exit-codes.ts';
import { readSpecFile } from '../spec-file.ts';

export const applyFleet: Command = async (context) => {
  const { invocation, output } = context;
  const { fleet, spec } = readSpecFile(invocation.positionals[0] ?? '', invocation.values.fleet);
  const api = await context.api();
  const answer = await api.call('applyFleet', { params: { fleet }, body: spec });
  output.line(answer.message);
  for (const part of answer.made) output.line(`  ${part}`);
  output.result(answer);
  return exitCodes.ok;
};

/** Draining and ending instances takes minutes; beyond this something is stuck. */
const removalMilliseconds = 30 * 60_000;

export const deleteFleet: Command = async (context) => {
  const { invocation, output } = context;
  const [fleet = ''] = invocation.positionals;
  const { flags, values } = invocation;
  const api = await context.api();
  const begun = context.now().getTime();
  const done: string[] = [];
  for (let first = true; ; first = false) {
    try {
      const answer = await api.call('removeFleet', {
        params: { fleet },
        query: { force: flags.has('force'), confirm: values.confirm },
      });
      for (const part of answer.done) if (!done.includes(part)) done.push(part);
      if (answer.outcome === 'removed' || flags.has('no-wait')) {
        output.line(answer.message);
        output.result({ ...answer, done });
        return exitCodes.ok;
      }
      output.progress(`  … waits for ${answer.waitingFor.join(', ')}`, false);
    } catch (error) {
      // The answer that told of the end may have been lost.
      const gone = error instanceof ApiRefusal && error.problem.name === 'FleetNotFound' && !first;
      if (!gone) throw error;
      output.line(`Fleet ${fleet} is gone; its lineage stays.`);
      output.result({ outcome: 'removed', done, waitingFor: [] });
      return exitCodes.ok;
    }
    if (context.now().getTime() - begun > removalMilliseconds) {
      throw new CommandError(exitCodes.failed, `Fleet ${fleet} is not gone after half an hour.`, {
        advice: 'Look at its instances in the EC2 console, and send the command again.',
      });
    }
    await context.sleep(1_000);
  }
};
