import { describe, expect, it } from 'vitest';
import { CommandError, exitCodes } from '../../../cli/exit-codes.ts';
import { openOutput } from '../../../cli/output.ts';

function streams(isTTY: boolean) {
  let stdout = '';
  let stderr = '';
  return {
    stdout: { write: (text: string) => (stdout += text), isTTY, columns: 80 },
    stderr: { write: (text: string) => (stderr += text), isTTY, columns: 120 },
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

  it('is cut only where it is replaced: what stays is told whole', () => {
    const to = streams(true);
    const output = openOutput(to, false);
    const long = 'x'.repeat(200);
    output.progress(long, false);
    output.progress(long);
    expect(to.said().stdout).toBe(`${'x'.repeat(79)}${clear}${long}\n`);
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

describe('an error', () => {
  const told = (details: object) => {
    const to = streams(false);
    openOutput(to, false).error(
      new CommandError(exitCodes.internal, 'AWS refuses ec2:RegisterImage of snap-1.', {
        advice: 'Look.',
        details,
      }),
    );
    return to.said().stderr.split('\n').slice(2, -1);
  };

  it('names the ids that its sentence does not', () => {
    const details = {
      snapshotId: 'snap-1',
      action: 'ec2:RegisterImage',
      code: 'InvalidParameter',
      names: ['left-1', 'left-2'],
    };
    expect(told({ details: { ...details, nested: { left: 'out' } } })).toEqual([
      '  code   InvalidParameter',
      '  names  left-1, left-2',
    ]);
  });

  it('names the request where it is the control plane that failed, and it stands in its log', () => {
    const instance = 'urn:flotilla:request:abc=';
    expect(told({ status: 500, instance, details: {} })).toEqual(['  request  abc=']);
    expect(told({ status: 409, instance, details: {} })).toEqual([]);
  });
});
