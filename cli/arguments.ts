/** The command line, parsed once: what is not known is refused, never passed over. */
import { parseArgs } from 'node:util';
import { usageError } from './exit-codes.ts';

interface OptionSpec {
  readonly type: 'string' | 'boolean';
  readonly short?: string;
  /** What stands for the value in the help: `NAME`. */
  readonly value?: string;
  readonly help: string;
  readonly required?: boolean;
}

export interface CommandSpec {
  /** As typed: `fleet apply`. */
  readonly name: string;
  readonly summary: string;
  /** Names of the positionals, in order; one that ends in `?` may be left out. */
  readonly positionals: readonly string[];
  readonly options: Readonly<Record<string, OptionSpec>>;
}

const fleet: OptionSpec = { type: 'string', short: 'f', value: 'NAME', help: 'the fleet', required: true };
const anyFleet: OptionSpec = { ...fleet, required: false, help: 'only this fleet' };
const limit: OptionSpec = { type: 'string', value: 'N', help: 'at most so many (20)' };
const reason: OptionSpec = { type: 'string', value: 'TEXT', help: 'is shown wherever the decision is' };
const noWait: OptionSpec = { type: 'boolean', help: 'end once it is under way' };
const noDeploy: OptionSpec = { type: 'boolean', help: 'change only the spec' };
const force: OptionSpec = { type: 'boolean', help: 'even what is live already, or failed before' };
const plan: OptionSpec = { type: 'boolean', help: 'say what would happen, and change nothing' };

/** Of every command. */
export const commonOptions = {
  json: { type: 'boolean', help: 'one JSON object on stdout; progress goes to stderr' },
  endpoint: {
    type: 'string',
    value: 'URL',
    help: 'of a local region, or of an API (else: FLOTILLA_API_URL, the newest region)',
  },
  help: { type: 'boolean', short: 'h', help: 'show how the command is used' },
} as const satisfies Record<string, OptionSpec>;

const order = (verb: string, summary: string): CommandSpec => ({
  name: verb,
  summary,
  positionals: ['ROLLOUT'],
  options: { reason },
});

const times: OptionSpec = { type: 'string', value: 'N', help: 'so many, one after the other (1)' };

/** An image by its AMI, or what leads to one: a snapshot, an identity, a release (`web/v7`). */
const imageCommands: readonly CommandSpec[] = [
  {
    name: 'image verify',
    summary: 'read an image back block by block, and compare it with what was built',
    positionals: ['AMI'],
    options: {},
  },
  {
    name: 'image inspect',
    summary: 'tell what is inside a program, a disk or an image: FILE or AMI',
    positionals: ['TARGET'],
    options: {
      values: { type: 'boolean', help: "show the environment's values, which may be secrets" },
      sbom: { type: 'boolean', help: "print the image's bill of materials (CycloneDX)" },
      provenance: { type: 'boolean', help: 'print how the image was built (SLSA)' },
    },
  },
  {
    name: 'image diff',
    summary: 'tell in words what changed from A to B, each a FILE or AMI',
    positionals: ['A', 'B'],
    options: {},
  },
  {
    name: 'image veto',
    summary: 'let nothing deploy an image (AMI, snapshot, identity, or release); what runs of it runs on',
    positionals: ['AMI'],
    options: { reason: { ...reason, required: true } },
  },
  {
    name: 'image unveto',
    summary: 'take the veto of an image back',
    positionals: ['AMI'],
    options: { reason },
  },
];

