/** What is written is read again: after a proper end, after a kill, and after damage that can be made good. */
import { appendFile, mkdtemp, readdir, readFile, rm, stat, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { Keeper } from '../../../../local/state/keeper.ts';
import { mapOf, type Persistent } from '../../../../local/state/persistent.ts';

let folder: string;
const open: Keeper[] = [];

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'keeper-'));
});

afterEach(async () => {
  for (const keeper of open.splice(0)) await keeper.abandon();
  await rm(folder, { recursive: true, force: true });
});

interface Part {
  readonly things: Map<string, unknown>;
  readonly keeper: Keeper;
  readonly restored: boolean;
}

async function part(version = 1, name = 'things'): Promise<Part> {
  const things = new Map<string, unknown>();
  const persistent: Persistent = { name, version, collections: [mapOf('all', things)] };
  const options = { folder, accountId: '000000000000', regionName: 'us-east-1' };
  const { keeper, restored } = await Keeper.open(options, [persistent]);
  open.push(keeper);
  return { things, keeper, restored };
}

test('what was committed is there after a kill, and nothing else', async () => {
  const first = await part();
  expect(first.restored).toBe(false);
  first.things.set('a', {
    when: new Date(5),
    bytes: new Uint8Array([1, 2]),
    set: new Set(['x']),
    none: undefined,
  });
  first.things.set('b', 1);
  await first.keeper.committed();
  first.things.delete('b');
  first.things.set('c', [1]);
  await first.keeper.committed();
  first.things.set('d', 'in memory alone');
  await first.keeper.abandon();

  const second = await part();
  expect(second.restored).toBe(true);
  expect([...second.things]).toEqual([
    ['a', { when: new Date(5), bytes: new Uint8Array([1, 2]), set: new Set(['x']), none: undefined }],
    ['c', [1]],
  ]);
});

test('a change in place is found', async () => {
  const first = await part();
  const record = { size: 1 };
  first.things.set('a', record);
  await first.keeper.committed();
  record.size = 2;
  await first.keeper.committed();
  await first.keeper.abandon();
  expect((await part()).things.get('a')).toEqual({ size: 2 });
});

test('whatever is set and deleted in whatever order, the next region has the same', async () => {
  const step = fc.record({
    id: fc.constantFrom('a', 'b', 'c', 'd'),
    value: fc.option(fc.integer(), { nil: undefined }),
  });
  const outer = folder;
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.array(step, { maxLength: 4 }), { maxLength: 5 }),
      fc.boolean(),
      async (rounds, killed) => {
        folder = await mkdtemp(join(outer, 'run-'));
        const first = await part();
        for (const round of rounds) {
          for (const { id, value } of round)
            if (value === undefined) first.things.delete(id);
            else first.things.set(id, value);
          await first.keeper.committed();
        }
        await (killed ? first.keeper.abandon() : first.keeper.close());
        const second = await part();
        expect(new Map(second.things)).toEqual(first.things);
        await second.keeper.close();
      },
    ),
    { numRuns: 30 },
  );
  folder = outer;
});

test('a record that was torn by the kill is left out', async () => {
  const first = await part();
  first.things.set('a', 1);
  await first.keeper.committed();
  await first.keeper.abandon();
  await appendFile(await newest('journal'), Buffer.from([200, 0, 0, 0, 1, 2, 3, 4, 5]));
  expect([...(await part()).things.keys()]).toEqual(['a']);
});

const spoil = {
  'cut short': async (file: string) => truncate(file, (await stat(file)).size - 1),
  overwritten: async (file: string) => writeFile(file, 'nonsense that is long enough to have a length'),
  empty: async (file: string) => writeFile(file, ''),
};

test.for(Object.entries(spoil))(
  'a checkpoint that is %s is made good by the one before it and both journals',
  async ([, damage]) => {
    const first = await part();
    first.things.set('a', 1);
    await first.keeper.committed();
    await first.keeper.abandon();
    const second = await part(); // writes a second checkpoint
    second.things.set('b', 2);
    await second.keeper.committed();
    await second.keeper.abandon();
    await damage(await newest('checkpoint'));
    expect(Object.fromEntries((await part()).things)).toEqual({ a: 1, b: 2 });
  },
);

test('without anything to make it good, a damaged checkpoint is refused by name', async () => {
  const first = await part();
  await first.keeper.abandon();
  const file = await newest('checkpoint');
  await truncate(file, 20);
  await expect(part()).rejects.toMatchObject({ kind: 'damaged', message: expect.stringContaining(file) });
});

test('damage in the middle of a journal is refused by name', async () => {
  const first = await part();
  first.things.set('a', 1);
  await first.keeper.committed();
  first.things.set('b', 1);
  await first.keeper.committed();
  await first.keeper.abandon();
  const file = await newest('journal');
  const bytes = await readFile(file);
  bytes[bytes.length - 30] = (bytes[bytes.length - 30] ?? 0) ^ 1;
  await writeFile(file, bytes);
  await expect(part()).rejects.toMatchObject({ kind: 'damaged', message: expect.stringContaining(file) });
});

test('another version is refused by name', async () => {
  const first = await part();
  await first.keeper.close();
  await expect(part(2)).rejects.toMatchObject({
    kind: 'version',
    message: expect.stringMatching(/the part things in version 1, and this region has 2/),
  });
  await expect(part(1, 'others')).rejects.toMatchObject({ kind: 'version' });
});

test('a second region on the same folder is told who has it; a later one is not', async () => {
  const first = await part();
  await expect(part()).rejects.toMatchObject({
    kind: 'in-use',
    message: expect.stringContaining(`process ${process.pid}`),
  });
  await first.keeper.close();
  await part();
});

test('what runs afterwards runs only once the change is written', async () => {
  const first = await part();
  first.things.set('a', 1);
  let ran = false;
  first.keeper.afterwards(() => {
    ran = true;
  });
  expect(ran).toBe(false);
  await first.keeper.committed();
  expect(ran).toBe(true);
});

async function newest(kind: 'checkpoint' | 'journal'): Promise<string> {
  const numbers = (await readdir(folder)).flatMap(
    (name) => new RegExp(`^${kind}-(\\d+)$`).exec(name)?.[1] ?? [],
  );
  return join(folder, `${kind}-${Math.max(...numbers.map(Number))}`);
}
