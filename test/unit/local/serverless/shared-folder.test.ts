/** What regions leave for each other saves time and decides nothing. */
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { zipSync } from 'fflate';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { storeCode } from '../../../../local/services/lambda/code-store.ts';
import { wellShaped } from '../../../../local/services/states/well-shaped.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'shared-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const zip = zipSync({
  'index.mjs': Buffer.from('export const handler = 1;'),
  'lib/': {},
  'lib/a.mjs': Buffer.from('a'),
});

test('a package is unpacked once, and each region keeps its files where the folder is emptied', () => {
  const shared = join(folder, 'shared');
  const [one, other] = ['one', 'other'].map((name) => storeCode(join(folder, name), zip, shared).directory);
  const inode = (directory: string | undefined) => statSync(join(directory ?? '', 'lib', 'a.mjs')).ino;
  expect(inode(one)).toBe(inode(other));
  rmSync(shared, { recursive: true });
  expect(readFileSync(join(other ?? '', 'index.mjs'), 'utf8')).toBe('export const handler = 1;');
  const again = storeCode(join(folder, 'third'), zip, shared).directory;
  expect(readdirSync(again).sort()).toEqual(['index.mjs', 'lib']);
  expect(readdirSync(join(folder, 'third'))).toHaveLength(1);
});

test('a shared folder that cannot be used costs nothing but time, and a damaged package is refused', () => {
  const shared = join(folder, 'a-file');
  writeFileSync(shared, '');
  const { directory } = storeCode(join(folder, 'code'), zip, shared);
  expect(readFileSync(join(directory, 'lib', 'a.mjs'), 'utf8')).toBe('a');
  const damaged = zip.slice(0, 20);
  expect(() => storeCode(join(folder, 'code'), damaged, join(folder, 'shared'))).toThrow(/Could not unzip/);
  wellShaped.add('{"one":1}', shared);
  expect(wellShaped.has('{"other":1}', shared)).toBe(false);
});

test('a text that was found whole is known by the folder, to the byte', async () => {
  wellShaped.add('{"a":1}', folder);
  expect(readdirSync(folder)).toHaveLength(1);
  // As another process sees it, which shares nothing but the folder.
  const elsewhere = '../../../../local/services/states/well-shaped.ts?another';
  const other = ((await import(/* @vite-ignore */ elsewhere)) as { wellShaped: typeof wellShaped })
    .wellShaped;
  expect(other).not.toBe(wellShaped);
  expect(other.has('{"a":1}', folder)).toBe(true);
  expect(other.has('{"a":1}')).toBe(false);
  expect(other.has('{"a":1} ', folder)).toBe(false);
});
