/**
 * Reads disks that Ops' own code made. They lie outside the repository, in the folder that FLOTILLA_FIXTURES
 * names or in `shared/fixtures` beside the checkout.
 */
import { createHash } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { readBootRegion, readPartitions } from '../../../src/image/layout.ts';
import { recognise } from '../../../src/image/recognise.ts';
import { type ByteSource, bytesSource, slice } from '../../../src/image/source.ts';
import { openFile, readFileSystem, type TfsNode, walk } from '../../../src/image/tfs/file-system.ts';
import { uuidText } from '../../../src/image/tfs/log.ts';
import { toPlain } from '../../../src/image/tfs/value.ts';

interface GoldenFileSystem {
  readonly label: string;
  readonly uuid: string;
  readonly files: readonly { path: string; length: number; sha256: string; extents: unknown[] }[];
  readonly directories: readonly string[];
  readonly symlinks: readonly { path: string; target: string }[];
  readonly rootAttributes: Record<string, unknown>;
  readonly fileCount?: number;
  readonly filesDigest?: string;
}

interface Golden {
  readonly tfsVersion: number;
  readonly size: number;
  readonly sha256: string;
  readonly partitions: readonly {
    index: number;
    active: boolean;
    type: string;
    lbaStart: number;
    sectors: number;
  }[];
  readonly region: { base: number; length: number; type: number };
  readonly bootImg: { length: number; sha256: string };
  readonly kernel: { length: number; sha256: string };
  readonly program: string;
  readonly arguments: readonly string[];
  readonly environment: Record<string, string>;
  readonly bootFS: GoldenFileSystem;
  readonly rootFS: GoldenFileSystem;
  readonly goBuildInfo: null | { main: { Path: string; Version: string }; [key: string]: unknown };
  readonly storedButHiddenByOpsReader?: {
    environment?: Record<string, string>;
    rootAttributes?: Record<string, string>;
  };
  readonly emptyDirectories?: readonly string[];
  readonly gz: { file: string };
}

const folder = process.env.FLOTILLA_FIXTURES ?? resolve('../shared/fixtures');
const catalogue = join(folder, 'golden.json');
const images: [string, Golden][] = existsSync(catalogue)
  ? Object.entries(JSON.parse(readFileSync(catalogue, 'utf8')).images)
  : [];

const sha256 = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest('hex');

interface Found {
  readonly files: { path: string; length: number; sha256: string; extents: unknown[] }[];
  readonly directories: string[];
  readonly symlinks: unknown[];
}

/** The tree in the words of the catalogue. */
async function treeOf(source: ByteSource): Promise<Found> {
  const fs = await readFileSystem(source);
  const nodes: TfsNode[] = [...walk(fs)].sort((a, b) => (a.path < b.path ? -1 : 1));
  const found: Found = { files: [], directories: [], symlinks: [] };
  for (const node of nodes) {
    if (node.kind === 'directory') found.directories.push(node.path);
    else if (node.kind === 'symlink') found.symlinks.push({ path: node.path, target: node.target });
    else {
      const file = openFile(fs, node);
      const extents = node.extents.map(({ fileBlock, offset, length, allocated }) =>
        Object.fromEntries(
          Object.entries({ fileBlock, offset, length, allocated }).map(([k, v]) => [k, `${v}`]),
        ),
      );
      const bytes = await file.read(0, file.sizeBytes);
      found.files.push({ path: node.path, length: file.sizeBytes, sha256: sha256(bytes), extents });
    }
  }
  return found;
}

