/**
 * Every address of the HTTP API with what goes in and what comes out. The router parses with these schemas,
 * the command reads answers with them, and docs/openapi.json is made from them.
 */
import * as z from 'zod';
import {
  fleetSummary,
  fleetView,
  lineageView,
  page,
  releaseView,
  rolloutDetailView,
  rolloutView,
  uploadDetailView,
  uploadView,
} from './api-views.ts';
import { environmentChange, fleetSpec } from './fleet-spec.ts';
import { fleetName, parseRolloutId, sha256Hex } from './ids.ts';
import { imageItem } from './items.ts';
import { rolloutPlan } from './rollout.ts';

const noBody = z.strictObject({});
const noQuery = z.strictObject({});
/** Query values arrive as text. */
const flag = z
  .enum(['true', 'false'])
  .default('false')
  .transform((text) => text === 'true');
const whole = (minimum: number, maximum: number) =>
  z
    .string()
    .regex(/^\d{1,6}$/, 'a whole number')
    .transform(Number)
    .pipe(z.number().int().min(minimum).max(maximum));

const inFleet = z.strictObject({ fleet: fleetName });
const rolloutParams = z.strictObject({
  id: z.string().refine((id) => parseRolloutId(id) !== undefined, '<fleet>-<number>, for example web-12'),
});
const paging = z.strictObject({
  limit: whole(1, 100).default(20),
  after: z.string().max(1024).optional(),
});
/**
 * HTTP APIs end a request after 30 s and do not stream: following is a long poll.
 * https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-quotas.html
 */
const following = z.strictObject({
  waitSeconds: whole(0, 20).default(0),
  since: z.string().max(64).optional(),
});

/** What may stand in an id of lineage: digests, AWS ids, `web/v7`, `web-12`, keys of uploads. */
export const lineageId = z
  .string()
  .min(1)
  .max(512)
  .regex(/^[\x21-\x7e]+$/, 'printable characters without spaces');

/** A reason that a person gives; it is shown wherever the decision is. */
const reason = z.string().trim().min(1).max(500).optional();

export const rolloutRequest = z
  .strictObject({
    artifact: sha256Hex.optional().describe("Deployed with the fleet's present image settings."),
    image: z
      .string()
      .regex(/^(ami-[0-9a-f]{8,17}|[0-9a-f]{64})$/, 'an AMI id, or the identity of an image')
      .optional(),
    release: z
      .union([z.number().int().min(1), z.string().regex(/^v?[1-9][0-9]{0,8}$/, 'for example v7')])
      .transform((value) => (typeof value === 'number' ? value : Number(value.replace(/^v/, ''))))
      .optional(),
    force: z
      .boolean()
      .default(false)
      .describe('Deploys even an image that is live already, or what failed before.'),
    plan: z.boolean().default(false).describe('Says what would happen, and does nothing.'),
  })
  .refine(
    (body) => [body.artifact, body.image, body.release].filter((given) => given !== undefined).length === 1,
    'name exactly one of artifact, image and release',
  );

export const rolloutAnswer = z.object({
  outcome: z.enum(['started', 'queued', 'already-live', 'building', 'planned', 'refused']),
  message: z.string(),
  release: z.number().int().optional(),
  rollout: z.string().optional().describe('`web-12`'),
  address: z.string().optional().describe('`/rollouts/web-12`: what to follow.'),
  executionArn: z.string().optional(),
  reasons: z
    .array(z.string())
    .optional()
    .describe('Everything that stands against it, with what cures each.'),
  plan: rolloutPlan.optional().describe('What the rollout would do, where a plan was asked for.'),
  notes: z.array(z.string()).optional().describe('What could not be checked.'),
});
export type RolloutAnswer = z.infer<typeof rolloutAnswer>;

export const uploadRequest = z.strictObject({
  name: z
    .string()
    .regex(/^[0-9A-Za-z][0-9A-Za-z._-]*$/, 'letters, digits, dots, underscores and hyphens')
    .max(128),
  sizeBytes: z
    .number()
    .int()
    .min(0)
    // One PutObject takes 5 GiB; larger files go up in parts with the bucket's own API.
    .max(5 * 1024 ** 3)
    .optional()
    .describe('When given, exactly this many bytes are accepted.'),
  sha256: sha256Hex.optional().describe('When given, S3 refuses other bytes.'),
});

export const uploadTicket = z.object({
  url: z.string(),
  method: z.literal('PUT'),
  headers: z.record(z.string(), z.string()).describe('Send exactly these with the bytes.'),
  bucket: z.string(),
  key: z.string(),
  expiresAt: z.iso.datetime(),
  outcome: z
    .string()
    .describe('Where the outcome will be found; `&versionId=` of the answer of S3 picks this very upload.'),
});
export type UploadTicket = z.infer<typeof uploadTicket>;