/** What goes wrong on purpose, in a local region. */
const faultCommands: readonly CommandSpec[] = [
  {
    name: 'fault call',
    summary: 'let calls fail in a local region: ACTION is ec2:RegisterImage, ec2:Describe*, …',
    positionals: ['ACTION'],
    options: {
      throttle: { type: 'boolean', help: 'refuse as the service throttles' },
      fail: { type: 'string', value: 'CODE', help: 'refuse with this error code' },
      delay: { type: 'string', value: 'SECONDS', help: 'do it so much later' },
      'lose-answer': { type: 'boolean', help: 'do it, and break the connection' },
      by: { type: 'string', value: 'WHO', help: 'only calls of this function, user or service' },
      nth: { type: 'string', value: 'N', help: 'from the nth such call on (1)' },
      times,
    },
  },
  {
    name: 'fault function',
    summary: 'kill what runs of a function, or let it die at a call to come',
    positionals: ['NAME'],
    options: {
      before: { type: 'string', value: 'N', help: 'dies before its nth call, which is not made' },
      after: { type: 'string', value: 'N', help: 'dies after its nth call, which is done' },
      action: { type: 'string', value: 'ACTION', help: 'counts only such calls' },
    },
  },
  {
    name: 'fault event',
    summary: 'lose events, or let them come twice: FATE is drop or double',
    positionals: ['FATE'],
    options: {
      source: { type: 'string', value: 'NAME', help: 'aws.states, aws.autoscaling, aws.s3, … (any)' },
      type: {
        type: 'string',
        value: 'TEXT',
        help: 'the detail type, such as "EC2 Instance Launch Successful"',
      },
      times,
    },
  },
  {
    name: 'fault instance',
    summary: 'let the host under an instance die, or something milder befall it',
    positionals: ['INSTANCE'],
    options: {
      'interrupt-spot': { type: 'boolean', help: 'its two minutes notice instead' },
      'recommend-rebalance': { type: 'boolean', help: 'only the word that it is at risk' },
      impair: { type: 'boolean', help: 'its status checks fail, and it goes on' },
      recover: { type: 'boolean', help: 'its status checks pass again' },
    },
  },
  {
    name: 'fault zone',
    summary: 'lose an availability zone',
    positionals: ['ZONE'],
    options: {
      seconds: { type: 'string', value: 'N', help: 'it is back after so long (it stays lost)' },
      restore: { type: 'boolean', help: 'bring it back' },
    },
  },
  {
    name: 'fault capacity',
    summary: 'let launches find no capacity',
    positionals: [],
    options: {
      zone: { type: 'string', value: 'ZONE', help: 'only in this zone' },
      type: { type: 'string', value: 'TYPE', help: 'only for this instance type' },
      market: { type: 'string', value: 'NAME', help: 'only on-demand, or spot' },
      seconds: { type: 'string', value: 'N', help: 'it is there again after so long' },
      restore: { type: 'boolean', help: 'end what was begun with the same options' },
    },
  },
  {
    name: 'fault block',
    summary: 'change one byte of a snapshot',
    positionals: ['SNAPSHOT'],
    options: { offset: { type: 'string', value: 'N', help: 'which one, in bytes from its beginning (0)' } },
  },
  {
    name: 'fault execution',
    summary: "stop an execution, as the console's button does",
    positionals: ['ARN'],
    options: {},
  },
  { name: 'fault list', summary: 'show the faults that still wait', positionals: [], options: {} },
  { name: 'fault clear', summary: 'take back a fault, or all', positionals: ['ID?'], options: {} },
];

