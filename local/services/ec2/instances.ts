/** Instances and their life. https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/ec2-instance-lifecycle.html */
import type { Image, InstanceStateName } from '@aws-sdk/client-ec2';
import type { Context } from '../../context.ts';
import { arn } from '../../context.ts';
import type { Address, Machine, MachineLaunch } from '../../machines/machine.ts';
import { NativeMachine } from '../../machines/native.ts';
import { NativeHost } from '../../machines/native-host.ts';
import type { MachineScript } from '../../machines/scripted.ts';
import { ScriptedMachine } from '../../machines/scripted.ts';
import { AwsError } from '../../service.ts';
import type { Snapshots } from '../ebs/snapshots.ts';
import type { LaunchSpec } from './launch.ts';
import type { Network } from './network.ts';
import type { Tag, TagStore } from './tag-store.ts';

/** Pending until the host is found and the volume made. */
const pendingMs = 2_000;
const stopMs = 1_000;
/** "Terminated instances remain visible after termination for approximately one hour." */
const shownAfterTerminationMs = 3_600_000;

export interface InstanceRecord {
  readonly instanceId: string;
  readonly reservationId: string;
  readonly spec: LaunchSpec;
  readonly volumeId: string;
  readonly interfaceId: string;
  readonly privateIp: string;
  readonly launchedAt: number;
  readonly clientToken: string | undefined;
  readonly launchIndex: number;
  state: InstanceStateName;
  stateReason: { Code: string; Message: string } | undefined;
  transitionReason: string;
  machine: Machine | undefined;
  /** The console of a machine that is gone. */
  lastConsole: Uint8Array;
  consoleAt: number;
}

/** Chooses a script for an instance, or undefined to run the program of the image as a process. */
export type MachineChoice = (image: Image, instance: InstanceRecord) => MachineScript | undefined;

export class Instances {
  readonly all = new Map<string, InstanceRecord>();
  /** On-Demand Standard vCPUs that may run at once; Service Quotas L-1216C47A, raised from a new account's 5. */
  vcpuLimit = 640;
  /** For faults: an error that a launch fails with. */
  refuseLaunch: ((spec: LaunchSpec) => AwsError | undefined) | undefined;
  machines: MachineChoice | undefined;
  /** For faults: zones without capacity; see {@link Instances.loseZone}. */
  readonly lostZones = new Set<string>();
  readonly #context: Context;
  readonly #network: Network;
  readonly #tags: TagStore;
  readonly #snapshots: Snapshots;
  readonly #images: ReadonlyMap<string, Image>;
  readonly #host = new NativeHost();
  readonly #listeners: ((instance: InstanceRecord) => void)[] = [];
  #closed = false;

  constructor(
    context: Context,
    parts: { network: Network; tags: TagStore; snapshots: Snapshots; images: ReadonlyMap<string, Image> },
  ) {
    this.#context = context;
    this.#network = parts.network;
    this.#tags = parts.tags;
    this.#snapshots = parts.snapshots;
    this.#images = parts.images;
  }

  /** Calls back on each change of state, and whenever an instance may answer a health check differently. */
  onChange(listener: (instance: InstanceRecord) => void): void {
    this.#listeners.push(listener);
  }

