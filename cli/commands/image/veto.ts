/** `flotilla image veto` and `flotilla image unveto`: a person's word on what may be deployed. */
import type { Command } from '../../command.ts';
import { exitCodes } from '../../exit-codes.ts';
import { imageNamed } from '../../image-target.ts';

function wordOnImage(operation: 'vetoImage' | 'unvetoImage'): Command {
  return async (context) => {
    const { positionals, values } = context.invocation;
    const api = await context.api();
    const { identity } = await imageNamed(api, positionals[0] ?? '');
    const answer = await api.call(operation, {
      params: { id: identity },
      body: values.reason === undefined ? {} : { reason: values.reason },
    });
    context.output.line(answer.message);
    context.output.result(answer);
    return exitCodes.ok;
  };
}

export const veto = wordOnImage('vetoImage');
export const unveto = wordOnImage('unvetoImage');
