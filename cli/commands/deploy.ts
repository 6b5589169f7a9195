/** `flotilla deploy`: from a file to live traffic, or to the reason why not. */
import { basename } from 'node:path';
import type { RolloutAnswer } from '../../src/contracts/api.ts';
import type { UploadDetailView } from '../../src/contracts/api-views.ts';
import { uploadId } from '../../src/lineage/upload.ts';
import type { Command, CommandContext } from '../command.ts';
import { type ExitCode, exitCodes, usageError } from '../exit-codes.ts';
import { describeOccupant, rolloutCard, uploadCard } from '../failure-card.ts';
import { followRollout, followUpload } from '../follow.ts';
import { planCard } from '../plan-card.ts';
import { readFacts, sendFile } from '../send-file.ts';

const megabyte = 1_000_000;

/** A key may hold more than a file's name, but needs no more. */
function nameFor(path: string): string {
  return (
    basename(path)
      .replaceAll(/[^0-9A-Za-z._-]/g, '-')
      .replace(/^[^0-9A-Za-z]+/, '') || 'artifact'
  );
}

export const deploy: Command = async (context) => {
  const { positionals, values, flags } = context.invocation;
  const [file] = positionals;
  const given = [file, values.image, values.release, values.artifact].filter((one) => one !== undefined);
  if (given.length !== 1) {
    throw usageError('deploy: name exactly one of FILE, --image, --release and --artifact.');
  }
  if (file !== undefined) {
    if (flags.has('plan')) throw usageError('deploy: --plan goes with --image, --release or --artifact.');
    return await deployFile(context, file);
  }
  const fleet = values.fleet ?? '';
  const api = await context.api();
  const answer = await api.call('requestRollout', {
    params: { fleet },
    body: {
      ...(values.image === undefined ? {} : { image: values.image }),
      ...(values.release === undefined ? {} : { release: values.release }),
      ...(values.artifact === undefined ? {} : { artifact: values.artifact }),
      force: flags.has('force'),
      plan: flags.has('plan'),
    },
  });
  return await followAnswer(context, answer, {});
};

async function deployFile(context: CommandContext, path: string): Promise<ExitCode> {
  const { output, invocation } = context;
  const { values, flags } = invocation;
  const fleet = values.fleet ?? '';
  const facts = await readFacts(path);
  const api = await context.api();
  const { deployOnUpload } = (await api.call('getFleet', { params: { fleet } })).spec;
  context.goesOn('the upload was not finished, and nothing was changed.');
  const ticket = await api.call('startUpload', {
    params: { fleet },
    body: { name: values.name ?? nameFor(path), sizeBytes: facts.sizeBytes, sha256: facts.sha256 },
  });
  const size = (facts.sizeBytes / megabyte).toFixed(1);
  output.progress(`uploading ${path} (${size} MB) as ${ticket.key}`);
  const { versionId } = await sendFile(facts, ticket, (sent) => {
    if (facts.sizeBytes > 5 * megabyte) {
      const percent = Math.floor((sent / facts.sizeBytes) * 10) * 10;
      output.progress(`  … ${percent} %`, false);
    }
  });
  const id = uploadId({ bucket: ticket.bucket, key: ticket.key, versionId });
  const then = deployOnUpload
    ? `its rollout follows: flotilla status --fleet ${fleet}`
    : `then: flotilla deploy --artifact ${facts.sha256} --fleet ${fleet}`;
  if (flags.has('no-wait')) {
    output.line(`uploaded as ${id}; ${then}`);
    output.result({ fleet, upload: { id, address: `/uploads/${id}`, artifactSha256: facts.sha256 } });
    return exitCodes.ok;
  }
  context.goesOn(`the upload is being built; ${then}`);
  return await followUploadOn(context, id);
}

/** From an upload to its rollout, which is asked for where the fleet does not deploy by itself. */
async function followUploadOn(context: CommandContext, id: string): Promise<ExitCode> {
  const { output, invocation } = context;
  const { values, flags } = invocation;
  const { fleet = '' } = values;
  const upload = await followUpload(context, id, `flotilla uploads --fleet ${fleet}`);
  for (const { message } of upload.advice ?? []) output.progress(`  note: ${message}`);
  if (upload.rollout !== undefined) {
    return await followToEnd(context, upload.rollout, { upload });
  }
  const image = upload.identity ?? upload.imageId;
  // Nobody forced the request that the upload itself made.
  const refusedOnce = upload.state === 'built' && flags.has('force');
  // A superseded upload is deployed all the same: somebody asks for it by name.
  const goesOn = upload.error === undefined || upload.state === 'superseded' || refusedOnce;
  if (!goesOn || image === undefined) {
    for (const line of uploadCard(upload)) output.line(line);
    output.result({ fleet, upload });
    return exitCodes.failed;
  }
  const api = await context.api();
  const answer = await api.call('requestRollout', {
    params: { fleet },
    body: { image, force: flags.has('force') },
  });
  return await followAnswer(context, answer, { upload });
}

interface Before {
  readonly upload?: UploadDetailView;
}

/** Goes on from what the API answered to a request for a rollout. */
export async function followAnswer(
  context: CommandContext,
  answer: RolloutAnswer,
  before: Before,
): Promise<ExitCode> {
  const { output, invocation } = context;
  context.goesOn(answer.message);
  output.progress(answer.message);
  for (const line of planCard(answer)) output.line(line);
  const follows = !invocation.flags.has('plan') && !invocation.flags.has('no-wait');
  if (follows && answer.outcome === 'building' && answer.address !== undefined) {
    return await followUploadOn(context, answer.address.slice('/uploads/'.length));
  }
  const underWay = answer.outcome === 'started' || answer.outcome === 'queued';
  // What is on its way already is followed too; what is live already has no rollout to follow.
  const begun = underWay || answer.outcome === 'already-live';
  if (!follows || !begun || answer.rollout === undefined) {
    output.result({ ...before, ...answer });
    return answer.outcome === 'refused' ? exitCodes.refused : exitCodes.ok;
  }
  return await followToEnd(context, answer.rollout, before);
}

/** Follows a rollout; its end is the command's. */
export async function followToEnd(
  context: CommandContext,
  id: string,
  before: Before = {},
): Promise<ExitCode> {
  const { output } = context;
  output.progress(`rollout ${id}`);
  const rollout = await followRollout(context, id);
  output.result({ fleet: rollout.fleet, ...before, rollout });
  if (rollout.status === 'succeeded') {
    output.line(`✓ ${id}: live is ${describeOccupant(rollout.live)}`);
    return exitCodes.ok;
  }
  for (const line of rolloutCard(rollout)) output.line(line);
  return exitCodes.failed;
}

/** `flotilla follow ROLLOUT` */
export const follow: Command = (context) => followToEnd(context, context.invocation.positionals[0] ?? '');

/** `flotilla rollback` */
export const rollback: Command = async (context) => {
  const { values, flags } = context.invocation;
  const api = await context.api();
  const answer = await api.call('rollBack', {
    params: { fleet: values.fleet ?? '' },
    body: { plan: flags.has('plan') },
  });
  return await followAnswer(context, answer, {});
};
