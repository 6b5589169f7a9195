/** `flotilla image inspect FILE|AMI`: what is inside, from the bytes; and whether lineage says the same. */
import { buildKeys } from '../../../src/contracts/build.ts';
import { kernelBundle, kernelKeys } from '../../../src/contracts/kernel-bundle.ts';
import { disagreements } from '../../../src/image/agree.ts';
import type { Inspection } from '../../../src/image/inspect.ts';
import { readRecipe } from '../../../src/runtime/recipe.ts';
import type { Command } from '../../command.ts';
import { CommandError, exitCodes, usageError } from '../../exit-codes.ts';
import { findImage, type ImageTarget } from '../../image-target.ts';
import { inspectTarget } from '../../inspect-target.ts';
import type { Output } from '../../output.ts';

export const inspectCommand: Command = async (context) => {
  const { invocation, output } = context;
  const { flags } = invocation;
  const [target = ''] = invocation.positionals;
  if (flags.has('sbom') && flags.has('provenance')) {
    throw usageError('image inspect: --sbom and --provenance are asked for one at a time.');
  }
  if (flags.has('sbom') || flags.has('provenance')) {
    const image = await findImage(context, target);
    const document = await storedDocument(image, flags.has('sbom') ? 'sbom' : 'provenance');
    output.line(JSON.stringify(document, null, 2));
    output.result(document);
    return exitCodes.ok;
  }
  const { inspection, image } = await inspectTarget(context, target);
  const lineage = image === undefined ? undefined : await compareWithLineage(image, inspection);
  const withValues = flags.has('values');
  show(inspection, lineage?.kernelVersion, withValues, output);
  if (image !== undefined && lineage !== undefined) {
    output.line(
      lineage.differences.length === 0
        ? `Lineage says the same of ${image.known.imageId}.`
        : `Lineage says otherwise of ${image.known.imageId}:`,
    );
    for (const difference of lineage.differences) output.line(`  ${difference}`);
  }
  output.result({
    ...(image === undefined
      ? {}
      : { imageId: image.known.imageId, identity: image.known.identity, snapshotId: image.bootsFrom }),
    ...(withValues ? inspection : withoutValues(inspection)),
    ...(lineage === undefined ? {} : { agrees: lineage.differences.length === 0, ...lineage }),
  });
  return lineage === undefined || lineage.differences.length === 0 ? exitCodes.ok : exitCodes.failed;
};

/** Names of the environment's variables alone: a report is pasted where secrets are not. */
function withoutValues({ disk, ...rest }: Inspection): object {
  if (disk === undefined) return rest;
  const { environment, ...others } = disk;
  return { ...rest, disk: { ...others, environmentNames: Object.keys(environment).sort() } };
}

async function storedDocument(
  { objects, storeBucket, known }: ImageTarget,
  name: 'sbom' | 'provenance',
): Promise<object> {
  const key = buildKeys[name](known.identity);
  const bytes = await objects.bytes({ bucket: storeBucket, key });
  if (bytes === undefined) throw new CommandError(exitCodes.refused, `The store has no ${key}.`);
  return JSON.parse(Buffer.from(bytes).toString('utf8')) as object;
}

async function compareWithLineage(
  { objects, storeBucket, known }: ImageTarget,
  inspection: Inspection,
): Promise<{ readonly kernelVersion: string | undefined; readonly differences: readonly string[] }> {
  const recipe = await readRecipe(objects, storeBucket, known);
  const version = recipe.built?.kernel.version;
  const bytes =
    version === undefined
      ? undefined
      : await objects.bytes({ bucket: storeBucket, key: kernelKeys.bundle(version) });
  const bundle =
    bytes === undefined ? undefined : kernelBundle.parse(JSON.parse(Buffer.from(bytes).toString('utf8')));
  return { kernelVersion: version, differences: disagreements(inspection, recipe, bundle) };
}

function show(
  { kind, architecture, sizeBytes, program, buildInfo, advice, disk }: Inspection,
  kernelVersion: string | undefined,
  withValues: boolean,
  output: Output,
): void {
  output.line(
    `${kind === 'go-elf' ? 'A Go program' : 'A Nanos disk'} for ${architecture}, ${sizeBytes} bytes`,
  );
  if (disk !== undefined) {
    const { kernel, boots, klibs } = disk;
    const version = kernelVersion === undefined ? '' : `, version ${kernelVersion} by lineage`;
    output.line(`  boots by    ${boots.join(' and ')}`);
    output.line(
      kernel === undefined
        ? '  kernel      none'
        : `  kernel      sha256 ${kernel.sha256}, ${kernel.sizeBytes} bytes${version}`,
    );
    for (const { path, sizeBytes: size, sha256 } of klibs)
      output.line(`  module      ${path}, ${size} bytes${sha256 === undefined ? '' : `, sha256 ${sha256}`}`);
  }
  output.line(`  program     ${program.path ?? '(by itself)'}, ${program.sizeBytes} bytes`);
  output.line(`              sha256 ${program.sha256}`);
  if (disk !== undefined) showDisk(disk, withValues, output);
  if (buildInfo !== undefined) {
    const { goVersion, path, main, deps, vcs } = buildInfo;
    output.line(`  built       by ${goVersion} from ${path}`);
    if (main !== undefined) output.line(`              module ${main.path} ${main.version}`);
    output.line(`              ${deps.length} ${deps.length === 1 ? 'dependency' : 'dependencies'}`);
    if (vcs?.revision !== undefined) {
      const on = vcs.modified === true ? ' with changes on top' : '';
      output.line(
        `              commit ${vcs.revision}${on}${vcs.time === undefined ? '' : `, ${vcs.time}`}`,
      );
    }
  }
  for (const { name, message } of advice) output.line(`  advice      ${name}: ${message}`);
}

function showDisk(
  { files, arguments: argv, environment, attributes }: NonNullable<Inspection['disk']>,
  withValues: boolean,
  output: Output,
): void {
  output.line(`  arguments   ${argv.map((word) => JSON.stringify(word)).join(' ')}`);
  for (const name of Object.keys(environment).sort())
    output.line(`  environment ${name}${withValues ? `=${environment[name]}` : ''}`);
  for (const name of Object.keys(attributes).sort())
    output.line(`  setting     ${name} = ${JSON.stringify(attributes[name])}`);
  for (const { path, sizeBytes, target } of files)
    output.line(`  file        ${path}${target === undefined ? `, ${sizeBytes} bytes` : ` → ${target}`}`);
}
