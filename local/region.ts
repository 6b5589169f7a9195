/** The local region: one process that speaks AWS's wire on loopback. */
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Clock, VirtualClock, WallClock } from './clock.ts';
import type { Context, Keeping } from './context.ts';
import { Dispatcher } from './dispatch.ts';
import { createFaultsDoor } from './faults/door.ts';
import { Faults } from './faults/faults.ts';
import { createIam, type Iam, type KeyPair } from './iam/iam.ts';
import { briefLag, Lag, type LagBounds, worstLag } from './lag.ts';
import { CallLog } from './look/log.ts';
import { createLook } from './look/page.ts';
import { type Onlooker, Onlookers } from './onlookers.ts';
import { createParts, type OpenHooks, type Parts } from './parts.ts';
import { Random } from './random.ts';
import type { Principal, Service } from './service.ts';
import type { StandingStack } from './stack/standing.ts';
import { Keeper } from './state/keeper.ts';
import { mapOf, type Persistent, single } from './state/persistent.ts';
import { Throttles } from './throttling/throttles.ts';
import { shapeOf } from './wire/catalogue.ts';
import { type Front, FrontDoor } from './wire/front-door.ts';
import type { WireRequest, WireResponse } from './wire/http.ts';
import { type Listening, listen } from './wire/server.ts';

