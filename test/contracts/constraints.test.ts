/** What the region holds inputs to is what AWS's published models say of its operations, no more and no less. */
import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { describe, expect, test } from 'vitest';
import { constraintsFrom } from '../../infra/constraints.ts';
import { readConstraints } from '../../local/wire/constraints/data.ts';
import { pythonTool } from '../support/python.ts';

/** The same packages as the conformance table, so that they are installed once. */
const tool = await pythonTool(['boto3==1.44.8', 'awscli==1.46.3']);
const skipped = 'skip' in tool ? ` (skipped: ${tool.skip})` : '';

describe(`the constraints of inputs${skipped}`, () => {
  test.skipIf('skip' in tool)('are those of botocore for every operation of the region', async () => {
    if ('skip' in tool) return;
    const where = ['-c', 'import botocore, os; print(os.path.dirname(botocore.__file__))'];
    const { stdout } = await promisify(execFile)(join(tool.bin, 'python3'), where);
    const dataFolder = join(stdout.trim(), 'data');
    for (const [id, expected] of await constraintsFrom(dataFolder))
      expect(
        readConstraints(id),
        `${id}: node bin/with-node.mjs infra/write-constraints.ts ${dataFolder} writes them anew`,
      ).toEqual(JSON.parse(JSON.stringify(expected)));
  });
});
