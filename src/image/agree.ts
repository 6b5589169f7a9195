/** Whether what lies on a disk is what its recipe says. */
import { createHash } from 'node:crypto';
import type { Recipe } from '../contracts/build.ts';
import type { KernelBundle } from '../contracts/kernel-bundle.ts';
import type { Inspection } from './inspect.ts';
import { kernelFile, klibFolder } from './kernel-bundle.ts';

/**
 * What an inspected image has otherwise than its recipe, in sentences that show no value of the environment.
 * A disk that was uploaded whole has a recipe that says nothing of its inside; its blocks are what there is to
 * verify.
 *
 * @param bundle of the recipe's kernel; undefined where the store has it no more
 */
export function disagreements(
  inspection: Inspection,
  { artifact, built, volumeSizeGiB }: Recipe,
  bundle: KernelBundle | undefined,
): string[] {
  const found: string[] = [];
  const expect = (same: boolean, words: string) => {
    if (!same) found.push(words);
  };
  expect(
    inspection.sizeBytes === volumeSizeGiB * 1_073_741_824,
    `the disk has ${inspection.sizeBytes} bytes, and was made with ${volumeSizeGiB} GiB`,
  );
  expect(
    inspection.architecture === artifact.architecture,
    `the disk is for ${inspection.architecture}, the artifact for ${artifact.architecture}`,
  );
  if (built === undefined) return found;
  const { disk, program } = inspection;
  const { manifest, kernel } = built;
  expect(program.sha256 === artifact.sha256, `the program is not the artifact ${artifact.sha256}`);
  expect(program.path === manifest.program, `the program lies at ${program.path}, not ${manifest.program}`);
  if (disk === undefined) return [...found, 'it is no disk'];

  const fileOf = (name: string) => bundle?.files.find((file) => file.name === name)?.sha256;
  if (bundle === undefined) found.push(`the store has no kernel ${kernel.version} any more to compare with`);
  else {
    expect(bundle.digest === kernel.digest, `the store has another kernel under ${kernel.version} now`);
    expect(disk.kernel?.sha256 === fileOf(kernelFile.kernel), `the kernel is not that of ${kernel.version}`);
    for (const { path, sha256 } of disk.klibs) {
      expect(
        sha256 === fileOf(`${klibFolder}${path}`),
        `the module ${path} is not that of ${kernel.version}`,
      );
    }
  }
  expect(
    sameTexts(
      disk.klibs.map(({ path }) => path),
      manifest.klibs,
    ),
    'it has other kernel modules',
  );
  expect(sameList(disk.arguments, manifest.arguments), 'it has other arguments');
  for (const name of allNames(disk.environment, manifest.environment)) {
    expect(
      disk.environment[name] === manifest.environment[name],
      `the environment's ${name} is not what it was made with`,
    );
  }
  const files = Object.fromEntries(disk.files.map((file) => [file.path, file.sha256 ?? '']));
  for (const path of allNames(files, manifest.files)) {
    const text = manifest.files[path];
    const wanted = text === undefined ? undefined : createHash('sha256').update(text).digest('hex');
    expect(files[path] === wanted, `the file ${path} is not what it was made with`);
  }
  return found;
}

function allNames(a: object, b: object): string[] {
  return [...new Set([...Object.keys(a), ...Object.keys(b)])].sort();
}

function sameList(a: readonly string[], b: readonly string[]): boolean {
  return a.length === b.length && a.every((text, index) => text === b[index]);
}

function sameTexts(a: readonly string[], b: readonly string[]): boolean {
  return sameList([...a].sort(), [...b].sort());
}
