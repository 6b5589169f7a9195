/** Clients that none of us wrote, each behind the same three lines: what is asked, what is answered. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { Readable } from 'node:stream';
import { fileURLToPath } from 'node:url';
import type { Values } from './case.ts';

export interface Asked {
  /** The region's name of the service. */
  readonly service: string;
  readonly operation: string;
  readonly input: Values;
  /** Whether a client may check the input itself, before it is sent. */
  readonly checked: boolean;
}

export type Answered =
  | { readonly status: number; readonly output: Values }
  | { readonly status: number; readonly code: string; readonly message: string; readonly members: Values };

export interface Stranger {
  ask(asked: Asked): Promise<Answered>;
  close(): Promise<void>;
}

/** Attempts at a call: many cases at once meet the rates that the EBS direct APIs have. */
const patience = 10;

/** Where the region is, and who asks. */
export interface Address {
  readonly endpoint: string;
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
}

/** The names that boto3 and the AWS CLI have for services which the region calls otherwise. */
const pythonNames: Readonly<Record<string, string>> = {
  elasticloadbalancing: 'elbv2',
  monitoring: 'cloudwatch',
  servicequotas: 'service-quotas',
  states: 'stepfunctions',
};

const packages: Readonly<Record<string, string>> = {
  autoscaling: 'auto-scaling',
  elasticloadbalancing: 'elastic-load-balancing-v2',
  events: 'eventbridge',
  monitoring: 'cloudwatch',
  servicequotas: 'service-quotas',
  states: 'sfn',
};

interface SdkClient {
  send(command: unknown): Promise<Record<string, unknown> & { $metadata: { httpStatusCode?: number } }>;
  destroy(): void;
}

/** The AWS SDK for JavaScript, in this process. */
export function javaScript(address: Address): Stranger {
  const { endpoint, ...credentials } = address;
  const settings = {
    endpoint,
    region: 'us-east-1',
    credentials,
    forcePathStyle: true,
    maxAttempts: patience,
  };
  const opened = new Map<string, Promise<{ sdk: Record<string, unknown>; client: SdkClient }>>();
  const open = (service: string) => {
    let found = opened.get(service);
    if (found === undefined) {
      found = import(`@aws-sdk/client-${packages[service] ?? service}`).then(
        (sdk: Record<string, unknown>) => {
          const name =
            Object.keys(sdk).find((one) => /^[A-Z]\w*Client$/.test(one) && one !== '__Client') ?? '';
          const Client = sdk[name] as new (given: object) => SdkClient; // each package has one client
          return { sdk, client: new Client(settings) };
        },
      );
      opened.set(service, found);
    }
    return found;
  };
  return {
    async ask({ service, operation, input }) {
      const { sdk, client } = await open(service);
      const Command = sdk[`${operation}Command`] as new (input: Values) => unknown; // one for each operation
      try {
        const { $metadata, ...output } = await client.send(new Command(input));
        return { status: $metadata.httpStatusCode ?? 0, output: (await readStreams(output)) as Values };
      } catch (error) {
        const {
          $metadata,
          $fault: _fault,
          name,
          message,
          Code,
          Error: query,
          ...members
        } = error as Error & {
          $metadata?: { httpStatusCode?: number };
          $fault?: string;
          Code?: string;
          Error?: { Code?: string };
        };
        if ($metadata?.httpStatusCode === undefined) throw error;
        return { status: $metadata.httpStatusCode, code: query?.Code ?? Code ?? name, message, members };
      }
    },
    async close() {
      for (const one of opened.values()) (await one).client.destroy();
    },
  };
}

async function readStreams(value: unknown): Promise<unknown> {
  if (value instanceof Readable) {
    const parts: Uint8Array[] = [];
    for await (const part of value) parts.push(part as Uint8Array); // byte streams
    return Uint8Array.from(Buffer.concat(parts));
  }
  if (value instanceof Uint8Array) return Uint8Array.from(value);
  if (Array.isArray(value)) return Promise.all(value.map(readStreams));
  if (typeof value !== 'object' || value === null || value instanceof Date) return value;
  const entries = Object.entries(value).map(async ([name, one]) => [name, await readStreams(one)] as const);
  return Object.fromEntries(await Promise.all(entries));
}

