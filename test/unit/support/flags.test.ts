import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';

const module = new URL('../../support/flags.ts', import.meta.url).href;

/** A command that says the number it was given. */
const command = `
  import { readFlags, wholeNumber } from ${JSON.stringify(module)};
  const { values } = readFlags({ options: { cases: { type: 'string', default: '7' } } });
  console.log(wholeNumber('cases', values.cases));
`;

function run(...args: string[]) {
  const { status, stdout, stderr } = spawnSync(
    process.execPath,
    ['--disable-warning=ExperimentalWarning', '--input-type=module', '--eval', command, '--', ...args],
    { encoding: 'utf8', cwd: fileURLToPath(new URL('.', import.meta.url)) },
  );
  return { status, stdout, stderr };
}

describe('the flags of a long command', () => {
  it.each([
    [[], '7\n'],
    [['--cases', '12'], '12\n'],
  ])('are read: %j', (args, stdout) => {
    expect(run(...args)).toEqual({ status: 0, stdout, stderr: '' });
  });

  it.each(['foo', '1.5', '0', '', '1e300'])('are refused in one line: --cases %j', (text) => {
    const stderr = `--cases ${text}: this has to be a whole number from 1 on.\n`;
    expect(run('--cases', text)).toEqual({ status: 2, stdout: '', stderr });
  });

  it('are refused where there are none of the name', () => {
    expect(run('--case', '3')).toEqual({ status: 2, stdout: '', stderr: "Unknown option '--case'\n" });
  });
});