export const commands: readonly CommandSpec[] = [
  {
    name: 'up',
    summary: 'start a local region with the stack in it',
    positionals: [],
    options: {
      port: { type: 'string', value: 'N', help: 'where the region listens (a free port)' },
      data: {
        type: 'string',
        value: 'DIR',
        help: 'where it keeps its state for the next start (a temporary folder)',
      },
    },
  },
  {
    name: 'deploy',
    summary: 'upload a program and follow it until it is live',
    positionals: ['FILE?'],
    options: {
      fleet,
      image: { type: 'string', value: 'AMI', help: 'deploy an image (AMI id or identity) instead of a file' },
      release: { type: 'string', value: 'v7', help: 'deploy a release again' },
      artifact: { type: 'string', value: 'SHA256', help: 'deploy what was uploaded before' },
      name: { type: 'string', value: 'NAME', help: "the upload's name (the file's)" },
      force,
      plan,
      'no-wait': noWait,
    },
  },
  {
    name: 'fleet apply',
    summary: 'make a fleet, or change it, as a YAML or JSON file says',
    positionals: ['FILE'],
    options: {
      fleet: { ...anyFleet, help: "the fleet's name, where the file does not say it (fleet: NAME)" },
    },
  },
  {
    name: 'fleet delete',
    summary: 'remove a fleet; its lineage stays',
    positionals: ['NAME'],
    options: {
      force: { type: 'boolean', help: 'although it serves; needs --confirm' },
      confirm: { type: 'string', value: 'NAME', help: "the fleet's name once more" },
      'no-wait': noWait,
    },
  },
  {
    name: 'config show',
    summary: "show the names of a fleet's environment values",
    positionals: [],
    options: { fleet, values: { type: 'boolean', help: 'the values too' } },
  },
  {
    name: 'config set',
    summary: 'change an environment value, and deploy the live artifact with it: KEY=VALUE',
    positionals: ['ASSIGNMENT'],
    options: { fleet, plan, 'no-deploy': noDeploy, 'no-wait': noWait },
  },
  {
    name: 'config unset',
    summary: 'remove an environment value, and deploy the live artifact without it',
    positionals: ['KEY'],
    options: { fleet, plan, 'no-deploy': noDeploy, 'no-wait': noWait },
  },
  { name: 'status', summary: 'show fleets, or one of them', positionals: [], options: { fleet: anyFleet } },
  { name: 'releases', summary: "list a fleet's releases", positionals: [], options: { fleet, limit } },
  { name: 'rollouts', summary: "list a fleet's rollouts", positionals: [], options: { fleet, limit } },
  { name: 'follow', summary: 'follow a rollout to its end', positionals: ['ROLLOUT'], options: {} },
  {
    name: 'rollback',
    summary: 'make the release before the live one live again',
    positionals: [],
    options: { fleet, plan, 'no-wait': noWait },
  },
  order('abort', 'end a rollout; the former release serves'),
  order('approve', 'let a rollout through the gate where it waits for a person'),
  order('reject', 'refuse a rollout at that gate'),
  order('promote', 'go to full weight next, past every gate that is left'),
  order('pause', 'hold a rollout before its next step, with the weights as they are'),
  order('resume', 'let a paused rollout go on'),
  {
    name: 'lineage',
    summary: 'show what an instance, AMI, snapshot, digest, release (web/v7) or rollout is connected with',
    positionals: ['ID'],
    options: {},
  },
  {
    name: 'kernel add',
    summary: 'add the kernel of an Ops release (~/.ops/<version>) to the store',
    positionals: ['DIR'],
    options: {
      version: { type: 'string', value: 'VERSION', help: "its version (the folder's name)" },
      'not-latest': { type: 'boolean', help: 'leave the version that fleets get by themselves as it is' },
    },
  },
  { name: 'kernel list', summary: 'list the kernels in the store', positionals: [], options: {} },
  ...imageCommands,
  {
    name: 'uploads',
    summary: 'list uploads with their outcomes, rejected ones among them',
    positionals: [],
    options: { fleet: anyFleet, limit },
  },
  ...faultCommands,
  { name: 'version', summary: 'show the version', positionals: [], options: {} },
  { name: 'help', summary: 'show how a command is used', positionals: ['COMMAND?', 'VERB?'], options: {} },
];

export interface Invocation {
  readonly command: CommandSpec;
  readonly positionals: readonly string[];
  /** Options that take a value. */
  readonly values: Readonly<Record<string, string>>;
  readonly flags: ReadonlySet<string>;
}

function findCommand(words: readonly string[]): { command: CommandSpec; rest: readonly string[] } {
  const [first = '', second = ''] = words;
  const two = commands.find((command) => command.name === `${first} ${second}`);
  if (two !== undefined) return { command: two, rest: words.slice(2) };
  const one = commands.find((command) => command.name === first);
  if (one !== undefined) return { command: one, rest: words.slice(1) };
  const verbs = commands.filter((command) => command.name.startsWith(`${first} `)).map(({ name }) => name);
  if (first !== '' && verbs.length > 0)
    throw usageError(`flotilla ${first}: say one of ${verbs.join(', ')}.`);
  throw usageError(`There is no command ${JSON.stringify(first)}.`, 'See flotilla help.');
}

