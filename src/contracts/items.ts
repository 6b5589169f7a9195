/**
 * The items of the table, as they are stored. Keys are in src/lineage/keys.ts; every reader parses with these
 * schemas, so that an item written by a newer version is refused by name rather than half understood.
 *
 * Times are ISO 8601 in UTC with milliseconds.
 */
import * as z from 'zod';
import { alarmEvidence } from './failure-card.ts';
import { alarmWatch, fleetSpec, imageSettings } from './fleet-spec.ts';
import { architecture, bootMode, sha256Hex, slotColour } from './ids.ts';
import { parentImage } from './image-blocks.ts';
import { advice } from './stored-artifact.ts';

const time = z.iso.datetime();
const count = z.number().int().min(0);
const ordinal = z.number().int().min(1);

/** Who asked, as far as AWS tells. */
export const actor = z.strictObject({
  /** Principal's ARN, S3's principal id, or `schedule`. */
  principal: z.string(),
  sourceIp: z.string().optional(),
  /** `upload`, `api`, `command`, `schedule`, `recovery`. */
  through: z.string(),
});
export type Actor = z.infer<typeof actor>;

/** A release in a slot. */
export const occupant = z.strictObject({
  release: ordinal,
  slot: slotColour,
  groupName: z.string(),
});
export type Occupant = z.infer<typeof occupant>;

/** What a release is promised that was live before. */
const keptWarm = z.strictObject({
  keepUntil: time,
  /** The minimum at which the release that took its place was held until it was promoted. */
  successorHeldAt: count.optional(),
});

/** One rollout, retirement or recovery at a time may change a fleet. */
export const lease = z.strictObject({
  holder: z.string(), // execution ARN
  purpose: z.enum(['rollout', 'retirement', 'removal']),
  rollout: count, // 0 for a retirement or removal
  release: count,
  since: time,
  /** Rises with every acquisition; mutating functions compare it before each call. */
  fence: ordinal,
  state: z.enum(['held', 'recovering', 'needs-attention']),
  reason: z.string().optional(),
});
export type Lease = z.infer<typeof lease>;

/** An order of a person, kept until the rollout can read it. */
export const order = z.strictObject({
  verb: z.enum(['abort', 'promote', 'approve', 'reject', 'pause', 'resume']),
  rollout: ordinal,
  by: actor,
  at: time,
  reason: z.string().optional(),
  /** What the alarm had measured, where an alarm gave the order. */
  alarm: alarmEvidence.optional(),
});
export type Order = z.infer<typeof order>;

/** The undo of a change that must not last, written before the change. */
export const leasedMutation = z.strictObject({
  kind: z.literal('minimum-pinned'),
  groupName: z.string(),
  /** What to write back, only if the present value still equals `pinned`. */
  former: count,
  pinned: count,
  deadline: time,
});
export type LeasedMutation = z.infer<typeof leasedMutation>;

/** What a fleet remembers of the account, so that its next plan need not ask for it. */
const knownQuotas = z.strictObject({
  /** By the quota's code. */
  values: z.record(z.string(), z.strictObject({ value: z.number(), readAt: time })),
  /** Auto Scaling groups, where they were far from their quota. */
  groups: z.strictObject({ used: count, quota: count, readAt: time }).optional(),
  /** Of each instance type. */
  vcpus: z.record(z.string(), ordinal),
});
export type KnownQuotas = z.infer<typeof knownQuotas>;

