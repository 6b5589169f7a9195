/** What the HTTP API answers: the shapes that the command, and anybody's script, may rely on. */
import * as z from 'zod';
import { failureCardView } from './failure-card.ts';
import { fleetSpec } from './fleet-spec.ts';
import { architecture, fleetName, sha256Hex, slotColour } from './ids.ts';
import { actor, imageItem, rolloutItem, uploadItem } from './items.ts';

const time = z.iso.datetime();
const count = z.number().int().min(0);
const ordinal = z.number().int().min(1);

/** RFC 9457, with the error's name from the catalogue, what to do next, and the ids to look at. */
export const problem = z.object({
  type: z.string().describe('A URI for the kind of problem: `urn:flotilla:error:<name>`.'),
  title: z.string(),
  status: z.number().int(),
  detail: z.string(),
  instance: z.string().describe('`urn:flotilla:request:<id>`, to find the request in the log.'),
  name: z.string().describe('One name of a closed list, for example `SpecInvalid`.'),
  advice: z.string().describe('What to do next, in one sentence.'),
  details: z.record(z.string(), z.unknown()),
});
export type Problem = z.infer<typeof problem>;

/** A release in a slot, with what it runs. */
export const occupantView = z.object({
  release: ordinal,
  slot: slotColour,
  groupName: z.string(),
  imageId: z.string().optional(),
  artifactSha256: sha256Hex.optional(),
  module: z.string().optional(),
  vcsRevision: z.string().optional(),
  weight: count.describe('Per cent of requests that the slot gets.'),
  keepUntil: time.optional().describe('Of a warm release: when it is retired.'),
  leftAt: time
    .optional()
    .describe('When a rollback left it: no rollback goes back to it, until it is promoted again.'),
});
export type OccupantView = z.infer<typeof occupantView>;

export const releaseView = z.object({
  fleet: fleetName,
  number: ordinal,
  label: z.string().describe('`v7`'),
  state: z.enum(['new', 'candidate', 'live', 'warm', 'retired', 'failed']),
  reason: z.string().optional(),
  leftAt: time
    .optional()
    .describe('When a rollback left it: no rollback goes back to it, until it is promoted again.'),
  imageId: z.string(),
  identity: sha256Hex,
  artifactSha256: sha256Hex,
  kernel: z.string(),
  upload: count,
  createdAt: time,
  by: actor,
});
export type ReleaseView = z.infer<typeof releaseView>;

export const rolloutView = z.object({
  id: z.string().describe('`web-12`'),
  address: z.string().describe('`/rollouts/web-12`'),
  fleet: fleetName,
  number: ordinal,
  kind: rolloutItem.shape.kind,
  release: ordinal,
  from: count,
  status: rolloutItem.shape.status,
  phase: z.string(),
  ended: z.boolean().describe('True once nothing more will happen by itself.'),
  executionArn: z.string(),
  error: z
    .object({
      name: z.string(),
      title: z.string(),
      message: z.string(),
      advice: z.string(),
      details: z.record(z.string(), z.unknown()).optional(),
    })
    .optional()
    .describe('Why it failed, with the instance and the last lines of its console where there are any.'),
  requestedAt: time,
  startedAt: time.optional(),
  endedAt: time.optional(),
  by: actor,
});
export type RolloutView = z.infer<typeof rolloutView>;

export const eventView = z.object({
  subject: z.string(),
  key: z.string(),
  kind: z.string(),
  at: time,
  by: actor.optional(),
  executionArn: z.string().optional(),
  data: z.record(z.string(), z.unknown()),
});
export type EventView = z.infer<typeof eventView>;

export const rolloutDetailView = rolloutView.extend({
  version: z
    .string()
    .describe('Changes with every change; give it back as `since` to wait for the next one.'),
  steps: z.array(eventView),
  live: occupantView.nullable().describe('What serves the fleet now.'),
  card: failureCardView.nullable().describe('Why it failed, on one page; null where it did not.'),
  gate: z
    .object({
      step: count,
      waitsFor: z.enum(['time', 'approval', 'resume']),
      since: time,
      until: time.optional().describe('Absent while it is paused.'),
    })
    .nullable(),
  paused: z
    .object({ since: time, by: actor, reason: z.string().optional() })
    .nullable()
    .describe('A pause that holds it, or will before its next step.'),
});
export type RolloutDetailView = z.infer<typeof rolloutDetailView>;

