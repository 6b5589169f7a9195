/**
 * What a function sees in place of the machine's own globals and modules when it runs inside the region's
 * process: the region's clock, its chance, its front door. The realm is the region's own, so that a Uint8Array
 * or an Error is the same thing on both sides.
 */
import { createRequire } from 'node:module';
import { type Clock, VirtualClock } from '../../clock.ts';
import type { Random } from '../../random.ts';
import type { WireRequest, WireResponse } from '../../wire/http.ts';
import { httpModule } from './memory-http.ts';
import type { Pulse } from './pulse.ts';

export type Transport = (request: WireRequest) => Promise<WireResponse>;

export interface SandboxInit {
  readonly pulse: Pulse;
  /** When the environment came up, on the clock. */
  readonly startedAt: number;
  readonly random: Random;
  readonly transport: Transport;
  /** Becomes `process.env`; what is changed in it later, the function sees. */
  readonly env: Readonly<Record<string, string>>;
  /** The file that is run, as a file URL. */
  readonly url: string;
  readonly console: (level: string, values: readonly unknown[]) => void;
  readonly write: (text: string) => void;
  readonly exit: (code: number) => void;
}

const hostRequire = createRequire(import.meta.url);

/** The names that a script gets in place of the machine's, in the order of {@link sandboxNames}. */
export function sandboxValues(init: SandboxInit): unknown[] {
  const globals = globalsOf(init);
  const require = requireOf(init, globals);
  const values: Record<string, unknown> = { ...globals, require, importMetaUrl: init.url };
  return sandboxNames.map((name) => values[name]);
}

export const sandboxNames = [
  'require',
  'importMetaUrl',
  'process',
  'console',
  'Date',
  'Math',
  'performance',
  'crypto',
  'setTimeout',
  'clearTimeout',
  'setInterval',
  'clearInterval',
  'setImmediate',
  'clearImmediate',
  'queueMicrotask',
  'fetch',
  'globalThis',
  'global',
] as const;

type Globals = Record<string, unknown>;

function globalsOf(init: SandboxInit): Globals {
  const { pulse, random } = init;
  const timers = {
    setTimeout: (run: (...args: unknown[]) => void, delayMs = 0, ...args: unknown[]) =>
      pulse.set(delayMs, () => run(...args)),
    clearTimeout: (handle: unknown) => pulse.clear(handle),
    setInterval: (run: (...args: unknown[]) => void, delayMs = 0, ...args: unknown[]) =>
      pulse.set(delayMs, () => run(...args), Math.max(1, delayMs)),
    clearInterval: (handle: unknown) => pulse.clear(handle),
    // A turn of the real loop: it takes no time, and must not wait for the clock to be moved.
    setImmediate: (run: (...args: unknown[]) => void, ...args: unknown[]) =>
      setImmediate(() => pulse.run(() => run(...args))),
    clearImmediate: (handle: NodeJS.Immediate) => clearImmediate(handle),
    queueMicrotask: (run: () => void) => queueMicrotask(() => pulse.run(run)),
  };
  const started = init.startedAt;
  const globals: Globals = {
    ...timers,
    process: processOf(init),
    console: consoleOf(init),
    Date: dateOf(pulse.clock),
    Math: Object.create(Math, { random: { value: () => random.next() } }),
    performance: { now: () => pulse.clock.now() - started, timeOrigin: started, mark: () => undefined },
    crypto: Object.create(globalThis.crypto, {
      randomUUID: { value: () => random.uuid() },
      getRandomValues: { value: (array: Uint8Array) => fillRandom(array, random) },
      subtle: { get: () => globalThis.crypto.subtle },
    }),
    fetch: () => Promise.reject(new Error('The region runs functions without fetch on its virtual clock.')),
  };
  // Defined rather than assigned: some of the machine's own are accessors without a setter.
  // The SDK hangs its store of the invocation there, for all that runs in an environment. Found on the machine's own
  // global, it would be one for the functions of all regions, and keep the first of them.
  const awslambda = {};
  const own: unknown = Object.create(globalThis, Object.getOwnPropertyDescriptors({ ...globals, awslambda }));
  return { ...globals, globalThis: own, global: own };
}

function processOf(init: SandboxInit): unknown {
  const stream = {
    isTTY: false,
    write: (text: string | Uint8Array) => {
      init.write(String(text));
      return true;
    },
    on: () => stream,
  };
  return Object.create(process, {
    env: { value: init.env, writable: true },
    argv: { value: [process.argv[0], init.url] },
    stdout: { value: stream },
    stderr: { value: stream },
    exit: { value: (code = 0) => init.exit(Number(code)) },
    send: { value: undefined },
    hrtime: {
      value: Object.assign(() => [Math.floor(init.pulse.clock.now() / 1000), 0], {
        bigint: () => BigInt(Math.round(init.pulse.clock.now() * 1e6)),
      }),
    },
    // Listeners on the region's own process would outlive the function.
    on: { value: () => undefined },
    once: { value: () => undefined },
    nextTick: {
      value: (run: (...args: unknown[]) => void, ...args: unknown[]) =>
        process.nextTick(() => init.pulse.run(() => run(...args))),
    },
    uptime: { value: () => (init.pulse.clock.now() - init.startedAt) / 1000 },
    emitWarning: { value: () => undefined },
    cwd: { value: () => init.env.LAMBDA_TASK_ROOT ?? '/' },
  });
}

