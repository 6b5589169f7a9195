/** `flotilla status`: what serves, what is under way, what needs attention. */
import type { AnswerOf } from '../../src/contracts/api.ts';
import type { FleetSummary, UploadView } from '../../src/contracts/api-views.ts';
import type { Command, CommandContext } from '../command.ts';
import { exitCodes } from '../exit-codes.ts';
import { describeOccupant } from '../failure-card.ts';
import { ago, table } from '../output.ts';
import { everyPage } from '../pages.ts';

/** Uploads of the last day that went nowhere are worth a line without being asked for. */
const recentMilliseconds = 86_400_000;

export const status: Command = async (context) => {
  const { fleet } = context.invocation.values;
  return fleet === undefined ? await allFleets(context) : await oneFleet(context, fleet);
};

async function allFleets(context: CommandContext) {
  const { output } = context;
  const api = await context.api();
  const fleets: FleetSummary[] = [];
  for await (const page of everyPage((after) => api.call('listFleets', { query: { limit: 100, after } }))) {
    fleets.push(...page);
  }
  const uploads = await api.call('listUploads', { query: { limit: 20 } });
  const refused = uploads.items.filter(
    (upload) =>
      upload.error !== undefined &&
      context.now().getTime() - Date.parse(upload.receivedAt) < recentMilliseconds,
  );
  if (fleets.length === 0) output.line('No fleets yet: flotilla fleet apply FILE makes one.');
  else {
    output.line(
      table(
        ['FLEET', 'STATE', 'LIVE', 'CANDIDATE', 'CHANGED'],
        fleets.map((one) => [
          one.fleet,
          one.state,
          describeOccupant(one.live),
          one.candidate === null ? '' : describeOccupant(one.candidate),
          ago(one.updatedAt, context.now()),
        ]),
      ),
    );
  }
  for (const one of fleets) {
    for (const reason of one.needsAttention) output.line(`! ${one.fleet}: ${reason}`);
  }
  if (refused.length > 0) {
    output.line('\nuploads that went nowhere (last day)');
    for (const upload of refused) output.line(uploadLine(upload, context.now()));
  }
  output.result({ fleets, refusedUploads: refused });
  return exitCodes.ok;
}

/** One upload, with its reason where it was refused. */
export function uploadLine(upload: UploadView, now: Date): string {
  const { error, rollout, state } = upload;
  const to = rollout ?? upload.imageId ?? '';
  // Where it led to a rollout, the upload's own way has ended; what became of it, the rollout says.
  const words = rollout !== undefined && state === 'deploying' ? 'deployed by' : state;
  const why = error === undefined ? '' : `\n    ${error.name}: ${error.message}\n    ${error.advice}`;
  return `  ${upload.key}  ${words}  ${to}  ${ago(upload.receivedAt, now)}${why}`;
}

async function oneFleet(context: CommandContext, name: string) {
  const { output, now } = context;
  const api = await context.api();
  const fleet = await api.call('getFleet', { params: { fleet: name } });
  output.line(`${fleet.fleet}: ${fleet.state}`);
  for (const reason of fleet.needsAttention) output.line(`! ${reason}`);
  output.line(`  live       ${describeOccupant(fleet.live)}`);
  const { live } = fleet;
  if (live?.vcsRevision !== undefined)
    output.line(`             ${live.module ?? ''} at ${live.vcsRevision}`);
  if (fleet.candidate !== null) output.line(`  candidate  ${describeOccupant(fleet.candidate)}`);
  if (fleet.warm !== null) {
    const left = fleet.warm.leftAt === undefined ? '' : '; a rollback left it, and none goes back to it';
    output.line(`  warm       ${describeOccupant(fleet.warm)} until ${fleet.warm.keepUntil ?? '?'}${left}`);
  }
  if (fleet.lease !== null) {
    const { purpose, state, since, holder } = fleet.lease;
    output.line(`  held       by a ${purpose} (${state}) since ${since}\n             ${holder}`);
  }
  if (fleet.gate !== null) {
    const { step, waitsFor, until } = fleet.gate;
    output.line(
      `  gate       step ${step} waits for ${waitsFor}${until === undefined ? '' : ` until ${until}`}`,
    );
  }
  if (fleet.paused !== null && fleet.lease !== null) {
    const { since, by, reason } = fleet.paused;
    const why = reason === undefined ? '' : `: ${reason}`;
    const id = `${fleet.fleet}-${fleet.lease.rollout}`;
    output.line(`  paused     since ${since} by ${by.principal}${why}; flotilla resume ${id}`);
  }
  const { rule, port, instances } = fleet.spec;
  output.line(`  rule       ${[...rule.hosts, ...rule.paths].join(' ')} (priority ${fleet.fixed.priority})`);
  output.line(
    `  instances  ${instances.types.join(', ')}, ${instances.minimum} to ${instances.maximum}, port ${port}`,
  );
  recent(context, fleet, now());
  output.result(fleet);
  return exitCodes.ok;
}

function recent({ output }: CommandContext, fleet: AnswerOf<'getFleet'>, now: Date): void {
  const { rollouts, uploads } = fleet.recent;
  if (rollouts.length > 0) {
    output.line('\nrollouts');
    for (const one of rollouts) {
      const why =
        one.error === undefined ? '' : `\n    ${one.error.name}: ${one.error.message.split('\n')[0]}`;
      const words = one.ended ? one.status : `${one.status}, ${one.phase}`;
      output.line(`  ${one.id}  v${one.release}  ${words}  ${ago(one.requestedAt, now)}${why}`);
    }
  }
  if (uploads.length > 0) {
    output.line('\nuploads');
    for (const one of uploads) output.line(uploadLine(one, now));
  }
}