export interface RegionOptions {
  /** Wall time unless told otherwise. */
  readonly clock?: Clock;
  /** What ids and chance follow from; the same seed gives the same region. */
  readonly seed?: number;
  /** How late news arrives inside the region, where not as usual. */
  readonly lag?: Partial<LagBounds>;
  /** Where bytes are kept; a temporary folder that goes with the region unless told otherwise. */
  readonly dataDir?: string;
  /**
   * Whether the region's state outlives it in `dataDir`: a later region on the same folder goes on where this one
   * ended, however that came about. One region at a time has a folder.
   */
  readonly keepState?: boolean;
  /** 0 takes the one that the folder's last region had, if that is free, and else any. */
  readonly port?: number;
  /** What runs functions: `process` on the wall clock, `context` on a virtual one unless told otherwise. */
  readonly executor?: 'process' | 'context';
  /**
   * Where functions are unpacked and compiled. Regions that share such a folder, one after the other or at once, do
   * each of it once; each region has a folder of its own unless told otherwise.
   */
  readonly codeDir?: string;
  /**
   * Where regions leave for each other what follows from bytes alone and costs time to find out, so that the next one
   * on a new folder is up sooner. It may be emptied at any time.
   */
  readonly sharedDir?: string;
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
  /** How often each API may be called. */
  readonly throttles: Throttles;
  /** What answers at the front door besides AWS's APIs; may be added to. */
  readonly fronts: Front[];
  readonly root: Principal;
  /** The stacks that stand in it, by name. */
  readonly stacks: Map<string, StandingStack>;
  /** Whether it goes on with what an earlier region kept in its folder. */
  readonly restored: boolean;
  /** Of a region that keeps its state. */
  readonly keeper: Keeper | undefined;
  /** `http://127.0.0.1:<port>`, once it listens. @throws Error before that. */
  readonly endpoint: string;
  /** Whether the front door is open. */
  readonly listening: boolean;
  /** Opens the front door, and goes on with what an earlier region had under way. Repeating it does nothing. */
  listen(): Promise<string>;
  /** Goes on with what an earlier region had under way, without a socket. Repeating it does nothing. */
  resume(): void;
  /** Answers one request as the front door does, without a socket. */
  handle(request: WireRequest): Promise<WireResponse>;
  /** An API call inside the process, with IAM and log; as root unless told otherwise. @throws AwsError */
  call(service: string, operation: string, input: unknown, as?: Principal): Promise<unknown>;
  /** The key pair of the user `operator`, who may do everything. */
  createOperator(): KeyPair;
  /**
   * Calls the onlooker after each call that may have changed something, before its answer leaves, and on a virtual
   * clock after each moment at which time alone may have. @returns ends it.
   */
  onChange(onlooker: Onlooker): () => void;
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
    sessionFor: async (...asked) => iam.sessionFor(...asked),
  };
  let listening: Listening | undefined;
  const endpoint = (): string => {
    if (listening === undefined) throw new Error('The region does not listen yet');
    return `http://127.0.0.1:${listening.port}`;
  };
  const clock = options.clock ?? new WallClock();
  const seed = options.seed ?? Math.trunc(performance.timeOrigin);
  const random = new Random(seed);
  let keeper: Keeper | undefined;
  const keeping: Keeping = {
    touched: () => keeper?.touched(),
    afterwards: (run) => keeper?.afterwards(run),
  };
  const context: Context = {
    clock,
    random,
    lag: new Lag(seed + 1, { ...(clock instanceof VirtualClock ? worstLag : briefLag), ...options.lag }),
    accountId: options.accountId ?? '000000000000',
    regionName,
    zones: ['a', 'b', 'c'].map((letter) => regionName + letter),
    dataDir,
    sharedDir: options.sharedDir,
    endpoint,
    hooks,
    ...(options.keepState === true && { keeping }),
  };
  const iam = createIam(context);
  const fronts: Front[] = [];
  const log = new CallLog();
  const faults = new Faults(context);
  const throttles = new Throttles(clock);
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
  fronts.push(createLook({ context, iam, services, log, faults, throttles }));
  const onlookers = new Onlookers();
  if (clock instanceof VirtualClock) clock.settled = () => onlookers.tell(undefined);
  const dispatcher = new Dispatcher(context, iam, services, log, faults.calls, throttles, onlookers);
  const door = new FrontDoor(context, iam, dispatcher, services, fronts);
  /** An answer leaves the region only once what it tells is kept. */
  async function kept<T>(answered: Promise<T>): Promise<T> {
    try {
      return await answered;
    } finally {
      if (keeper?.pending === true) await clock.hold(keeper.committed());
    }
  }
  const answer = (request: WireRequest): Promise<WireResponse> =>
    kept(parts.lambda.faults.around(request, (one) => door.handle(one)));

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

  const stacks = new Map<string, StandingStack>();
  let lastPort = 0;
  const persistent = [
    regionState(
      random,
      () => listening?.port ?? lastPort,
      (last) => {
        lastPort = last;
      },
    ),
    iam.persistent,
    { name: 'stacks', version: 1, collections: [mapOf('stacks', stacks)] },
    ...(Object.values(parts) as { persistent?: Persistent }[]).flatMap((part) => part.persistent ?? []),
  ];
  let restored = false;
  if (options.keepState === true) {
    const folder = join(dataDir, 'state');
    await mkdir(folder, { recursive: true, mode: 0o700 });
    ({ keeper, restored } = await Keeper.open(
      { folder, accountId: context.accountId, regionName },
      persistent,
    ));
    clock.fired = keeping.touched;
  }
  // Read when first needed, a model would let calls that are made at once overtake each other, that one time.
  if (clock instanceof VirtualClock)
    await Promise.all([...services.keys()].flatMap((id) => shapeOf(id) ?? []));
  let resumed = false;
  function resume(): void {
    if (resumed) return;
    resumed = true;
    for (const part of persistent) part.resume?.();
  }

  return {
    context,
    services,
    parts,
    iam,
    log,
    faults,
    throttles,
    fronts,
    root: iam.root,
    stacks,
    restored,
    keeper,
    get endpoint() {
      return endpoint();
    },
    get listening() {
      return listening !== undefined;
    },
    async listen() {
      listening ??= await listenAgain(answer, options.port ?? 0, lastPort);
      // Services with ports of their own, such as the load balancers, open them now.
      for (const part of Object.values(parts) as { listen?: () => Promise<void> }[]) await part.listen?.();
      // Without a turn in between: whoever asks finds everything going on.
      resume();
      keeping.touched();
      return endpoint();
    },
    resume,
    handle: answer,
    call: (...asked) => kept(call(...asked)),
    createOperator: () =>
      iam.keyPairOf('operator') ??
      iam.createUser('operator', [{ Statement: [{ Effect: 'Allow', Action: '*', Resource: '*' }] }]),
    onChange: (onlooker) => onlookers.add(onlooker),
    add: (service) => {
      services.set(service.id, service);
    },
    async close() {
      await listening?.close();
      // Before anything is stopped: what the parts stop now goes on when the region is there again.
      await keeper?.close();
      for (const part of Object.values(parts) as { close?: () => Promise<void> }[]) await part.close?.();
      if (options.dataDir === undefined) await rm(dataDir, { recursive: true, force: true });
    },
  };
}

/** A caller's own port is taken or refused; the last region's is only preferred. */
async function listenAgain(
  answer: (request: WireRequest) => Promise<WireResponse>,
  port: number,
  lastPort: number,
): Promise<Listening> {
  if (port !== 0 || lastPort === 0) return listen(answer, port);
  return listen(answer, lastPort).catch(() => listen(answer, 0));
}

function regionState(random: Random, port: () => number, setPort: (port: number) => void): Persistent {
  return {
    name: 'region',
    version: 1,
    collections: [
      single(
        'chance',
        () => random.state,
        (state) => {
          random.state = state;
        },
      ),
      single('port', port, setPort),
    ],
  };
}
