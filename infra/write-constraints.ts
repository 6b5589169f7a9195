/**
 * Writes local/wire/constraints/data anew from the models of an installed botocore, whose version is that of the
 * AWS CLI in the tests: `node bin/with-node.mjs infra/write-constraints.ts …/site-packages/botocore/data`.
 * A test fails while the files are not what the models say of the operations that the region has.
 */
import { mkdir, writeFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { constraintsFrom } from './constraints.ts';

const [dataFolder] = process.argv.slice(2);
if (dataFolder === undefined) throw new Error('Say where the data of botocore are.');
const target = fileURLToPath(new URL('../local/wire/constraints/data/', import.meta.url));
await mkdir(target, { recursive: true });
for (const [id, constraints] of await constraintsFrom(dataFolder))
  await writeFile(`${target}${id}.json`, `${JSON.stringify(constraints)}\n`);
