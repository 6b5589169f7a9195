import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { describe, it } from 'vitest';
import { templateFile } from '../../infra/package.ts';
import { pythonTool } from '../support/python.ts';

/** The version that was current when the template was written; a newer one may know more. */
const tool = await pythonTool(['cfn-lint==1.58.0']);

describe('the packaged template', () => {
  const reason = 'skip' in tool ? ` (skipped: ${tool.skip})` : '';
  it.skipIf('skip' in tool)(`holds no error that cfn-lint knows of${reason}`, async () => {
    if ('skip' in tool) return;
    await promisify(execFile)(join(tool.bin, 'cfn-lint'), [
      '--non-zero-exit-code',
      'error',
      '--template',
      templateFile,
    ]).catch((error: { stdout: string }) => {
      const errors = error.stdout.split('\n\n').filter((told) => told.startsWith('E'));
      throw new Error(errors.join('\n') || error.stdout);
    });
  });
});
