/** `flotilla abort`, `approve`, `reject`, `promote`, `pause`, `resume`: orders to a rollout. */
import type { Command } from '../command.ts';
import { exitCodes } from '../exit-codes.ts';

type OrderName =
  | 'abortRollout'
  | 'approveRollout'
  | 'rejectRollout'
  | 'promoteRollout'
  | 'pauseRollout'
  | 'resumeRollout';

export function order(name: OrderName): Command {
  return async (context) => {
    const { positionals, values } = context.invocation;
    const api = await context.api();
    const answer = await api.call(name, {
      params: { id: positionals[0] ?? '' },
      body: values.reason === undefined ? {} : { reason: values.reason },
    });
    context.output.line(answer.message);
    context.output.result(answer);
    return exitCodes.ok;
  };
}
