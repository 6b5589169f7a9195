import { describe, expect, it } from 'vitest';
import { openOutput } from '../../../cli/output.ts';

function streams(isTTY: boolean) {
  let stdout = '';
  let stderr = '';
  return {
    stdout: { write: (text: string) => (stdout += text), isTTY },
    stderr: { write: (text: string) => (stderr += text), isTTY, columns: 80 },
    said: () => ({ stdout, stderr }),
  };
}

const clear = '\r\u001b[2K';

describe('progress', () => {
  it('on a terminal is one line that is replaced, written only when it changes, and gone at the end', () => {
    const to = streams(true);
    const output = openOutput(to, false);
    for (const percent of [0, 0, 0, 10, 10]) output.progress(`${percent} %`, false);
    output.progress('uploaded');
    output.progress('baking', false);
    output.line('live');
    expect(to.said().stdout).toBe(`0 %${clear}10 %${clear}uploaded\nbaking${clear}live\n`);
  });

  it('in a log is what lasts, once', () => {
    const to = streams(false);
    const output = openOutput(to, false);
    for (const percent of [0, 10, 20]) output.progress(`${percent} %`, false);
    output.progress('uploaded');
    output.progress('uploaded');
    output.line('live');
    expect(to.said()).toEqual({ stdout: 'uploaded\nlive\n', stderr: '' });
  });

  it('stays out of the way of one JSON object', () => {
    const to = streams(false);
    const output = openOutput(to, true);
    output.progress('uploaded');
    output.line('live');
    output.result({ live: 1 });
    expect(to.said()).toEqual({ stdout: '{"live":1}\n', stderr: 'uploaded\n' });
  });

  it('shows no control characters of a console', () => {
    const to = streams(true);
    openOutput(to, false).line('\u001b[2Jgone');
    expect(to.said().stdout).toBe('·[2Jgone\n');
  });
});
