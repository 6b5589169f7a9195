/** `flotilla image veto` and `flotilla image unveto`: a person's word on what may be deployed. */
import type { Command } from '../../command.ts';
import { exitCodes } from '../../exit-codes.ts';
import { imageNamed } from '../../image-target.ts';

export const veto: Command = async (context) => {
  const { positionals, values } = context.invocation;
  const { output } = context;
  const api = await context.api();
  const { identity } = await imageNamed(api, positionals[0] ?? '');
  const answer = await api.call('vetoImage', {
    params: { id: identity },
    body: { reason: values.reason ?? '' },
  });
  output.line(answer.message);
  output.result(answer);
  return exitCodes.ok;
};

export const unveto: Command = async (context) => {
  const { positionals, values } = context.invocation;
  const { output } = context;
  const api = await context.api();
  const { identity } = await imageNamed(api, positionals[0] ?? '');
  const answer = await api.call('unvetoImage', {
    params: { id: identity },
    body: values.reason === undefined ? {} : { reason: values.reason },
  });
  output.line(answer.message);
  output.result(answer);
  return exitCodes.ok;
};
