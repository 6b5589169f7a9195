/** S3 tells of uploads: each becomes an item that can be found, and one execution of build-image. */
import * as z from 'zod';
import { type Executions, openExecutions } from '../src/aws/executions.ts';
import { type Objects, openObjects } from '../src/aws/objects.ts';
import { openTable, type Table } from '../src/aws/table.ts';
import type { UploadJob } from '../src/contracts/build.ts';
import type { UploadItem } from '../src/contracts/items.ts';
import { uploadReceived } from '../src/lineage/events.ts';
import { keys } from '../src/lineage/keys.ts';
import { uploadPlace } from '../src/lineage/places.ts';
import {
  actsOnBehalf,
  buildExecutionName,
  decodeEventKey,
  fleetOfKey,
  onBehalfOf,
  uploadId,
} from '../src/lineage/upload.ts';
import { beginBuild } from '../src/runtime/begin-build.ts';
import { executionArn } from '../src/runtime/config.ts';
import { type Invocation, lambdaFunction } from '../src/runtime/handler.ts';

/** https://docs.aws.amazon.com/AmazonS3/latest/userguide/notification-content-structure.html */
const s3Record = z.object({
  eventName: z.string(),
  eventTime: z.iso.datetime(),
  userIdentity: z.object({ principalId: z.string() }),
  requestParameters: z.object({ sourceIPAddress: z.string() }).partial().optional(),
  s3: z.object({
    bucket: z.object({ name: z.string() }),
    object: z.object({
      key: z.string(),
      size: z.number().int().min(0).default(0),
      versionId: z.string().optional(),
      sequencer: z.string(),
    }),
  }),
});
const s3Event = z.object({ Records: z.array(s3Record).min(1) });

interface Deps {
  readonly table: Table;
  readonly executions: Executions;
  readonly objects: Pick<Objects, 'head'>;
}

/** The input of build-image as the record tells it, so that S3's double of it is the same execution. */
function jobOf({ s3, userIdentity, requestParameters }: z.output<typeof s3Record>): UploadJob {
  const { key, size, versionId, sequencer } = s3.object;
  const sourceIp = requestParameters?.sourceIPAddress;
  return {
    bucket: s3.bucket.name,
    key: decodeEventKey(key),
    // S3 calls the one version of an object in an unversioned bucket `null`.
    versionId: versionId ?? 'null',
    sequencer,
    sizeBytes: size,
    uploader: {
      principal: userIdentity.principalId,
      ...(sourceIp === undefined ? {} : { sourceIp }),
      through: 'upload',
    },
  };
}

/**
 * The job with the person as its uploader, where a function of ours put the object on behalf of one. What such an
 * object says stays the same as long as the version exists, and so does the input of the execution.
 */
async function withPerson(job: UploadJob, { objects }: Deps, { config }: Invocation): Promise<UploadJob> {
  if (!actsOnBehalf(job.uploader.principal, config.onBehalfRoles)) return job;
  const principal = (await objects.head(job))?.metadata[onBehalfOf];
  if (principal === undefined || principal === '') return job;
  return { ...job, uploader: { ...job.uploader, principal, through: 'api' } };
}

async function receive(record: z.output<typeof s3Record>, deps: Deps, invocation: Invocation) {
  const { config } = invocation;
  const job = await withPerson(jobOf(record), deps, invocation);
  const id = uploadId(job);
  const name = buildExecutionName(id);
  const fleet = fleetOfKey(job.key);
  const { uploader, ...address } = job;
  const upload: UploadItem = {
    type: 'upload',
    id,
    ...address,
    ...(fleet === undefined ? {} : { fleet }),
    state: 'received',
    executionArn: executionArn(config, 'build-image', name),
    receivedAt: new Date(record.eventTime).toISOString(),
    by: uploader,
  };
  // Refused or repeated means that the event came before: what follows is repeated as well, in case it was lost.
  await deps.table.commit({
    writes: [
      {
        kind: 'put',
        key: keys.upload(id),
        item: upload,
        list: uploadPlace(upload),
        condition: { kind: 'absent' },
      },
    ],
    events: [uploadReceived(upload, { at: upload.receivedAt, by: uploader })],
  });
  return { upload: id, execution: name, outcome: await beginBuild(job, deps, config) };
}

export const handler = lambdaFunction({
  name: 'receive-upload',
  input: s3Event,
  deps: (config): Deps => ({
    table: openTable(config.table),
    executions: openExecutions(),
    objects: openObjects(),
  }),
  run: async ({ Records }, deps, invocation) => {
    const uploads = [];
    for (const record of Records) uploads.push(await receive(record, deps, invocation));
    invocation.log.info('uploads received', { uploads });
    return { uploads };
  },
});
