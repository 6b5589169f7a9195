import { describe, expect, it } from 'vitest';
import { commands, parseCommandLine, usageOf } from '../../../cli/arguments.ts';

describe('the command line', () => {
  it('finds commands of one word and of two', () => {
    expect(parseCommandLine(['status']).command.name).toBe('status');
    const apply = parseCommandLine(['fleet', 'apply', 'web.yml', '--fleet', 'web']);
    expect(apply.command.name).toBe('fleet apply');
    expect(apply.positionals).toEqual(['web.yml']);
    expect(apply.values.fleet).toBe('web');
  });

  it('shows the help when nothing is said, and the version when asked', () => {
    expect(parseCommandLine([]).command.name).toBe('help');
    expect(parseCommandLine(['--help']).command.name).toBe('help');
    expect(parseCommandLine(['--version']).command.name).toBe('version');
  });

  it('takes --json, --endpoint and short names everywhere', () => {
    const line = parseCommandLine(['releases', '-f', 'web', '--json', '--endpoint', 'http://127.0.0.1:1']);
    expect(line.flags.has('json')).toBe(true);
    expect(line.values).toEqual({ fleet: 'web', endpoint: 'http://127.0.0.1:1' });
  });

  it.each([
    [['deploy', 'hello', '--fleet', 'web', '--bogus'], /Unknown option '--bogus'/],
    [['deploy', '--image', '--fleet', 'web'], /^deploy: Option '--image' argument is ambiguous\.$/],
    [['deploy', 'hello'], /--fleet is missing/],
    [['deploy', 'hello', '--fleet'], /argument missing/],
    [['lineage'], /ID is missing/],
    [['status', 'web'], /web is too much/],
    [['fleet'], /fleet apply, fleet delete/],
    [['fleet', 'aply'], /fleet apply, fleet delete/],
    [['flet'], /no command "flet"/],
    [['status', '--fleet=web', '--json=yes'], /does not take an argument/],
  ])('refuses %j and says why', (words, why) => {
    expect(() => parseCommandLine(words)).toThrow(why);
  });

  it('asks for nothing more than --help when help is wanted', () => {
    expect(parseCommandLine(['deploy', '--help']).flags.has('help')).toBe(true);
  });

  it('has a usage for every command that names each of its options', () => {
    for (const command of commands) {
      for (const option of Object.keys(command.options)) expect(usageOf(command)).toContain(`--${option}`);
    }
  });
});
