/** The local region: one process that speaks AWS's wire on loopback. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Clock, VirtualClock, WallClock } from './clock.ts';
import type { Context } from './context.ts';
import { Dispatcher } from './dispatch.ts';
import { createFaultsDoor } from './faults/door.ts';
import { Faults } from './faults/faults.ts';
import { createIam, type Iam, type KeyPair } from './iam/iam.ts';
import { briefLag, Lag, worstLag } from './lag.ts';
import { CallLog } from './look/log.ts';
import { createLook } from './look/page.ts';
import { createParts, type OpenHooks, type Parts } from './parts.ts';
import { Random } from './random.ts';
import type { Principal, Service } from './service.ts';
import { type Front, FrontDoor } from './wire/front-door.ts';
import type { WireRequest, WireResponse } from './wire/http.ts';
import { type Listening, listen } from './wire/server.ts';

export interface RegionOptions {
  /** Wall time unless told otherwise. */
  readonly clock?: Clock;
  /** What ids and chance follow from; the same seed gives the same region. */
  readonly seed?: number;
  /** Where bytes are kept; a temporary folder that goes with the region unless told otherwise. */
  readonly dataDir?: string;
  /** 0 takes a free one. */
  readonly port?: number;
  /** What runs functions: `process` on the wall clock, `context` on a virtual one unless told otherwise. */
  readonly executor?: 'process' | 'context';
  /**
   * Where functions are unpacked and compiled. Regions that share such a folder, one after the other or at once, do
   * each of it once; each region has a folder of its own unless told otherwise.
   */
  readonly codeDir?: string;
  readonly regionName?: string;
  readonly accountId?: string;
}

export interface Region {
  readonly context: Context;
  readonly services: ReadonlyMap<string, Service>;
  /** The services' handles for each other and for the stack. */
  readonly parts: Parts;
  readonly iam: Iam;
  readonly log: CallLog;
  /** What can be made to go wrong. */
  readonly faults: Faults;
  /** What answers at the front door besides AWS's APIs; may be added to. */
  readonly fronts: Front[];
  readonly root: Principal;
  /** `http://127.0.0.1:<port>`, once it listens. @throws Error before that. */
  readonly endpoint: string;
  /** Whether the front door is open. */
  readonly listening: boolean;
  /** Opens the front door. Repeating it does nothing. */
  listen(): Promise<string>;
  /** Answers one request as the front door does, without a socket. */
  handle(request: WireRequest): Promise<WireResponse>;
  /** An API call inside the process, with IAM and log; as root unless told otherwise. @throws AwsError */
  call(service: string, operation: string, input: unknown, as?: Principal): Promise<unknown>;
  /** A new key pair of the user `operator`, who may do everything. */
  createOperator(): KeyPair;
  /** Adds a service after the fact. */
  add(service: Service): void;
  close(): Promise<void>;
}

export async function createRegion(options: RegionOptions = {}): Promise<Region> {
  const dataDir = options.dataDir ?? (await mkdtemp(join(tmpdir(), 'flotilla-region-')));
  const regionName = options.regionName ?? 'us-east-1';
  const hooks: OpenHooks = {
    publish: () => {},
    invokeAsync: (functionArn) => {
      throw new Error(`No Lambda service runs ${functionArn}`);
    },
    call: (service, operation, input, as, trace) => call(service, operation, input, as, trace),
    sessionFor: async (roleArn, sessionName) => iam.sessionFor(roleArn, sessionName),
  };
  let listening: Listening | undefined;
  const endpoint = (): string => {
    if (listening === undefined) throw new Error('The region does not listen yet');
    return `http://127.0.0.1:${listening.port}`;
  };
  const seed = options.seed ?? Math.trunc(performance.timeOrigin);
  const clock = options.clock ?? new WallClock();
  const context: Context = {
    clock,
    random: new Random(seed),
    lag: new Lag(seed + 1, clock instanceof VirtualClock ? worstLag : briefLag),
    accountId: options.accountId ?? '000000000000',
    regionName,
    zones: ['a', 'b', 'c'].map((letter) => regionName + letter),
    dataDir,
    endpoint,
    hooks,
  };
  const iam = createIam(context);
  const fronts: Front[] = [];
  const log = new CallLog();
  const faults = new Faults(context);
  const services = new Map<string, Service>();
  const parts = createParts({
    context,
    iam,
    hooks,
    fronts,
    transport: (request) => answer(request),
    executor: options.executor,
    codeDir: options.codeDir,
  });
  for (const part of Object.values(parts) as { service?: Service }[])
    if (part.service !== undefined) services.set(part.service.id, part.service);
  faults.attach(parts);
  hooks.invokeAsync = faults.aroundNotifications(hooks.invokeAsync);
  fronts.push(createFaultsDoor(iam, faults));
  fronts.push(createLook({ context, iam, services, log, faults }));
  const dispatcher = new Dispatcher(context, iam, services, log, faults.calls);
  const door = new FrontDoor(context, iam, dispatcher, services, fronts);
  const answer = (request: WireRequest): Promise<WireResponse> =>
    parts.lambda.faults.around(request, (one) => door.handle(one));

  function call(
    service: string,
    operation: string,
    input: unknown,
    as: Principal = iam.root,
    trace?: string,
  ): Promise<unknown> {
    const requestId = context.random.uuid();
    const userAgent = as.kind === 'service' ? as.arn : 'region';
    return dispatcher.invoke(service, operation, input, {
      principal: as,
      requestId,
      sourceIp: '127.0.0.1',
      userAgent,
      trace,
    });
  }

  return {
    context,
    services,
    parts,
    iam,
    log,
    faults,
    fronts,
    root: iam.root,
    get endpoint() {
      return endpoint();
    },
    get listening() {
      return listening !== undefined;
    },
    async listen() {
      listening ??= await listen(answer, options.port ?? 0);
      // Services with ports of their own, such as the load balancers, open them now.
      for (const part of Object.values(parts) as { listen?: () => Promise<void> }[]) await part.listen?.();
      return endpoint();
    },
    handle: answer,
    call,
    createOperator: () =>
      iam.createUser('operator', [{ Statement: [{ Effect: 'Allow', Action: '*', Resource: '*' }] }]),
    add: (service) => {
      services.set(service.id, service);
    },
    async close() {
      await listening?.close();
      for (const part of Object.values(parts) as { close?: () => Promise<void> }[]) await part.close?.();
      if (options.dataDir === undefined) await rm(dataDir, { recursive: true, force: true });
    },
  };
}