export const uploadView = z.object({
  id: z.string(),
  address: z.string().describe('`/uploads/<id>`'),
  bucket: z.string(),
  key: z.string(),
  versionId: z.string(),
  sizeBytes: count,
  fleet: z.string().optional(),
  number: ordinal.optional(),
  state: uploadItem.shape.state,
  ended: z.boolean(),
  artifactSha256: sha256Hex.optional(),
  advice: uploadItem.shape.advice.describe('What will probably not work in a unikernel; it stops nothing.'),
  identity: sha256Hex.optional(),
  imageId: z.string().optional(),
  release: ordinal.optional(),
  rollout: z.string().optional().describe('The id of the rollout that it led to: `web-12`.'),
  error: z.object({ name: z.string(), message: z.string(), advice: z.string() }).optional(),
  executionArn: z.string(),
  receivedAt: time,
  endedAt: time.optional(),
  by: actor,
});
export type UploadView = z.infer<typeof uploadView>;

export const uploadDetailView = uploadView.extend({ version: z.string(), steps: z.array(eventView) });
export type UploadDetailView = z.infer<typeof uploadDetailView>;

/** One line of a list of fleets. */
export const fleetSummary = z.object({
  fleet: fleetName,
  state: z.enum(['empty', 'serving', 'rolling-out', 'needs-attention', 'being-removed']),
  live: occupantView.nullable(),
  candidate: occupantView.nullable(),
  needsAttention: z.array(z.string()).describe('Reasons, in words; empty where all is well.'),
  updatedAt: time,
});
export type FleetSummary = z.infer<typeof fleetSummary>;

export const fleetView = fleetSummary.extend({
  spec: fleetSpec,
  specVersion: ordinal,
  fixed: z.object({
    listenerArn: z.string(),
    ruleArn: z.string(),
    priority: ordinal,
    blueArn: z.string(),
    greenArn: z.string(),
    launchTemplateId: z.string(),
    test: z.object({ listenerArn: z.string(), ruleArn: z.string(), priority: ordinal }).optional(),
  }),
  warm: occupantView.nullable(),
  weights: z.object({ blue: count, green: count }),
  served: z.boolean(),
  lease: z
    .object({
      holder: z.string(),
      purpose: z.enum(['rollout', 'retirement', 'removal']),
      rollout: count,
      release: count,
      since: time,
      state: z.enum(['held', 'recovering', 'needs-attention']),
      reason: z.string().optional(),
    })
    .nullable(),
  gate: rolloutDetailView.shape.gate,
  paused: rolloutDetailView.shape.paused,
  queue: z.array(ordinal),
  recent: z.object({ rollouts: z.array(rolloutView), uploads: z.array(uploadView) }),
  createdAt: time,
});
export type FleetView = z.infer<typeof fleetView>;

export const lineageView = z.object({
  id: z.string(),
  what: z.enum(['instance', 'image', 'snapshot', 'artifact', 'release', 'rollout', 'upload', 'fleet']),
  instance: z
    .object({ id: z.string(), state: z.string(), launchedAt: time.optional(), fleet: z.string().optional() })
    .optional(),
  uploads: z.array(uploadView),
  artifacts: z.array(
    z.object({
      sha256: sha256Hex,
      kind: z.string(),
      sizeBytes: count,
      architecture,
      goVersion: z.string().optional(),
      module: z.string().optional(),
      moduleVersion: z.string().optional(),
      vcsRevision: z.string().optional(),
      vcsTime: z.string().optional(),
      vcsModified: z.boolean().optional(),
    }),
  ),
  images: z.array(
    z.object({
      identity: sha256Hex,
      state: z.string(),
      imageId: z.string().optional(),
      snapshotId: z.string().optional(),
      kernel: z.string(),
      attempt: ordinal.describe(
        'The attempt that made it: its digests and recipe lie in the store under it.',
      ),
      /** Blocks that are not zero; of these, `blocksWritten` were put, and the others are the parent's. */
      blocks: count.optional(),
      blocksWritten: count.optional(),
      parentSnapshotId: z.string().optional(),
      checksum: z.string().optional().describe('LINEAR over the SHA-256 of its blocks, base64.'),
      veto: imageItem.shape.veto.describe('Why it is not to be deployed, and who said so.'),
    }),
  ),
  releases: z.array(releaseView),
  rollouts: z.array(rolloutView),
  instances: z
    .array(z.object({ id: z.string(), state: z.string(), fleet: z.string(), release: z.string() }))
    .describe('What runs it now.'),
  next: z.string().optional().describe('Of a fleet: give it as `after` to read on with older releases.'),
});
export type LineageView = z.infer<typeof lineageView>;

export const page = <T extends z.ZodType>(items: T) =>
  z.object({
    items: z.array(items),
    next: z.string().optional().describe('Give it back as `after` for the next page; absent on the last.'),
  });