describe('a disk made by Ops', () => {
  if (images.length === 0) it('is read', ({ skip }) => skip(`there are no such disks in ${folder}`));

  describe.each(images)('%s', (_, golden) => {
    const disk = gunzipSync(readFileSync(join(folder, golden.gz.file)));
    const source = bytesSource(disk);
    const hidden = golden.storedButHiddenByOpsReader ?? {};
    const environment = { ...golden.environment, ...hidden.environment };

    function partition(index: number): ByteSource {
      const at = golden.partitions[index];
      if (at === undefined) throw new Error(`no partition ${index}`);
      return slice(source, at.lbaStart * 512, at.sectors * 512);
    }

    it('has the partitions, the region and the boot files of the catalogue', async () => {
      expect({ size: disk.length, sha256: sha256(disk) }).toEqual({
        size: golden.size,
        sha256: golden.sha256,
      });
      expect(readPartitions(disk)).toEqual(
        golden.partitions.map(({ index, active, type, lbaStart, sectors }) => ({
          index,
          active,
          type: Number(type),
          startSector: lbaStart,
          sectors,
        })),
      );
      const { base, length, type } = golden.region;
      expect(readBootRegion(disk)).toEqual({ base, sizeBytes: length, type });
      const bootImg = Buffer.from(disk.subarray(0, golden.bootImg.length)).fill(0, 0x1be, 0x1fe);
      expect(sha256(bootImg)).toBe(golden.bootImg.sha256);
    });

    it('has the kernel and modules of the catalogue in its boot file system', async () => {
      const fs = await readFileSystem(partition(0));
      const { label, uuid, files, directories, symlinks, rootAttributes } = golden.bootFS;
      expect({ label: fs.label, uuid: uuidText(fs.uuid), version: fs.version }).toEqual({
        label,
        uuid,
        version: golden.tfsVersion,
      });
      expect(await treeOf(partition(0))).toEqual({ files, directories, symlinks });
      expect([...fs.root.keys()].filter((key) => key !== 'children')).toEqual(Object.keys(rootAttributes));
      expect(files[0]).toMatchObject({ path: '/kernel', ...golden.kernel });
    });

    it('has the files, directories and links of the catalogue in its root file system', async () => {
      const fs = await readFileSystem(partition(1));
      const { label, uuid, files, directories, symlinks, fileCount, filesDigest } = golden.rootFS;
      expect({ label: fs.label, uuid: uuidText(fs.uuid) }).toEqual({ label, uuid });
      const found = await treeOf(partition(1));
      expect(found.symlinks).toEqual(symlinks);
      expect(found.directories).toEqual(
        [...new Set([...directories, ...(golden.emptyDirectories ?? [])])].sort(),
      );
      if (fileCount === undefined) {
        expect(found.files).toEqual(files);
      } else {
        const lines = found.files.map((file) => `${file.path}\t${file.length}\t${file.sha256}\n`);
        expect(lines).toHaveLength(fileCount);
        expect(sha256(Buffer.from(lines.join('')))).toBe(filesDigest);
        expect(found.files).toEqual(expect.arrayContaining([...files]));
      }
    });

    it('has every attribute of the catalogue on its root, and no other', async () => {
      const { root } = await readFileSystem(partition(1));
      const attributes = [...root].filter(([key]) => key !== 'children');
      expect(Object.fromEntries(attributes.map(([key, value]) => [key, toPlain(value)]))).toEqual({
        ...golden.rootFS.rootAttributes,
        ...hidden.rootAttributes,
        environment,
      });
    });

    it('is recognised with its program, arguments, environment and build information', async () => {
      const recognised = await recognise(source);
      const { goBuildInfo } = golden;
      const programPath = golden.program.startsWith('/') ? golden.program : `/${golden.program}`;
      const program = golden.rootFS.files.find(({ path }) => path === programPath);
      expect(recognised).toMatchObject({
        kind: 'nanos-disk',
        architecture: 'x86_64',
        bootMode: 'legacy-bios',
        hasEfiSystem: false,
        program: golden.program,
        arguments: golden.arguments,
        environment,
        programBytes: program?.length,
        programSha256: program?.sha256,
      });
      const { main, ...info } = goBuildInfo ?? {};
      expect(recognised.buildInfo && { ...recognised.buildInfo, vcs: undefined }).toEqual(
        goBuildInfo === null
          ? undefined
          : { ...info, main: { path: main?.Path, version: main?.Version }, vcs: undefined },
      );
    });
  });
});