  /**
   * Starts `count` instances alike; all or none.
   * @throws VcpuLimitExceeded, InsufficientInstanceCapacity, or what a fault says
   */
  launch(
    spec: LaunchSpec,
    count: number,
    clientToken?: string,
    extraTags: readonly Tag[] = [],
  ): InstanceRecord[] {
    const refusal = this.refuseLaunch?.(spec);
    if (refusal !== undefined) throw refusal;
    if (this.lostZones.has(spec.subnet.zone)) {
      throw new AwsError(
        'InsufficientInstanceCapacity',
        `We currently do not have sufficient ${spec.type.name} capacity in the Availability Zone you requested (${spec.subnet.zone}).`,
        500,
      );
    }
    const used = [...this.all.values()]
      .filter((one) => one.state === 'pending' || one.state === 'running')
      .reduce((sum, one) => sum + one.spec.type.vcpus, 0);
    if (used + count * spec.type.vcpus > this.vcpuLimit) {
      throw new AwsError(
        'VcpuLimitExceeded',
        `You have requested more vCPU capacity than your current vCPU limit of ${this.vcpuLimit} allows for the instance bucket that the specified instance type belongs to. Please visit http://aws.amazon.com/contact-us/ec2-request to request an adjustment to this limit.`,
      );
    }
    const { random, clock } = this.#context;
    const reservationId = `r-0${random.hex(16)}`;
    return Array.from({ length: count }, (_, launchIndex) => {
      const instance: InstanceRecord = {
        instanceId: `i-0${random.hex(16)}`,
        reservationId,
        spec,
        volumeId: `vol-0${random.hex(16)}`,
        interfaceId: `eni-0${random.hex(16)}`,
        privateIp: this.#network.takeAddress(spec.subnet),
        launchedAt: clock.now(),
        clientToken,
        launchIndex,
        state: 'pending',
        stateReason: undefined,
        transitionReason: '',
        machine: undefined,
        lastConsole: new Uint8Array(),
        consoleAt: clock.now(),
      };
      this.all.set(instance.instanceId, instance);
      this.#tags.set(instance.instanceId, [...spec.instanceTags, ...extraTags]);
      this.#tags.set(instance.volumeId, spec.volumeTags);
      clock.after(pendingMs, () => this.#boot(instance));
      this.#changed(instance, true);
      return instance;
    });
  }

  /** Shuts an instance down for good. Repeating it does nothing. */
  terminate(instance: InstanceRecord, reason: 'user' | 'service' | 'itself' = 'user'): void {
    if (instance.state === 'shutting-down' || instance.state === 'terminated') return;
    instance.state = 'shutting-down';
    if (reason === 'itself') {
      instance.stateReason = shutdownByItself;
    } else {
      const Code = reason === 'user' ? 'Client.UserInitiatedShutdown' : 'Server.ScheduledStop';
      instance.stateReason = {
        Code,
        Message: `${Code}: ${reason === 'user' ? 'User' : 'Service'} initiated shutdown`,
      };
    }
    instance.transitionReason = `User initiated (${isoSecond(this.#context.clock.now())} GMT)`;
    const gone = this.#unplug(instance);
    this.#changed(instance, true);
    void this.#context.clock.hold(gone).then(() => {
      this.#context.clock.after(stopMs, () => {
        instance.state = 'terminated';
        this.#network.releaseAddress(instance.privateIp);
        this.#changed(instance, true);
        this.#context.clock.after(shownAfterTerminationMs, () => {
          this.all.delete(instance.instanceId);
          this.#tags.forget(instance.instanceId);
          this.#tags.forget(instance.volumeId);
        });
      });
    });
  }

  /** For faults: the host under the instance dies, without a word. EC2 terminates it and says why. */
  kill(instanceId: string): void {
    const instance = this.#known(instanceId);
    this.terminate(instance);
    instance.stateReason = {
      Code: 'Server.InternalError',
      Message: 'Server.InternalError: Internal error on launch',
    };
  }

  /** For faults: a zone fails; what runs there dies, and nothing launches there until it is restored. */
  loseZone(zone: string): void {
    this.lostZones.add(zone);
    for (const one of [...this.all.values()]) {
      if (one.spec.subnet.zone === zone && (one.state === 'running' || one.state === 'pending'))
        this.kill(one.instanceId);
    }
  }

  /** For faults: a lost zone takes launches again. */
  restoreZone(zone: string): void {
    this.lostZones.delete(zone);
  }

  /** For tests: another behaviour of a scripted machine from now on. */
  script(instanceId: string, script: MachineScript): void {
    const { machine } = this.#known(instanceId);
    if (!(machine instanceof ScriptedMachine)) throw new Error(`${instanceId} has no scripted machine`);
    machine.become(script);
  }

  /** For tests: the program of a scripted machine ends by itself. */
  crash(instanceId: string): void {
    const { machine } = this.#known(instanceId);
    if (!(machine instanceof ScriptedMachine)) throw new Error(`${instanceId} has no scripted machine`);
    machine.crash();
  }

  /** Where the instance's service is reached on this host, whatever port it has in AWS. */
  addressOf(instanceId: string): Address | undefined {
    const instance = this.all.get(instanceId);
    return instance?.state === 'running' ? instance.machine?.address : undefined;
  }

  byPrivateIp(address: string): InstanceRecord | undefined {
    return [...this.all.values()].find((one) => one.privateIp === address && one.state !== 'terminated');
  }

  console(instance: InstanceRecord): Uint8Array {
    return instance.machine?.consoleTail() ?? instance.lastConsole;
  }

  hasVolume(volumeId: string): boolean {
    return [...this.all.values()].some((one) => one.volumeId === volumeId && one.state !== 'terminated');
  }

  /** Ends every machine; used when the region closes. */
  async close(): Promise<void> {
    this.#closed = true;
    await Promise.all([...this.all.values()].flatMap((one) => one.machine?.stop() ?? []));
    await this.#host.close();
  }

  #boot(instance: InstanceRecord): void {
    if (instance.state !== 'pending' || this.#closed) return;
    const image = this.#images.get(instance.spec.imageId);
    const snapshotId = image?.BlockDeviceMappings?.find((one) => one.DeviceName === image.RootDeviceName)?.Ebs
      ?.SnapshotId;
    const snapshot = this.#snapshots.all.get(snapshotId ?? '');
    if (image === undefined || snapshot === undefined) {
      // The image went while the instance was starting.
      this.terminate(instance, 'service');
      instance.stateReason = {
        Code: 'Server.InternalError',
        Message: 'Server.InternalError: Internal error on launch',
      };
      return;
    }
    const launch: MachineLaunch = {
      instanceId: instance.instanceId,
      imageId: instance.spec.imageId,
      disk: this.#snapshots.disk(snapshot),
      tags: Object.fromEntries(this.#tags.list(instance.instanceId).map((tag) => [tag.Key, tag.Value])),
      onExit: () => this.#poweredOff(instance),
      onChange: () => this.#changed(instance, false),
    };
    const script = this.machines?.(image, instance);
    instance.machine =
      script === undefined
        ? new NativeMachine(this.#context.clock, this.#host, launch)
        : new ScriptedMachine(this.#context.clock, launch, script);
    instance.state = 'running';
    instance.consoleAt = this.#context.clock.now();
    instance.machine.start();
    this.#changed(instance, true);
  }

  /**
   * The program ended. A unikernel powers off then, whatever the exit code, which EC2 takes as a shutdown from
   * inside: the instance stops, or is terminated where InstanceInitiatedShutdownBehavior says so.
   * https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/Using_ChangingInstanceInitiatedShutdownBehavior.html
   */
  #poweredOff(instance: InstanceRecord): void {
    if (instance.state !== 'running' || this.#closed) return;
    if (instance.spec.shutdownBehavior === 'terminate') {
      this.terminate(instance, 'itself');
      return;
    }
    instance.state = 'stopping';
    instance.stateReason = shutdownByItself;
    const gone = this.#unplug(instance);
    this.#changed(instance, true);
    void this.#context.clock.hold(gone).then(() => {
      this.#context.clock.after(stopMs, () => {
        if (instance.state !== 'stopping') return;
        instance.state = 'stopped';
        this.#changed(instance, true);
      });
    });
  }

  async #unplug(instance: InstanceRecord): Promise<void> {
    const { machine } = instance;
    if (machine === undefined) return;
    await machine.stop();
    instance.lastConsole = machine.consoleTail();
    instance.consoleAt = this.#context.clock.now();
    instance.machine = undefined;
  }

  #changed(instance: InstanceRecord, transition: boolean): void {
    for (const listener of this.#listeners) listener(instance);
    if (!transition || this.#closed) return;
    // https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/monitoring-instance-state-changes.html
    this.#context.hooks.publish({
      source: 'aws.ec2',
      detailType: 'EC2 Instance State-change Notification',
      resources: [arn(this.#context, 'ec2', `instance/${instance.instanceId}`)],
      detail: { 'instance-id': instance.instanceId, state: instance.state },
    });
  }

  #known(instanceId: string): InstanceRecord {
    const instance = this.all.get(instanceId);
    if (instance === undefined) throw new Error(`There is no instance ${instanceId}`);
    return instance;
  }
}

const shutdownByItself = {
  Code: 'Client.InstanceInitiatedShutdown',
  Message: 'Client.InstanceInitiatedShutdown: Instance initiated shutdown',
};

function isoSecond(at: number): string {
  return new Date(at).toISOString().slice(0, 19).replace('T', ' ');
}