export const orderAnswer = z.object({ rollout: z.string(), address: z.string(), message: z.string() });
export type OrderAnswer = z.infer<typeof orderAnswer>;

export const appliedAnswer = z.object({
  outcome: z.enum(['created', 'changed', 'unchanged']),
  message: z.string(),
  made: z.array(z.string()).describe('What was made or changed in AWS, in words.'),
  fleet: fleetView,
});

export const removalAnswer = z.object({
  outcome: z.enum(['removed', 'under-way']),
  message: z.string(),
  done: z.array(z.string()),
  waitingFor: z.array(z.string()).describe('Send the request again until this is empty.'),
});
export type RemovalAnswer = z.infer<typeof removalAnswer>;

export const stackView = z.object({
  stack: z.string(),
  version: z.string(),
  region: z.string(),
  uploadBucket: z.string(),
  storeBucket: z.string(),
});
export type StackView = z.infer<typeof stackView>;

/** One address and method. */
export interface ApiOperation {
  readonly method: 'GET' | 'PATCH' | 'PUT' | 'POST' | 'DELETE';
  /** In API Gateway's notation: `/fleets/{fleet}`; `{id+}` takes the rest of the path, slashes included. */
  readonly path: string;
  readonly summary: string;
  readonly params: z.ZodType;
  readonly query: z.ZodType;
  readonly body: z.ZodType;
  /** The name of the error that a body of the wrong shape becomes. */
  readonly invalidBody?: 'SpecInvalid';
  readonly answers: Readonly<Record<number, z.ZodType>>;
}

/** An image by its AMI or its identity. */
const imageName = z
  .string()
  .regex(/^(ami-[0-9a-f]{8,17}|[0-9a-f]{64})$/, 'an AMI id, or the identity of an image');
const imageParams = z.strictObject({ id: imageName });

export const vetoView = z.object({
  identity: sha256Hex,
  imageId: z.string().optional(),
  state: imageItem.shape.state,
  message: z.string(),
});

const orderOperation = (verb: string, summary: string) => ({
  method: 'POST' as const,
  path: `/rollouts/{id}/${verb}`,
  summary,
  params: rolloutParams,
  query: noQuery,
  body: z.strictObject({ reason }),
  answers: { 202: orderAnswer },
});