export const fleetItem = z.strictObject({
  type: z.literal('fleet'),
  fleet: z.string(),
  spec: fleetSpec,
  specVersion: ordinal,
  /** What stands in AWS for the fleet: made by PUT /fleets/{fleet}, `undefined` until each exists. */
  fixed: z.strictObject({
    listenerArn: z.string(),
    ruleArn: z.string(),
    priority: ordinal,
    blueArn: z.string(),
    greenArn: z.string(),
    launchTemplateId: z.string(),
    /** The rule on the test listener, where the spec names one. */
    test: z.strictObject({ listenerArn: z.string(), ruleArn: z.string(), priority: ordinal }).optional(),
  }),
  live: occupant.nullable(),
  candidate: occupant
    .extend({
      /** The last time that it was made larger; proven once so many were healthy. */
      growth: z.strictObject({ to: ordinal, since: time, proven: z.boolean() }).optional(),
      /** Of a release that was warm when it was taken up: what it is again where the rollout is undone. */
      warm: keptWarm.optional(),
      /** A person gave it all traffic before its rollout began, and no step has followed yet. */
      byHand: z.literal(true).optional(),
    })
    .nullable(),
  warm: occupant.extend(keptWarm.shape).nullable(),
  /** Weights that the rule must have now, in per cent. */
  weights: z.strictObject({ blue: count, green: count }),
  /** When the weights were last changed: nodes of the load balancer follow after a moment. */
  weightsSince: time.optional(),
  /**
   * The slot that the test listener's rule was told to lead to, null for nobody, and when. It is written before the
   * rule is set: what the rule has is ours only if it is that.
   */
  testTraffic: z.strictObject({ slot: slotColour.nullable(), since: time }).optional(),
  /** True once traffic went to a release: from then on weights are never all zero. */
  served: z.boolean(),
  lease: lease.nullable(),
  /** The last fence that was given out. */
  fence: count,
  gate: z
    .strictObject({
      token: z.string(),
      rollout: ordinal,
      step: count,
      waitsFor: z.enum(['time', 'approval', 'resume']),
      since: time,
      /** The alarms that end the waiting. */
      alarms: z.array(alarmWatch.pick({ name: true, missingData: true })).default([]),
      /** Absent at a pause, which ends when somebody says so. */
      until: time.optional(),
    })
    .nullable(),
  orders: z.array(order),
  pins: z.array(leasedMutation),
  nextRelease: ordinal,
  nextRollout: ordinal,
  nextUpload: ordinal,
  /** The newest upload that was deployed or whose build is under way; older ones are not deployed by themselves. */
  newestUpload: count,
  /** Rollouts that wait for the lease, oldest first. */
  queue: z.array(ordinal),
  quotas: knownQuotas.optional(),
  createdAt: time,
  updatedAt: time,
  /** Rises with each write; a conditional write on it keeps two writers apart. */
  revision: ordinal,
});
export type FleetItem = z.infer<typeof fleetItem>;

/**
 * What stays of a fleet that was removed: its counters. A fleet that is made again under the name goes on
 * counting, because releases, rollouts and events of the first one keep their keys.
 */
export const formerFleetItem = z.strictObject({
  type: z.literal('former-fleet'),
  fleet: z.string(),
  specVersion: ordinal,
  fence: count,
  nextRelease: ordinal,
  nextRollout: ordinal,
  nextUpload: ordinal,
  revision: ordinal,
  removedAt: time,
  by: actor,
});
export type FormerFleetItem = z.infer<typeof formerFleetItem>;

/** Immutable but for its state. */
export const releaseItem = z.strictObject({
  type: z.literal('release'),
  fleet: z.string(),
  number: ordinal,
  identity: sha256Hex,
  imageId: z.string(),
  artifactSha256: sha256Hex,
  image: imageSettings,
  /** Kernel version that went in; empty for a disk that brought its own. */
  kernel: z.string(),
  upload: count, // the fleet's upload number, 0 where it was asked for by image
  state: z.enum(['new', 'candidate', 'live', 'warm', 'retired', 'failed']),
  /** When it last failed by its own fault, its state since whatever it is: it is marked until it is promoted later. */
  failedAt: time.optional(),
  /** Why it failed then. */
  reason: z.string().optional(),
  /** When it was last promoted; absent for a release that was never live. */
  servedAt: time.optional(),
  /** When a rollback last left it for another release: no rollback goes there until it is promoted later. */
  leftAt: time.optional(),
  createdAt: time,
  by: actor,
});
export type ReleaseItem = z.infer<typeof releaseItem>;

/** 32 hexadecimal digits that follow from bucket, key and version. */
export const uploadItemId = z.string().regex(/^[0-9a-f]{32}$/);

