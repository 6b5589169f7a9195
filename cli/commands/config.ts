/**
 * `flotilla config`: the environment of a fleet's program. A change of it makes a new image and release of the
 * artifact that is live, which is not uploaded again.
 */
import type { FleetView } from '../../src/contracts/api-views.ts';
import type { Command, CommandContext } from '../command.ts';
import { CommandError, type ExitCode, exitCodes, usageError } from '../exit-codes.ts';
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

/** What is on its way would be followed, or replaced, by the program that is live now: old code would come back. */
function refuseWhileDeploying({ fleet, lease, queue, recent }: FleetView, name: string): void {
  const rollout = lease?.purpose === 'rollout' ? lease.rollout : queue[0];
  const upload = recent.uploads.find(({ ended, state }) => !ended && state !== 'deploying');
  if (rollout === undefined && upload === undefined) return;
  const what =
    rollout === undefined
      ? `upload ${upload?.id} is being built`
      : `rollout ${fleet}-${rollout} is under way`;
  const wait =
    rollout === undefined ? `flotilla uploads --fleet ${fleet}` : `flotilla follow ${fleet}-${rollout}`;
  throw new CommandError(
    exitCodes.refused,
    `${name} was not changed: ${what}, and the program that is live now would take its place.`,
    { advice: `Wait for it (${wait}), or say --no-deploy: what is deployed next has the value.` },
  );
}

/** @param value undefined where the name is to go */
async function change(context: CommandContext, name: string, value: string | undefined): Promise<ExitCode> {
  const { invocation, output } = context;
  const fleet = invocation.values.fleet ?? '';
  const api = await context.api();
  const view = await api.call('getFleet', { params: { fleet } });
  const same = view.spec.image.environment[name] === value;
  const artifact = invocation.flags.has('no-deploy') ? undefined : view.live?.artifactSha256;
  if (artifact !== undefined) refuseWhileDeploying(view, name);
  if (invocation.flags.has('plan')) {
    const then =
      artifact === undefined
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
  if (artifact === undefined) {
    output.line(`${name} is ${same ? 'as it was' : 'changed'} in fleet ${fleet}; nothing is deployed.`);
    output.result({ outcome: applied.outcome, fleet });
    return exitCodes.ok;
  }
  const answer = await api.call('requestRollout', { params: { fleet }, body: { artifact } });
  return await followAnswer(context, answer, {});
}
