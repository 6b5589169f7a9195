/** `flotilla lineage ID`: from what runs back to where it came from, and forward again. */
import type { LineageView } from '../../src/contracts/api-views.ts';
import type { Command } from '../command.ts';
import { exitCodes } from '../exit-codes.ts';
import type { Output } from '../output.ts';

export const lineage: Command = async (context) => {
  const [id = ''] = context.invocation.positionals;
  const api = await context.api();
  const answer = await api.call('getLineage', { params: { id } });
  show(answer, context.output);
  context.output.result(answer);
  return exitCodes.ok;
};

function show(view: LineageView, output: Output): void {
  output.line(
    `${view.id} is ${view.what === 'artifact' || view.what === 'instance' || view.what === 'image' || view.what === 'upload' ? 'an' : 'a'} ${view.what}`,
  );
  if (view.instance !== undefined) {
    output.line(
      `  instance  ${view.instance.id}, ${view.instance.state}, launched ${view.instance.launchedAt ?? '?'}`,
    );
  }
  for (const one of view.releases) {
    output.line(
      `  release   ${one.fleet}/${one.label}, ${one.state}, made ${one.createdAt} by ${one.by.principal}`,
    );
  }
  if (view.next !== undefined) output.line('            older ones by their names, as web/v7');
  for (const one of view.rollouts) {
    output.line(`  rollout   ${one.id} of v${one.release}, ${one.status}, asked for ${one.requestedAt}`);
  }
  for (const one of view.images) {
    output.line(`  image     ${one.imageId ?? '?'} (snapshot ${one.snapshotId ?? '?'}), ${one.state}`);
    output.line(`            identity ${one.identity}, kernel ${one.kernel === '' ? 'its own' : one.kernel}`);
  }
  for (const one of view.artifacts) {
    output.line(`  artifact  ${one.sha256}`);
    output.line(
      `            ${one.kind}, ${one.architecture}, ${one.sizeBytes} bytes, ${one.goVersion ?? 'no Go version'}`,
    );
    if (one.module !== undefined) output.line(`            module ${one.module} ${one.moduleVersion ?? ''}`);
    if (one.vcsRevision !== undefined) {
      output.line(`  commit    ${one.vcsRevision}${one.vcsModified === true ? ' and changes on top' : ''}`);
    }
  }
  for (const one of view.uploads) {
    output.line(`  upload    ${one.key}, ${one.receivedAt}, by ${one.by.principal}`);
  }
  for (const one of view.instances) {
    output.line(`  runs on   ${one.id} (${one.fleet}/${one.release}), ${one.state}`);
  }
}
