/** `flotilla image diff A B`: what changed between two artifacts or images, in words. */
import { diffImages } from '../../../src/image/diff.ts';
import type { Command } from '../../command.ts';
import { exitCodes } from '../../exit-codes.ts';
import { inspectTarget } from '../../inspect-target.ts';

export const diffCommand: Command = async (context) => {
  const { invocation, output } = context;
  const [a = '', b = ''] = invocation.positionals;
  const before = await inspectTarget(context, a);
  const after = await inspectTarget(context, b);
  const changes = diffImages(before.inspection, after.inspection);
  if (changes.length === 0) output.line(`${a} and ${b} hold the same.`);
  for (const { words } of changes) output.line(words);
  output.result({ same: changes.length === 0, a, b, changes });
  return changes.length === 0 ? exitCodes.ok : exitCodes.failed;
};
