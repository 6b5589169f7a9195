/** `flotilla image veto` and `flotilla image unveto`: a person's word on what may be deployed. */
import type { Command } from '../../command.ts';
import { exitCodes } from '../../exit-codes.ts';

export const veto: Command = async ({ invocation, api, output }) => {
  const { positionals, values } = invocation;
  const answer = await (await api()).call('vetoImage', {
    params: { id: positionals[0] ?? '' },
    body: { reason: values.reason ?? '' },
  });
  output.line(answer.message);
  output.result(answer);
  return exitCodes.ok;
};

export const unveto: Command = async ({ invocation, api, output }) => {
  const { positionals, values } = invocation;
  const answer = await (await api()).call('unvetoImage', {
    params: { id: positionals[0] ?? '' },
    body: values.reason === undefined ? {} : { reason: values.reason },
  });
  output.line(answer.message);
  output.result(answer);
  return exitCodes.ok;
};