export const operations = {
  describeStack: {
    method: 'GET',
    path: '/',
    summary: 'What this control plane is, and its two buckets.',
    params: noQuery,
    query: noQuery,
    body: noBody,
    answers: { 200: stackView },
  },
  applyFleet: {
    method: 'PUT',
    path: '/fleets/{fleet}',
    summary: 'Takes the spec of a fleet, and makes or adopts its fixed parts.',
    params: inFleet,
    query: noQuery,
    body: fleetSpec,
    invalidBody: 'SpecInvalid',
    answers: { 200: appliedAnswer, 201: appliedAnswer },
  },
  changeEnvironment: {
    method: 'PATCH',
    path: '/fleets/{fleet}/environment',
    summary:
      "Sets and removes values of the program's environment, and leaves the rest of the spec as it is.",
    params: inFleet,
    query: noQuery,
    body: environmentChange,
    invalidBody: 'SpecInvalid',
    answers: { 200: appliedAnswer },
  },
  removeFleet: {
    method: 'DELETE',
    path: '/fleets/{fleet}',
    summary:
      'Removes a fleet; one that has a release in a slot only with force and its name as confirmation.',
    params: inFleet,
    query: z.strictObject({ force: flag, confirm: z.string().max(64).optional() }),
    body: noBody,
    answers: { 200: removalAnswer, 202: removalAnswer },
  },
  listFleets: {
    method: 'GET',
    path: '/fleets',
    summary: 'All fleets, by name.',
    params: noQuery,
    query: paging,
    body: noBody,
    answers: { 200: page(fleetSummary) },
  },
  getFleet: {
    method: 'GET',
    path: '/fleets/{fleet}',
    summary: 'One fleet: spec, what serves, what is under way, and what needs attention.',
    params: inFleet,
    query: noQuery,
    body: noBody,
    answers: { 200: fleetView },
  },
  listReleases: {
    method: 'GET',
    path: '/fleets/{fleet}/releases',
    summary: 'The releases of a fleet, newest first.',
    params: inFleet,
    query: paging,
    body: noBody,
    answers: { 200: page(releaseView) },
  },
  listRollouts: {
    method: 'GET',
    path: '/fleets/{fleet}/rollouts',
    summary: 'The rollouts of a fleet, newest first.',
    params: inFleet,
    query: paging,
    body: noBody,
    answers: { 200: page(rolloutView) },
  },
  requestRollout: {
    method: 'POST',
    path: '/fleets/{fleet}/rollouts',
    summary: 'Deploys an artifact, an image or a release. Answers at once with what to follow.',
    params: inFleet,
    query: noQuery,
    body: rolloutRequest,
    answers: { 200: rolloutAnswer, 202: rolloutAnswer },
  },
  rollBack: {
    method: 'POST',
    path: '/fleets/{fleet}/rollback',
    summary: 'Makes the release before the live one live again.',
    params: inFleet,
    query: noQuery,
    body: z.strictObject({ plan: z.boolean().default(false) }),
    answers: { 200: rolloutAnswer, 202: rolloutAnswer },
  },
  getRollout: {
    method: 'GET',
    path: '/rollouts/{id}',
    summary: 'One rollout with its steps; waits for the next change when told to.',
    params: rolloutParams,
    query: following,
    body: noBody,
    answers: { 200: rolloutDetailView },
  },
  abortRollout: orderOperation('abort', 'Ends a rollout; the former release serves.'),
  approveRollout: orderOperation('approve', 'Lets a rollout through the gate where it waits for a person.'),
  rejectRollout: orderOperation('reject', 'Refuses a rollout at the gate where it waits for a person.'),
  promoteRollout: orderOperation('promote', 'Goes to full weight next, past every gate that is left.'),
  pauseRollout: orderOperation(
    'pause',
    'Holds a rollout before its next step, with the weights as they are.',
  ),
  resumeRollout: orderOperation('resume', 'Lets a paused rollout go on.'),
  vetoImage: {
    method: 'POST',
    path: '/images/{id}/veto',
    summary: 'Lets nothing deploy an image; what runs of it runs on.',
    params: imageParams,
    query: noQuery,
    body: z.strictObject({ reason: reason.unwrap() }),
    answers: { 200: vetoView },
  },
  unvetoImage: {
    method: 'POST',
    path: '/images/{id}/unveto',
    summary: 'Takes the veto of an image back.',
    params: imageParams,
    query: noQuery,
    body: z.strictObject({ reason }),
    answers: { 200: vetoView },
  },
  getLineage: {
    method: 'GET',
    path: '/lineage/{id+}',
    summary:
      'Everything connected with an instance, AMI, snapshot, digest, release, rollout or upload; of a fleet, by its releases, newest first.',
    params: z.strictObject({ id: lineageId }),
    query: paging,
    body: noBody,
    answers: { 200: lineageView },
  },
  listUploads: {
    method: 'GET',
    path: '/uploads',
    summary: 'Uploads with their outcomes, newest first; those that name no fleet among them.',
    params: noQuery,
    query: paging.extend({
      fleet: fleetName.optional(),
      key: z.string().max(1024).optional(),
      versionId: z.string().max(1024).optional(),
      waitSeconds: whole(0, 20).default(0).describe('Waits so long for a first one to appear.'),
    }),
    body: noBody,
    answers: { 200: page(uploadView) },
  },
  getUpload: {
    method: 'GET',
    path: '/uploads/{id}',
    summary: 'One upload; waits for the next change when told to.',
    params: z.strictObject({ id: z.string().regex(/^[0-9A-Za-z._-]{1,128}$/) }),
    query: following,
    body: noBody,
    answers: { 200: uploadDetailView },
  },
  startUpload: {
    method: 'POST',
    path: '/fleets/{fleet}/uploads',
    summary: 'A URL that takes the bytes of an artifact, for a quarter of an hour.',
    params: inFleet,
    query: noQuery,
    body: uploadRequest,
    answers: { 201: uploadTicket },
  },
} as const satisfies Record<string, ApiOperation>;

export type OperationName = keyof typeof operations;
export type ParamsOf<N extends OperationName> = z.output<(typeof operations)[N]['params']>;
export type QueryOf<N extends OperationName> = z.output<(typeof operations)[N]['query']>;
export type BodyOf<N extends OperationName> = z.output<(typeof operations)[N]['body']>;
type Answers<N extends OperationName> = (typeof operations)[N]['answers'];
export type AnswerOf<N extends OperationName> = z.output<Extract<Answers<N>[keyof Answers<N>], z.ZodType>>;
/** The operations that give a rollout an order; they differ in nothing but their verb. */
export type OrderOperation = Extract<
  OperationName,
  `${'abort' | 'approve' | 'reject' | 'promote' | 'pause' | 'resume'}Rollout`
>;