export const rolloutItem = z.strictObject({
  type: z.literal('rollout'),
  fleet: z.string(),
  number: ordinal,
  kind: z.enum(['deploy', 'rollback']),
  release: ordinal,
  /** The image of that release: what a plan reads together with it. */
  identity: sha256Hex.optional(),
  /** The live release when it was asked for, 0 for none. */
  from: count,
  executionArn: z.string(),
  status: z.enum([
    'requested',
    'queued',
    'running',
    'succeeded',
    'failed',
    'aborted',
    'superseded',
    'needs-attention',
  ]),
  /** The present state in words, for `flotilla status`. */
  phase: z.string(),
  error: z
    .strictObject({
      name: z.string(),
      message: z.string(),
      details: z.record(z.string(), z.unknown()).optional(),
    })
    .optional(),
  /** Whoever asked accepts what would otherwise be refused: a vetoed image, a release that failed before. */
  force: z.boolean().optional(),
  /** The upload that asked for it by itself, and whose uploader is told how it ended. */
  uploadId: uploadItemId.optional(),
  /** The status that was told to others; where it is not the present one, the sweeper tells it. */
  told: z.string().optional(),
  requestedAt: time,
  startedAt: time.optional(),
  endedAt: time.optional(),
  by: actor,
});
export type RolloutItem = z.infer<typeof rolloutItem>;

export const artifactItem = z.strictObject({
  type: z.literal('artifact'),
  sha256: sha256Hex,
  kind: z.enum(['go-elf', 'nanos-disk']),
  sizeBytes: count,
  architecture,
  /** Of the ELF itself, or of the program inside the disk. */
  goVersion: z.string().optional(),
  module: z.string().optional(),
  moduleVersion: z.string().optional(),
  vcsRevision: z.string().optional(),
  vcsTime: z.string().optional(),
  vcsModified: z.boolean().optional(),
  /** The disk's program, and its digest. */
  program: z.string().optional(),
  programSha256: sha256Hex.optional(),
  /** Where the bytes stand: bucket, key and version of the upload that was first accepted. */
  bucket: z.string(),
  key: z.string(),
  versionId: z.string(),
  firstSeenAt: time,
});
export type ArtifactItem = z.infer<typeof artifactItem>;

/** What a smoke boot asks of an instance: where the fleet's program listens, and what it must answer. */
export const bootQuestion = z.strictObject({
  port: z.number().int().min(1).max(65_535),
  path: z.string(),
  /** As in the fleet's health check: `200-299`. */
  statusCodes: z.string(),
});
export type BootQuestion = z.infer<typeof bootQuestion>;

export const passedBoot = z.strictObject({
  ...bootQuestion.shape,
  instanceId: z.string(),
  /** Of the fleet that asked. */
  fleet: z.string(),
  at: time,
});

/** One way to launch the instance of a smoke boot; they are tried in order. */
export const bootPlace = z.strictObject({
  market: z.enum(['spot', 'on-demand']),
  instanceType: z.string(),
  subnetId: z.string(),
});
export type BootPlace = z.infer<typeof bootPlace>;

/**
 * The instance of a smoke boot: a leased mutation. It is written before the instance is launched, and whoever finds
 * it open when its time is over ends the instance.
 */
export const smokeBootItem = z.strictObject({
  type: z.literal('smoke-boot'),
  /** In the instance's tags. */
  id: z.string().regex(/^[0-9a-f]{32}$/),
  identity: sha256Hex,
  imageId: z.string(),
  fleet: z.string(),
  /** The execution that launches it. */
  owner: z.string(),
  state: z.enum(['open', 'ended']),
  question: bootQuestion.extend({ timeoutSeconds: ordinal, healthyThreshold: ordinal }),
  /** Fixed here, since a client token is refused with other parameters. */
  places: z.array(bootPlace).min(1),
  securityGroups: z.array(z.string()),
  profile: z.string().optional(),
  /** Which place is tried: all before it had no room. Past the last, none is: nothing runs, and nothing will. */
  place: count,
  /** Why they had none. */
  refusals: z.array(z.string()),
  instanceId: z.string().optional(),
  launchedAt: time.optional(),
  openedAt: time,
  /** Nothing is launched after it, and nothing waited for. */
  deadline: time,
  endedAt: time.optional(),
  /** Key of the kept console in the store. */
  console: z.string().optional(),
});
export type SmokeBootItem = z.infer<typeof smokeBootItem>;