function consoleOf(init: SandboxInit): unknown {
  const levels = { trace: 'TRACE', debug: 'DEBUG', log: 'INFO', info: 'INFO', warn: 'WARN', error: 'ERROR' };
  const own = Object.fromEntries(
    Object.entries(levels).map(([method, level]) => [
      method,
      (...values: unknown[]) => init.console(level, values),
    ]),
  );
  return Object.assign(Object.create(console), own);
}

/** Date, whose now is the clock's. Dates made elsewhere count as its instances too. */
function dateOf(clock: Clock): DateConstructor {
  const handler: ProxyHandler<DateConstructor> = {
    construct: (target, args, newTarget) =>
      Reflect.construct(target, args.length === 0 ? [clock.now()] : args, newTarget),
    apply: () => new Date(clock.now()).toString(),
    get: (target, name) => (name === 'now' ? () => clock.now() : Reflect.get(target, name)),
  };
  return new Proxy(Date, handler);
}

function fillRandom<T extends ArrayBufferView>(array: T, random: Random): T {
  const bytes = new Uint8Array(array.buffer, array.byteOffset, array.byteLength);
  for (let at = 0; at < bytes.length; at += 1) bytes[at] = random.integer(256);
  return array;
}

function requireOf(init: SandboxInit, globals: Globals): (name: string) => unknown {
  const { random, transport, pulse } = init;
  const replaced: Record<string, () => unknown> = {
    process: () => globals.process,
    http: () => httpModule('http:', transport, pulse),
    https: () => httpModule('https:', transport, pulse),
    // Real work: virtual time must not run ahead of it.
    'fs/promises': () => held(hostRequire('node:fs/promises') as Globals, pulse),
    fs: () => {
      const fs = hostRequire('node:fs') as Globals;
      return { ...fs, promises: held(fs.promises as Globals, pulse) };
    },
    timers: () => ({ ...hostRequire('node:timers'), ...pick(globals, timerNames) }),
    'timers/promises': () => ({
      setTimeout: (delayMs: number, value: unknown) =>
        new Promise((resolve) => pulse.set(delayMs, () => resolve(value))),
      setImmediate: (value: unknown) =>
        new Promise((resolve) => setImmediate(() => pulse.run(() => resolve(value)))),
    }),
    perf_hooks: () => ({ ...hostRequire('node:perf_hooks'), performance: globals.performance }),
    crypto: () => ({
      ...hostRequire('node:crypto'),
      randomUUID: () => random.uuid(),
      randomBytes: (size: number) => fillRandom(Buffer.alloc(size), random),
      randomInt: (least: number, below?: number) =>
        below === undefined ? random.integer(least) : least + random.integer(below - least),
      randomFillSync: (array: Uint8Array) => fillRandom(array, random),
      getRandomValues: (array: Uint8Array) => fillRandom(array, random),
    }),
    os: () => ({ ...hostRequire('node:os'), homedir: () => '/home/sbx_user1051' }),
    console: () => ({ ...hostRequire('node:console'), Console: consoleClass(globals) }),
    module: () => ({ ...hostRequire('node:module'), createRequire: () => sandboxed }),
  };
  const cache = new Map<string, unknown>();
  const sandboxed = (name: string): unknown => {
    const bare = name.replace(/^node:/, '');
    let found = cache.get(bare);
    if (found === undefined) {
      found = replaced[bare]?.() ?? hostRequire(`node:${bare}`);
      cache.set(bare, found);
    }
    return found;
  };
  return sandboxed;
}

/** A module whose promises hold the clock until they have settled. */
function held(module: Globals, pulse: Pulse): Globals {
  return Object.fromEntries(
    Object.entries(module).map(([name, value]) => {
      if (typeof value !== 'function' || /^[A-Z]/.test(name)) return [name, value];
      return [
        name,
        (...args: unknown[]) => {
          const result: unknown = value.apply(module, args);
          return result instanceof Promise ? pulse.work(result) : result;
        },
      ];
    }),
  );
}

const timerNames = [
  'setTimeout',
  'clearTimeout',
  'setInterval',
  'clearInterval',
  'setImmediate',
  'clearImmediate',
];

function pick(from: Globals, names: readonly string[]): Globals {
  return Object.fromEntries(names.map((name) => [name, from[name]]));
}

/** `new Console(...)`: what it writes is the function's output, wherever it was told to write. */
function consoleClass(globals: Globals): unknown {
  return class {
    constructor() {
      // biome-ignore lint/correctness/noConstructorReturn: the one console of the sandbox stands for all
      return globals.console as object;
    }
  };
}

/** True where functions should run inside the process. */
export function isVirtual(clock: Clock): boolean {
  return clock instanceof VirtualClock;
}