/**
 * Parses everything after the program's name.
 * @throws CommandError usage
 */
export function parseCommandLine(words: readonly string[]): Invocation {
  if (words.length === 0 || words[0] === '--help' || words[0] === '-h') return parseCommandLine(['help']);
  if (words[0] === '--version') return parseCommandLine(['version']);
  const { command, rest } = findCommand(words);
  const specs: Record<string, OptionSpec> = { ...commonOptions, ...command.options };
  let parsed: { values: Record<string, string | boolean | undefined>; positionals: string[] };
  try {
    parsed = parseArgs({
      args: [...rest],
      options: Object.fromEntries(
        Object.entries(specs).map(([name, { type, short }]) => [
          name,
          short === undefined ? { type } : { type, short },
        ]),
      ),
      allowPositionals: true,
      strict: true,
    }) as typeof parsed; // without `multiple` no value is a list
  } catch (error) {
    const words = (error as Error).message.split(/\.\s/)[0] ?? '';
    throw usageError(`${command.name}: ${words}.`, `See flotilla help ${command.name}.`);
  }
  const values: Record<string, string> = {};
  const flags = new Set<string>();
  for (const [name, value] of Object.entries(parsed.values)) {
    if (typeof value === 'string') values[name] = value;
    else if (value === true) flags.add(name);
  }
  const invocation = { command, positionals: parsed.positionals, values, flags };
  if (!flags.has('help')) requireWhole(invocation);
  return invocation;
}

function requireWhole({ command, positionals, values }: Invocation): void {
  const wanted = command.positionals.filter((name) => !name.endsWith('?'));
  const advice = `See flotilla help ${command.name}.`;
  if (positionals.length < wanted.length) {
    throw usageError(`${command.name}: ${wanted[positionals.length]} is missing.`, advice);
  }
  if (positionals.length > command.positionals.length) {
    throw usageError(`${command.name}: ${positionals[command.positionals.length]} is too much.`, advice);
  }
  for (const [name, { required }] of Object.entries(command.options)) {
    if (required === true && values[name] === undefined) {
      throw usageError(`${command.name}: --${name} is missing.`, advice);
    }
  }
}

/** How a command is used, as text. */
export function usageOf(command: CommandSpec): string {
  const words = command.positionals.map((name) => (name.endsWith('?') ? `[${name.slice(0, -1)}]` : name));
  const options = Object.entries({ ...command.options, ...commonOptions } as Record<string, OptionSpec>);
  const left = ([name, { short, value }]: (typeof options)[number]) =>
    `${short === undefined ? '    ' : `-${short}, `}--${name}${value === undefined ? '' : ` ${value}`}`;
  const width = Math.max(...options.map((option) => left(option).length));
  return [
    ['usage: flotilla', command.name, ...words, '[options]'].join(' '),
    '',
    `  ${command.summary}`,
    '',
    ...options.map((option) => `  ${left(option).padEnd(width)}  ${option[1].help}`),
  ].join('\n');
}

/** All commands, as text. */
export function overview(): string {
  const shown = commands.map(({ name, positionals, summary }) => ({
    left: [name, ...positionals.map((word) => (word.endsWith('?') ? `[${word.slice(0, -1)}]` : word))].join(
      ' ',
    ),
    summary,
  }));
  const width = Math.max(...shown.map(({ left }) => left.length));
  return [
    'usage: flotilla COMMAND [options]',
    '',
    ...shown.map(({ left, summary }) => `  ${left.padEnd(width)}  ${summary}`),
    '',
    'Exit codes: 0 done, 1 failed, 2 wrong usage, 3 refused, 4 unreachable, 5 forbidden.',
    'flotilla help COMMAND tells more.',
  ].join('\n');
}
