/** `flotilla abort`, `approve`, `reject`, `promote`, `pause`, `resume`: orders to a rollout. */
import type { OrderOperation } from '../../src/contracts/api.ts';
import type { Command } from '../command.ts';
import { exitCodes } from '../exit-codes.ts';

export function order(name: OrderOperation): Command {
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