/** boto3, in a process that lives as long as the tests of the file. */
export function boto3(bin: string, address: Address): Stranger {
  const process = new PythonProcess(bin, 'boto3', address);
  return {
    async ask(asked) {
      const answer = await process.ask({ ...asked, service: pythonNames[asked.service] ?? asked.service });
      const { status, output, error } = answer as {
        status: number;
        output?: Values;
        error?: { code: string; message: string; members: Values };
      };
      return error === undefined ? { status, output: output ?? {} } : { status, ...error };
    },
    close: () => process.close(),
  };
}

/** The AWS CLI's program, given the arguments that a person would type; it knows no HTTP status. */
export function awsCli(bin: string, address: Address): Stranger {
  const process = new PythonProcess(bin, 'cli', address);
  return {
    async ask(asked) {
      const answer = await process.ask({ ...asked, service: pythonNames[asked.service] ?? asked.service });
      const { exit, output, said } = answer as { exit: number; output: Values; said: string };
      if (exit === 0) return { status: 0, output };
      const code = /An error occurred \((\S+)\) when calling/.exec(said)?.[1];
      if (code === undefined) throw new Error(`The AWS CLI: ${said} (${JSON.stringify(answer.arguments)})`);
      return { status: 0, code, message: said, members: {} };
    },
    close: () => process.close(),
  };
}

type Line = Record<string, unknown>;

class PythonProcess {
  readonly #child: ChildProcess;
  readonly #waiting = new Map<number, { resolve(line: Line): void; reject(error: Error): void }>();
  #next = 0;
  #said = '';

  constructor(bin: string, mode: 'boto3' | 'cli', address: Address) {
    const script = fileURLToPath(new URL('stranger.py', import.meta.url));
    this.#child = spawn(join(bin, 'python3'), [script, mode], {
      stdio: ['pipe', 'pipe', 'pipe'],
      env: {
        PATH: process.env.PATH,
        // No settings of the person's must take part.
        HOME: '/nonexistent',
        AWS_CONFIG_FILE: '/nonexistent/config',
        AWS_SHARED_CREDENTIALS_FILE: '/nonexistent/credentials',
        AWS_ACCESS_KEY_ID: address.accessKeyId,
        AWS_SECRET_ACCESS_KEY: address.secretAccessKey,
        AWS_DEFAULT_REGION: 'us-east-1',
        AWS_ENDPOINT_URL: address.endpoint,
        AWS_MAX_ATTEMPTS: String(patience),
        AWS_EC2_METADATA_DISABLED: 'true',
        AWS_PAGER: '',
        PYTHONDONTWRITEBYTECODE: '1',
      },
    });
    this.#child.stderr?.on('data', (text: Buffer) => {
      this.#said = (this.#said + text.toString()).slice(-4_000);
    });
    this.#child.on('exit', () => {
      for (const { reject } of this.#waiting.values()) reject(new Error(`The process ended: ${this.#said}`));
      this.#waiting.clear();
    });
    if (this.#child.stdout === null) throw new Error('There is no standard output');
    createInterface(this.#child.stdout).on('line', (text) => {
      const { id, trouble, ...line } = JSON.parse(text, unpack) as Line & { id: number };
      const waiting = this.#waiting.get(id);
      this.#waiting.delete(id);
      if (trouble === undefined) waiting?.resolve(line);
      else waiting?.reject(new Error(String(trouble)));
    });
  }

  ask(asked: object): Promise<Line> {
    const id = this.#next++;
    return new Promise((resolve, reject) => {
      this.#waiting.set(id, { resolve, reject });
      this.#child.stdin?.write(`${JSON.stringify(pack({ id, ...asked }))}\n`);
    });
  }

  async close(): Promise<void> {
    if (this.#child.exitCode !== null) return;
    this.#child.stdin?.end();
    await once(this.#child, 'exit');
  }
}

/** Bytes and times in a form that JSON has room for. */
function pack(value: unknown): unknown {
  if (value instanceof Uint8Array) return { $bytes: Buffer.from(value).toString('base64') };
  if (value instanceof Date) return { $time: value.toISOString() };
  if (Array.isArray(value)) return value.map(pack);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([name, one]) => [name, pack(one)]));
}

function unpack(_name: string, value: unknown): unknown {
  if (typeof value !== 'object' || value === null) return value;
  const { $bytes, $time } = value as { $bytes?: unknown; $time?: unknown };
  if (typeof $bytes === 'string') return Uint8Array.from(Buffer.from($bytes, 'base64'));
  return typeof $time === 'string' ? new Date($time) : value;
}
