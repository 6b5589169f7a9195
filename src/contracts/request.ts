/** A wish to make a release live, from an upload, the API or the command. */
import * as z from 'zod';
import { fleetName, sha256Hex } from './ids.ts';
import { actor, uploadItemId } from './items.ts';

export const rolloutTarget = z.discriminatedUnion('kind', [
  /** A new release on this image. */
  z.strictObject({ kind: z.literal('image'), identity: sha256Hex }),
  /** A release that exists already. */
  z.strictObject({ kind: z.literal('release'), number: z.number().int().min(1) }),
  /** Back to the release that was live before. */
  z.strictObject({ kind: z.literal('rollback') }),
]);
export type RolloutTarget = z.infer<typeof rolloutTarget>;

export const rolloutRequest = z.strictObject({
  fleet: fleetName,
  target: rolloutTarget,
  /** The fleet's number of the upload that asks by itself; absent where a person asks. */
  upload: z.number().int().min(1).optional(),
  /** The id of that upload: its uploader is told how the rollout ended. */
  uploadId: uploadItemId.optional(),
  by: actor,
  /** Of an alarm that asks: false where it has no data only, so that nothing is held against the release that leaves. */
  rang: z.boolean().optional(),
  /** Deploys a vetoed image, or a release that failed before. */
  force: z.boolean().optional(),
});
export type RolloutRequest = z.infer<typeof rolloutRequest>;

export const rolloutAnswer = z.strictObject({
  outcome: z.enum(['started', 'queued', 'already-live', 'superseded']),
  rollout: z.number().int().min(1).optional(),
  release: z.number().int().min(1).optional(),
  executionArn: z.string().optional(),
  message: z.string(),
});
export type RolloutAnswer = z.infer<typeof rolloutAnswer>;
