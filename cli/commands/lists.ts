/** `flotilla releases`, `flotilla rollouts`, `flotilla uploads`. */
import type { Command } from '../command.ts';
import { exitCodes, usageError } from '../exit-codes.ts';
import { ago, table } from '../output.ts';
import { firstItems } from '../pages.ts';
import { uploadLine } from './status.ts';

function limitOf(text: string | undefined): number {
  if (text === undefined) return 20;
  if (!/^[1-9]\d{0,3}$/.test(text)) throw usageError(`--limit: ${text} is no number from 1 to 9999.`);
  return Number(text);
}

export const releases: Command = async (context) => {
  const { invocation, output, now } = context;
  const { fleet = '', limit } = invocation.values;
  const api = await context.api();
  const items = await firstItems(limitOf(limit), (after, count) =>
    api.call('listReleases', { params: { fleet }, query: { limit: count, after } }),
  );
  output.line(
    table(
      ['RELEASE', 'STATE', 'IMAGE', 'ARTIFACT', 'KERNEL', 'MADE'],
      items.map((one) => [
        one.label,
        one.state,
        one.imageId,
        one.artifactSha256.slice(0, 12),
        one.kernel,
        ago(one.createdAt, now()),
      ]),
    ),
  );
  output.result({ fleet, releases: items });
  return exitCodes.ok;
};

export const rollouts: Command = async (context) => {
  const { invocation, output, now } = context;
  const { fleet = '', limit } = invocation.values;
  const api = await context.api();
  const items = await firstItems(limitOf(limit), (after, count) =>
    api.call('listRollouts', { params: { fleet }, query: { limit: count, after } }),
  );
  output.line(
    table(
      ['ROLLOUT', 'KIND', 'RELEASE', 'STATUS', 'PHASE', 'WHEN', 'WHY'],
      items.map((one) => [
        one.id,
        one.kind,
        `v${one.release}`,
        one.status,
        one.phase,
        ago(one.requestedAt, now()),
        one.error?.name ?? '',
      ]),
    ),
  );
  output.result({ fleet, rollouts: items });
  return exitCodes.ok;
};

export const uploads: Command = async (context) => {
  const { invocation, output, now } = context;
  const { fleet, limit } = invocation.values;
  const api = await context.api();
  const items = await firstItems(limitOf(limit), (after, count) =>
    api.call('listUploads', { query: { fleet, limit: count, after } }),
  );
  if (items.length === 0) output.line('No uploads.');
  for (const one of items) output.line(uploadLine(one, now()));
  output.result({ uploads: items });
  return exitCodes.ok;
};