export const imageItem = z.strictObject({
  type: z.literal('image'),
  identity: sha256Hex,
  state: z.enum(['building', 'available', 'failed', 'vetoed']),
  /** The one execution that builds it and alone cleans up after itself. */
  owner: z.string(),
  attempt: ordinal,
  artifactSha256: sha256Hex,
  architecture,
  /** Absent in items of before it was recorded: by BIOS on x86-64, by UEFI on arm64. */
  bootMode: bootMode.optional(),
  kernel: z.string(),
  kernelDigest: z.string(),
  builderVersion: z.string(),
  volumeSizeGiB: ordinal,
  snapshotId: z.string().optional(),
  imageId: z.string().optional(),
  /** The image to which this one is written as a difference, fixed with the claim; absent for one in full. */
  parent: parentImage.optional(),
  /** Why the parent that the claim had chosen was given up. */
  parentRefused: z.string().optional(),
  /** Blocks that are not zero, whoever put them. */
  blocks: count.optional(),
  blocksWritten: count.optional(),
  /** LINEAR checksum over the written blocks' checksums, base64. */
  checksum: z.string().optional(),
  createdAt: time,
  completedAt: time.optional(),
  error: z.strictObject({ name: z.string(), message: z.string() }).optional(),
  /** Smoke boots that it passed, newest last: what each asked, so that a fleet that asks the same needs no other. */
  boots: z.array(passedBoot).optional(),
  /** Why it is not to be deployed, where the state is `vetoed`. */
  veto: z.strictObject({ reason: z.string(), at: time, by: actor }).optional(),
});
export type ImageItem = z.infer<typeof imageItem>;

/** One image of one fleet, built or adopted, in the order of the fleet's uploads. */
export const fleetImageItem = z.strictObject({
  type: z.literal('fleet-image'),
  fleet: z.string(),
  /** The fleet's number of the upload that wanted it. */
  upload: ordinal,
  identity: sha256Hex,
  at: time,
});
export type FleetImageItem = z.infer<typeof fleetImageItem>;

/** One version of one uploaded object, accepted or not. */
export const uploadItem = z.strictObject({
  type: z.literal('upload'),
  id: z.string(),
  bucket: z.string(),
  key: z.string(),
  versionId: z.string(),
  sequencer: z.string(),
  sizeBytes: count,
  /** Absent where the key names no fleet. */
  fleet: z.string().optional(),
  /** The fleet's number of this upload, once accepted. */
  number: ordinal.optional(),
  state: z.enum([
    'received',
    'building',
    'built',
    'deploying',
    'rejected',
    'superseded',
    'failed',
    // How the rollout ended that carried it.
    'live',
    'rolled-back',
    'aborted',
  ]),
  artifactSha256: sha256Hex.optional(),
  /** What will probably not work, in sentences; it stops nothing. */
  advice: z.array(advice).optional(),
  identity: sha256Hex.optional(),
  imageId: z.string().optional(),
  release: ordinal.optional(),
  rollout: ordinal.optional(),
  error: z.strictObject({ name: z.string(), message: z.string(), advice: z.string() }).optional(),
  executionArn: z.string(),
  /** The state that was told to the uploader; where it is not the present one, the sweeper tells it. */
  told: z.string().optional(),
  receivedAt: time,
  endedAt: time.optional(),
  by: actor,
});
export type UploadItem = z.infer<typeof uploadItem>;

/** The newest event of one object's key: an older one that comes late must not win. */
export const uploadKeyItem = z.strictObject({
  type: z.literal('upload-key'),
  bucket: z.string(),
  key: z.string(),
  sequencer: z.string(),
  upload: z.string(),
});
export type UploadKeyItem = z.infer<typeof uploadKeyItem>;

/** Append-only: what happened, under a key that repeats when the writer repeats. */
export const eventItem = z.strictObject({
  type: z.literal('event'),
  /** What it is about: `fleet/web`, `image/<identity>`, `upload/<id>`. */
  subject: z.string(),
  /** For example `rollout-12/shifted-2`; the same step repeated writes the same key. */
  key: z.string(),
  kind: z.string(),
  at: time,
  by: actor.optional(),
  executionArn: z.string().optional(),
  data: z.record(z.string(), z.unknown()),
});
export type EventItem = z.infer<typeof eventItem>;

/** A look-up from an id of AWS (AMI, snapshot, instance) or a digest to what we know of it. */
export const refItem = z.strictObject({
  type: z.literal('ref'),
  id: z.string(),
  /** `image`, `artifact`, `release`, `rollout`, `upload`, `fleet`. */
  toType: z.enum(['image', 'artifact', 'release', 'rollout', 'upload', 'fleet']),
  /** `{identity}`, `{sha256}`, `{fleet}/v{n}`, … */
  to: z.string(),
  at: time,
});
export type RefItem = z.infer<typeof refItem>;
