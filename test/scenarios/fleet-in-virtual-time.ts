/**
 * The packaged template in a region on virtual time: the shipped machines, roles, rules and schedule, with scripted
 * instances. Functions run in this process, each with its own role's credentials and environment, so that time can
 * stand still while they work.
 */
import { AsyncLocalStorage } from 'node:async_hooks';
import { createHash } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { vi } from 'vitest';
import { VirtualClock } from '../../local/clock.ts';
import type { Hooks } from '../../local/context.ts';
import type { MachineScript } from '../../local/machines/scripted.ts';
import { createRegion, type Region } from '../../local/region.ts';
import type { Operations } from '../../local/service.ts';
import { deployStack } from '../../local/stack/deploy.ts';

const root = new URL('../../', import.meta.url);
const packageDir = new URL('.build/package/', root).pathname;

/** Why scenarios cannot run here; undefined where they can. */
export const notPackaged = existsSync(join(packageDir, 'cloudformation-template-update-stack.json'))
  ? undefined
  : 'the stack is not packaged: npm run package';

type Handler = (event: unknown, context: unknown) => Promise<unknown>;
type Environment = Record<string, string | undefined>;

const environments = new AsyncLocalStorage<Environment>();
const ownEnvironment = process.env;
const present = (): Environment => environments.getStore() ?? ownEnvironment;
/** Each function sees the environment that Lambda would give it, and nothing of this process. */
const perFunction = new Proxy<Environment>(
  {},
  {
    get: (_, name) => Reflect.get(present(), name),
    set: (_, name, value) => Reflect.set(present(), name, value),
    has: (_, name) => Reflect.has(present(), name),
    deleteProperty: (_, name) => Reflect.deleteProperty(present(), name),
    ownKeys: () => Reflect.ownKeys(present()),
    getOwnPropertyDescriptor: (_, name) => {
      const value: unknown = Reflect.get(present(), name);
      return value === undefined
        ? undefined
        : { value, writable: true, enumerable: true, configurable: true };
    },
  },
);

/** What happens to an invocation: `crash` ends the function before it begins. */
export type Fault = (name: string, count: number) => 'crash' | undefined;

/** What runs: the functions' sources, which load quickest, or the bundles that are deployed. */
export type Functions = 'sources' | 'packaged';

export class FleetInVirtualTime {
  readonly clock: VirtualClock;
  readonly region: Region;
  /** Names of the functions that ran, in order. */
  readonly invoked: string[] = [];
  fault: Fault = () => undefined;
  /** How the machines of an image behave. */
  readonly scripts = new Map<string, MachineScript>();
  readonly #handlers = new Map<string, Promise<Handler>>();
  readonly #configurations = new Map<string, { Environment: Environment; Role: string; Timeout: number }>();
  readonly stackName = 'flotilla';

  readonly #functions: Functions;

  private constructor(clock: VirtualClock, region: Region, functions: Functions) {
    this.#functions = functions;
    this.clock = clock;
    this.region = region;
  }

  /** @param parameters of the stack, beside those that every stack here has */
  static async create(
    parameters: Record<string, string> = {},
    functions: Functions = 'sources',
  ): Promise<FleetInVirtualTime> {
    const clock = new VirtualClock();
    const region = await createRegion({ clock, seed: 7 });
    const world = new FleetInVirtualTime(clock, region, functions);
    vi.resetModules();
    vi.useFakeTimers({ toFake: ['Date'], now: clock.now() });
    process.env = perFunction;
    region.parts.ec2.instances.machines = (image) => world.scripts.get(image.ImageId ?? '') ?? {};
    await region.listen();
    if (functions === 'sources') world.#takeOverLambda();
    else region.parts.lambda.faults.watch((name) => world.#begins(name));
    const template: unknown = JSON.parse(
      readFileSync(join(packageDir, 'cloudformation-template-update-stack.json'), 'utf8'),
    );
    const { network } = region.parts.ec2;
    await deployStack(region, {
      template,
      artifactsDir: packageDir,
      stackName: world.stackName,
      parameters: {
        VpcId: network.vpcId,
        SubnetIds: network.subnets.map(({ subnetId }) => subnetId),
        SecurityGroupIds: [network.securityGroupId],
        ListenerArn: region.parts.elbv2.defaultListener.arn,
        AllowStandInKernel: 'yes',
        ...parameters,
      },
    });
    return world;
  }

  async close(): Promise<void> {
    process.env = ownEnvironment;
    vi.useRealTimers();
    await this.region.close();
  }

  // biome-ignore lint/suspicious/noExplicitAny: answers are looked into freely by tests
  call(service: string, operation: string, input: unknown): Promise<any> {
    return this.region.call(service, operation, input);
  }

  /** Invokes a function as somebody with every right would. @throws Error with the function's error name. */
  async invoke(name: string, payload: unknown): Promise<unknown> {
    vi.setSystemTime(this.clock.now());
    return this.#functions === 'sources'
      ? this.clock.hold(this.#run(name, payload))
      : this.#runPackaged(name, payload);
  }

  #begins(functionName: string): 'crash' | undefined {
    const name = functionName.replace(`${this.stackName}-`, '');
    this.invoked.push(name);
    return this.fault(name, this.invoked.filter((one) => one === name).length);
  }

  async #runPackaged(name: string, payload: unknown): Promise<unknown> {
    let ended = false;
    const work = this.region.parts.lambda.invoke(`${this.stackName}-${name}`, payload).finally(() => {
      ended = true;
    });
    // Time passes only where the function waits for it.
    await this.clock.runUntil(() => ended, 900_000);
    const { payload: answer, failed } = await work;
    const result = JSON.parse(answer);
    if (!failed) return result;
    throw Object.assign(new Error(result.errorMessage), { name: result.errorType });
  }

