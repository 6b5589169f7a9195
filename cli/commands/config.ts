/**
 * `flotilla config`: the environment of a fleet's program. A change of it makes a new image and release of the
 * artifact that is live, which is not uploaded again.
 */
import type { Command, CommandContext } from '../command.ts';
import { type ExitCode, exitCodes, usageError } from '../exit-codes.ts';
import { followAnswer } from './deploy.ts';

/** Names alone, unless the values are asked for: they may be secrets, and terminals are recorded. */
export const showConfig: Command = async (context) => {
  const { invocation, output } = context;
  const fleet = invocation.values.fleet ?? '';
  const api = await context.api();
  const { spec } = await api.call('getFleet', { params: { fleet } });
  const { environment } = spec.image;
  const withValues = invocation.flags.has('values');
  for (const [name, value] of Object.entries(environment)) {
    output.line(withValues ? `${name}=${value}` : name);
  }
  output.result({
    fleet,
    names: Object.keys(environment),
    ...(withValues ? { environment } : {}),
  });
  return exitCodes.ok;
};

export const setConfig: Command = (context) => {
  const [assignment = ''] = context.invocation.positionals;
  const at = assignment.indexOf('=');
  if (at < 1) throw usageError('config set: say KEY=VALUE.', 'See flotilla help config set.');
  const name = assignment.slice(0, at);
  const value = assignment.slice(at + 1);
  return change(context, name, value);
};

export const unsetConfig: Command = (context) => {
  const [name = ''] = context.invocation.positionals;
  return change(context, name, undefined);
};

/** @param value undefined where the name is to go */
async function change(context: CommandContext, name: string, value: string | undefined): Promise<ExitCode> {
  const { invocation, output } = context;
  const fleet = invocation.values.fleet ?? '';
  const api = await context.api();
  const { spec, live } = await api.call('getFleet', { params: { fleet } });
  const same = spec.image.environment[name] === value;
  const artifact = live?.artifactSha256;
  if (invocation.flags.has('plan')) {
    const then =
      artifact === undefined || invocation.flags.has('no-deploy')
        ? 'nothing would be deployed'
        : `a new image of the artifact ${artifact.slice(0, 12)} would be made and deployed`;
    const message = same
      ? `${name} is so already; nothing would change.`
      : `${name} would change in fleet ${fleet}; ${then}.`;
    output.line(message);
    output.result({ outcome: 'planned', fleet, changes: !same, message });
    return exitCodes.ok;
  }
  // What others change of the spec meanwhile stays.
  const applied = await api.call('changeEnvironment', {
    params: { fleet },
    body: value === undefined ? { set: {}, unset: [name] } : { set: { [name]: value }, unset: [] },
  });
  output.progress(applied.message);
  if (artifact === undefined || invocation.flags.has('no-deploy')) {
    output.line(`${name} is ${same ? 'as it was' : 'changed'} in fleet ${fleet}; nothing is deployed.`);
    output.result({ outcome: applied.outcome, fleet });
    return exitCodes.ok;
  }
  const answer = await api.call('requestRollout', { params: { fleet }, body: { artifact } });
  return await followAnswer(context, answer, {});
}
