/** The beginning of an upload's way: its key remembers it, and its execution of build-image is started. */
import type { Executions } from '../aws/executions.ts';
import type { Table } from '../aws/table.ts';
import type { UploadJob } from '../contracts/build.ts';
import { uploadKeyItem } from '../contracts/items.ts';
import { keys } from '../lineage/keys.ts';
import { buildExecutionName, isLaterEvent, uploadId } from '../lineage/upload.ts';
import { type Config, machineArn } from './config.ts';

/** Remembers the newest event of the key; an older one changes nothing. */
async function rememberNewest(table: Table, job: UploadJob, id: string): Promise<void> {
  const { bucket, key, sequencer } = job;
  for (;;) {
    const known = await table.get(keys.uploadKey(bucket, key), uploadKeyItem);
    if (known !== undefined && !isLaterEvent(sequencer, known.sequencer)) return;
    const { outcome } = await table.commit({
      writes: [
        {
          kind: 'put',
          key: keys.uploadKey(bucket, key),
          item: { type: 'upload-key', bucket, key, sequencer, upload: id },
          condition:
            known === undefined
              ? { kind: 'absent' }
              : { kind: 'equals', values: { sequencer: known.sequencer } },
        },
      ],
    });
    if (outcome !== 'refused') return;
  }
}

/** Safe to repeat: the name of the execution follows from the upload. */
export async function beginBuild(
  job: UploadJob,
  { table, executions }: { readonly table: Table; readonly executions: Executions },
  config: Pick<Config, 'machinePrefix'>,
): Promise<'started' | 'exists'> {
  const id = uploadId(job);
  await rememberNewest(table, job, id);
  const { outcome } = await executions.start(machineArn(config, 'build-image'), buildExecutionName(id), job);
  return outcome;
}