  seconds(count: number): Promise<void> {
    return this.clock.advance(count * 1_000);
  }

  #takeOverLambda(): void {
    const service = this.region.services.get('lambda');
    const invoke = service?.operations.Invoke;
    if (service === undefined || invoke === undefined) throw new Error('The region has no Lambda');
    const operations: Operations = {
      ...service.operations,
      Invoke: {
        access: invoke.access,
        run: (input: { FunctionName: string; Payload?: Uint8Array }) =>
          this.#answer(input.FunctionName, JSON.parse(Buffer.from(input.Payload ?? '{}').toString('utf8'))),
      },
    };
    this.region.add({ id: 'lambda', operations });
    const hooks: { -readonly [Name in keyof Hooks]: Hooks[Name] } = this.region.context.hooks;
    hooks.invokeAsync = (arn, payload) => {
      this.clock.after(100, () => void this.#answer(arn, payload));
    };
  }

  async #answer(arn: string, payload: unknown) {
    const name = (arn.split(':').at(-1) ?? '').replace(`${this.stackName}-`, '');
    try {
      const result = await this.invoke(name, payload);
      return { StatusCode: 200, Payload: Buffer.from(JSON.stringify(result ?? null)) };
    } catch (error) {
      const { name: errorType, message: errorMessage } = error as Error;
      const body = JSON.stringify({ errorType, errorMessage, trace: [] });
      return { StatusCode: 200, FunctionError: 'Unhandled', Payload: Buffer.from(body) };
    }
  }

  async #run(name: string, payload: unknown): Promise<unknown> {
    this.invoked.push(name);
    const count = this.invoked.filter((one) => one === name).length;
    if (this.fault(name, count) === 'crash') {
      throw Object.assign(new Error('Runtime exited with error: signal: killed'), {
        name: 'Runtime.ExitError',
      });
    }
    const configuration = await this.#configuration(name);
    const session = await this.region.context.hooks.sessionFor(configuration.Role, name);
    const environment: Environment = {
      ...configuration.Environment,
      AWS_REGION: this.region.context.regionName,
      AWS_ENDPOINT_URL: this.region.endpoint,
      AWS_ACCESS_KEY_ID: session.accessKeyId,
      AWS_SECRET_ACCESS_KEY: session.secretAccessKey,
      AWS_SESSION_TOKEN: session.sessionToken,
      POWERTOOLS_LOG_LEVEL: ownEnvironment.FLOTILLA_TEST_LOG ?? 'SILENT',
    };
    return environments.run(environment, async () => {
      const handler = await this.#handler(name);
      return handler(JSON.parse(JSON.stringify(payload)), {
        awsRequestId: `${name}-${count}`,
        functionName: name,
        getRemainingTimeInMillis: () => configuration.Timeout * 1_000,
      });
    });
  }

  async #configuration(name: string) {
    const known = this.#configurations.get(name);
    if (known !== undefined) return known;
    const answer = await this.call('lambda', 'GetFunctionConfiguration', {
      FunctionName: `${this.stackName}-${name}`,
    });
    const configuration = {
      Environment: answer.Environment?.Variables ?? {},
      Role: answer.Role,
      Timeout: answer.Timeout,
    };
    this.#configurations.set(name, configuration);
    return configuration;
  }

  #handler(name: string): Promise<Handler> {
    const known = this.#handlers.get(name);
    if (known !== undefined) return known;
    const loaded = import(new URL(`functions/${name}.ts`, root).href).then(
      (module: { handler: Handler }) => module.handler,
    );
    this.#handlers.set(name, loaded);
    return loaded;
  }

  /** An AMI with one block that tells it from others. @returns its id. */
  async image(name: string, script: MachineScript = {}): Promise<{ imageId: string; identity: string }> {
    const data = Buffer.alloc(524_288, name);
    const digest = createHash('sha256').update(data).digest();
    const tags = [{ Key: 'flotilla:stack', Value: this.stackName }];
    const { SnapshotId } = await this.call('ebs', 'StartSnapshot', { VolumeSize: 1, Tags: tags });
    await this.call('ebs', 'PutSnapshotBlock', {
      SnapshotId,
      BlockIndex: 0,
      BlockData: data,
      DataLength: data.length,
      Checksum: digest.toString('base64'),
      ChecksumAlgorithm: 'SHA256',
    });
    await this.call('ebs', 'CompleteSnapshot', { SnapshotId, ChangedBlocksCount: 1 });
    await this.seconds(5);
    const { ImageId } = await this.call('ec2', 'RegisterImage', {
      Name: `flotilla-${name}`,
      Architecture: 'x86_64',
      RootDeviceName: '/dev/xvda',
      VirtualizationType: 'hvm',
      EnaSupport: true,
      BlockDeviceMappings: [{ DeviceName: '/dev/xvda', Ebs: { SnapshotId } }],
      TagSpecifications: [{ ResourceType: 'image', Tags: tags }],
    });
    await this.seconds(5);
    this.scripts.set(ImageId, script);
    return { imageId: ImageId, identity: digest.toString('hex') };
  }
}
