/**
 * The packaged template in a region on virtual time: the shipped machines, roles, rules, schedule and bundles, with
 * scripted instances. Each function runs in a sandbox of its own with its role's credentials, and time stands still
 * while one works.
 */
import { createHash } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { VirtualClock } from '../../../local/clock.ts';
import type { MachineScript } from '../../../local/machines/scripted.ts';
import { createRegion, type Region } from '../../../local/region.ts';
import { deployStack } from '../../../local/stack/deploy.ts';

export const packageDir = new URL('../../../.build/package/', import.meta.url).pathname;
const compiledDir = new URL('../../../.build/compiled/', import.meta.url).pathname;
/** Functions are unpacked and compiled, and definitions found whole, once for all worlds, of all processes. */
const shared = { codeDir: compiledDir, sharedDir: compiledDir };
const templateFile = join(packageDir, 'cloudformation-template-update-stack.json');

/** Why scenarios cannot run here; undefined where they can. */
export const notPackaged = existsSync(templateFile)
  ? undefined
  : 'the stack is not packaged: npm run package';

/** Read once: a process runs many worlds. */
let template: unknown;

/** What happens to an invocation: `crash` ends the function before it begins. */
export type Fault = (name: string, count: number) => 'crash' | undefined;

export interface WorldOptions {
  /** Parameters of the stack, beside those that every stack here has. */
  readonly parameters?: Readonly<Record<string, string>>;
  /** What every choice and every id follows from; 7 unless told otherwise. */
  readonly seed?: number;
  /** Where the packaged stack is; `.build/package` unless told otherwise. */
  readonly packageDir?: string;
  /** Where the region keeps its state, for worlds that restart it. */
  readonly dataDir?: string;
}

export class FleetInVirtualTime {
  clock: VirtualClock;
  region: Region;
  /** Names of the functions that ran, in order. */
  readonly invoked: string[] = [];
  fault: Fault = () => undefined;
  /** How the machines of an image behave. */
  readonly scripts = new Map<string, MachineScript>();
  readonly stackName = 'flotilla';
  readonly #counts = new Map<string, number>();

  readonly #dataDir: string | undefined;

  private constructor(clock: VirtualClock, region: Region, dataDir: string | undefined) {
    this.clock = clock;
    this.region = region;
    this.#dataDir = dataDir;
    this.#furnish();
  }

  #furnish(): void {
    const { ec2, lambda } = this.region.parts;
    ec2.instances.machines = (image) => this.scripts.get(image.ImageId ?? '') ?? {};
    lambda.faults.watch((name) => this.#begins(name));
  }

  /**
   * Ends the region and brings another one up on its folder: after a proper end, or as after a kill, at this very
   * moment. The machines' scripts are the world's and stay.
   */
  async restart(how: 'stop' | 'kill'): Promise<void> {
    const { keeper } = this.region;
    const dataDir = this.#dataDir;
    if (keeper === undefined || dataDir === undefined) throw new Error('This world keeps no state');
    await (how === 'stop' ? keeper.close() : keeper.abandon());
    this.clock = new VirtualClock(this.clock.now());
    this.region = await createRegion({ clock: this.clock, ...shared, seed: 8, dataDir, keepState: true });
    this.#furnish();
    this.region.resume();
  }

  static async create(options: WorldOptions = {}): Promise<FleetInVirtualTime> {
    const clock = new VirtualClock();
    const { dataDir } = options;
    const kept = dataDir === undefined ? {} : { dataDir, keepState: true };
    const region = await createRegion({ clock, ...shared, seed: options.seed ?? 7, ...kept });
    const world = new FleetInVirtualTime(clock, region, dataDir);
    const { ec2, elbv2 } = region.parts;
    template ??= JSON.parse(readFileSync(templateFile, 'utf8'));
    const { network } = ec2;
    await deployStack(region, {
      template,
      artifactsDir: options.packageDir ?? packageDir,
      stackName: world.stackName,
      parameters: {
        VpcId: network.vpcId,
        SubnetIds: network.subnets.map(({ subnetId }) => subnetId),
        SecurityGroupIds: [network.securityGroupId],
        ListenerArn: elbv2.defaultListener.arn,
        AllowStandInKernel: 'yes',
        ...options.parameters,
      },
    });
    return world;
  }

  /** @throws Error where a function answered before its promises had ended: that is a fault in every scenario */
  async close(): Promise<void> {
    const { loose } = this.region.parts.lambda;
    await this.region.close();
    const names = new Set(loose.filter(({ failed }) => !failed).map(({ functionName }) => functionName));
    if (names.size > 0) throw new Error(`answered before their calls were: ${[...names].join(', ')}`);
  }

  // biome-ignore lint/suspicious/noExplicitAny: answers are looked into freely by tests
  call(service: string, operation: string, input: unknown): Promise<any> {
    return this.region.call(service, operation, input);
  }

  /** Invokes a function as somebody with every right would. @throws Error with the function's error name. */
  async invoke(name: string, payload: unknown): Promise<unknown> {
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

  #begins(functionName: string): 'crash' | undefined {
    const name = functionName.replace(`${this.stackName}-`, '');
    const count = (this.#counts.get(name) ?? 0) + 1;
    this.#counts.set(name, count);
    this.invoked.push(name);
    return this.fault(name, count);
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
