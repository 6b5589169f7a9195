/** The rollout that an upload leads to: found again, and asked for once. */
import type { Table } from '../aws/table.ts';
import { releaseLabel } from '../contracts/ids.ts';
import { type RolloutItem, rolloutItem } from '../contracts/items.ts';
import type { RolloutAnswer, RolloutRequest } from '../contracts/request.ts';
import { keys, prefixes } from '../lineage/keys.ts';
import { requireOpenUpload } from './accept-upload.ts';
import { type RequestDeps, requestRollout } from './request-rollout.ts';

/** Rollouts of a fleet that are looked through, newest first. */
export const rolloutsLookedAt = 20;

/** The rollout that an upload led to, where its execution did not live to say so. */
export async function rolloutOfUpload(
  table: Table,
  fleet: string,
  upload: string,
): Promise<RolloutItem | undefined> {
  const { items } = await table.query(keys.fleet(fleet).pk, prefixes.rollout, rolloutItem, {
    newestFirst: true,
    limit: rolloutsLookedAt,
  });
  return items.find(({ uploadId }) => uploadId === upload);
}

/**
 * Asks for a rollout, and where an upload asks, for one only: a repeated call is answered with the rollout that is there.
 * An execution can be redriven after the sweeper told the uploader that it failed, and what was told stands.
 * https://docs.aws.amazon.com/step-functions/latest/dg/redrive-executions.html
 * @throws FlotillaError `UploadNotFound`, `UploadEnded`, and as {@link requestRollout}.
 */
export async function requestForUpload(request: RolloutRequest, deps: RequestDeps): Promise<RolloutAnswer> {
  const { fleet, uploadId } = request;
  if (uploadId === undefined) return requestRollout(request, deps);
  const known = await rolloutOfUpload(deps.table, fleet, uploadId);
  if (known === undefined) {
    await requireOpenUpload(deps.table, uploadId);
    return requestRollout(request, deps);
  }
  const { number: rollout, release, executionArn } = known;
  const message = `The upload led to rollout ${rollout} of ${releaseLabel(release)}.`;
  return { outcome: 'started', rollout, release, executionArn, message };
}
