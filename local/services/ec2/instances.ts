/** Instances and their life. https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/ec2-instance-lifecycle.html */
import type { Image } from '@aws-sdk/client-ec2';
import type { Context } from '../../context.ts';
import { arn } from '../../context.ts';
import { prepareBoot } from '../../machines/boot.ts';
import type { Address, MachineLaunch } from '../../machines/machine.ts';
import { NativeHost } from '../../machines/native-host.ts';
import { ProcessMachine } from '../../machines/process-machine.ts';
import type { MachineScript } from '../../machines/scripted.ts';
import { ScriptedMachine } from '../../machines/scripted.ts';
import type { AwsError } from '../../service.ts';
import type { Snapshots } from '../ebs/snapshots.ts';
import type { Shortage } from './capacity.ts';
import { requireCapacity } from './capacity.ts';
import type { InstanceRecord, StateReason } from './instance-record.ts';
import { reason, stateReasons, transitionReason } from './instance-record.ts';
import type { LaunchSpec } from './launch.ts';
import type { Network } from './network.ts';
import type { Ec2Quotas } from './quotas.ts';
import type { Tag, TagStore } from './tag-store.ts';

/** Pending until the host is found and the volume made. */
const pendingMs = 2_000;
const stopMs = 1_000;
/** "Terminated instances remain visible after termination for approximately one hour." */
const shownAfterTerminationMs = 3_600_000;

/** Chooses a script for an instance, or undefined to run the program of the image as a process. */
export type MachineChoice = (image: Image, instance: InstanceRecord) => MachineScript | undefined;

interface InstanceParts {
  readonly network: Network;
  readonly tags: TagStore;
  readonly snapshots: Snapshots;
  readonly quotas: Ec2Quotas;
}

export class Instances {
  readonly all = new Map<string, InstanceRecord>();
  /** For tests: an error that a launch fails with. */
  refuseLaunch: ((spec: LaunchSpec) => AwsError | undefined) | undefined;
  machines: MachineChoice | undefined;
  /** The role of an instance profile, with its path; there is no service that makes either. */
  roleOfProfile = (profile: string): string => `flotilla/${profile}`;
  /** Pools without capacity; see {@link Outages}. */
  readonly shortages: Shortage[] = [];
  readonly #context: Context;
  readonly #parts: InstanceParts;
  readonly #host = new NativeHost();
  readonly #listeners: ((instance: InstanceRecord) => void)[] = [];
  #closed = false;

  constructor(context: Context, parts: InstanceParts) {
    this.#context = context;
    this.#parts = parts;
  }

  /** Calls back on each change of state, and whenever an instance may answer a health check differently. */
  onChange(listener: (instance: InstanceRecord) => void): void {
    this.#listeners.push(listener);
  }

  /**
   * Starts `count` instances alike; all or none.
   * @throws VcpuLimitExceeded, MaxSpotInstanceCountExceeded, InsufficientInstanceCapacity, or what a fault says
   */
  launch(
    spec: LaunchSpec,
    count: number,
    clientToken?: string,
    extraTags: readonly Tag[] = [],
  ): InstanceRecord[] {
    const refusal = this.refuseLaunch?.(spec);
    if (refusal !== undefined) throw refusal;
    const { quotas, network, tags } = this.#parts;
    const { random, clock, zones } = this.#context;
    requireCapacity(spec, count, { instances: this.all.values(), quotas, shortages: this.shortages, zones });
    const reservationId = `r-0${random.hex(16)}`;
    return Array.from({ length: count }, (_, launchIndex) => {
      const instance: InstanceRecord = {
        instanceId: `i-0${random.hex(16)}`,
        reservationId,
        spec,
        volumeId: `vol-0${random.hex(16)}`,
        interfaceId: `eni-0${random.hex(16)}`,
        privateIp: network.takeAddress(spec.subnet),
        launchedAt: clock.now(),
        clientToken,
        launchIndex,
        spotRequestId:
          spec.market === 'spot'
            ? `sir-${random.text(8, 'abcdefghijklmnopqrstuvwxyz0123456789')}`
            : undefined,
        state: 'pending',
        stateReason: undefined,
        transitionReason: '',
        changesAt: clock.now() + pendingMs,
        impairedSince: undefined,
        interruptedAt: undefined,
        rebalanceRecommendedAt: undefined,
        machine: undefined,
        lastConsole: new Uint8Array(),
        consoleAt: clock.now(),
      };
      this.all.set(instance.instanceId, instance);
      tags.set(instance.instanceId, [...spec.instanceTags, ...extraTags]);
      tags.set(instance.volumeId, spec.volumeTags);
      this.resume(instance);
      this.#changed(instance, true);
      return instance;
    });
  }

  /** Shuts an instance down for good. Repeating it does nothing. */
  terminate(instance: InstanceRecord, why: StateReason = stateReasons.user): void {
    if (instance.state === 'shutting-down' || instance.state === 'terminated') return;
    this.#shutDown(instance, 'shutting-down', why);
  }

  /** Sets the timer for what follows from an instance's state and {@link InstanceRecord.changesAt}. */
  resume(instance: InstanceRecord): void {
    if (instance.changesAt === undefined) return;
    const { state } = instance;
    this.#context.clock.after(instance.changesAt - this.#context.clock.now(), () => {
      if (instance.state !== state || this.#closed) return;
      instance.changesAt = undefined;
      if (state === 'pending') this.#boot(instance);
      else if (state === 'stopping') this.#settle(instance, 'stopped');
      else if (state === 'shutting-down') {
        instance.changesAt = this.#context.clock.now() + shownAfterTerminationMs;
        this.#parts.network.releaseAddress(instance.privateIp);
        this.#settle(instance, 'terminated');
        this.resume(instance);
      } else if (state === 'terminated') {
        this.all.delete(instance.instanceId);
        this.#parts.tags.forget(instance.instanceId);
        this.#parts.tags.forget(instance.volumeId);
      }
    });
  }

  /**
   * Starts what ran when the region went down: its host lost power. EC2 recovers an instance from that by itself, on
   * another host: it is the same instance with the same id, addresses and volumes, its memory lost.
   * https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/instance-configuration-recovery.html
   */
  recover(instance: InstanceRecord): void {
    if (instance.state === 'running') this.#power(instance);
    else if (instance.changesAt !== undefined) this.resume(instance);
    // It had been told to go, and its machine is gone with the region.
    else if (instance.state === 'stopping' || instance.state === 'shutting-down') {
      instance.changesAt = this.#context.clock.now() + stopMs;
      this.resume(instance);
    }
  }

  /** Tells everyone to look at an instance again, whose state is the same. */
  tell(instance: InstanceRecord): void {
    this.#changed(instance, false);
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
    if (this.#power(instance)) this.#settle(instance, 'running');
  }

  /** Gives it a machine, and starts that. @returns false where its disk is gone; it is terminated then. */
  #power(instance: InstanceRecord): boolean {
    const { image, rootSnapshotId } = instance.spec;
    const snapshot = this.#parts.snapshots.all.get(rootSnapshotId);
    if (snapshot === undefined) {
      // The image and its snapshot went while the instance was starting.
      this.terminate(instance, stateReasons.noSnapshot);
      return false;
    }
    const launch: MachineLaunch = {
      instanceId: instance.instanceId,
      imageId: instance.spec.imageId,
      disk: this.#parts.snapshots.disk(snapshot),
      tags: Object.fromEntries(this.#parts.tags.list(instance.instanceId).map((tag) => [tag.Key, tag.Value])),
      architecture: instance.spec.type.architecture,
      memoryMiB: instance.spec.type.memoryMiB,
      onExit: (why) => this.#poweredOff(instance, why),
      onChange: () => this.#changed(instance, false),
    };
    const script = this.machines?.(image, instance);
    instance.machine =
      script === undefined
        ? new ProcessMachine(this.#context.clock, this.#host, launch, prepareBoot)
        : new ScriptedMachine(this.#context.clock, launch, script);
    instance.consoleAt = this.#context.clock.now();
    instance.machine.start();
    return true;
  }

  /**
   * The program ended. A unikernel powers off then, whatever the exit code, which EC2 takes as a shutdown from
   * inside: the instance stops, or is terminated where InstanceInitiatedShutdownBehavior says so; a Spot Instance
   * of a one-time request is terminated in any case.
   * https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/Using_ChangingInstanceInitiatedShutdownBehavior.html
   */
  #poweredOff(instance: InstanceRecord, why?: string): void {
    if (instance.state !== 'running' || this.#closed) return;
    if (why !== undefined) {
      this.terminate(instance, reason('Client.InternalError', `Client error on launch. ${why}`));
      return;
    }
    const { shutdownBehavior, market } = instance.spec;
    const goes = shutdownBehavior === 'terminate' || market === 'spot';
    this.#shutDown(instance, goes ? 'shutting-down' : 'stopping', stateReasons.itself);
  }

  #shutDown(instance: InstanceRecord, state: 'stopping' | 'shutting-down', why: StateReason): void {
    const { clock } = this.#context;
    instance.state = state;
    instance.stateReason = why;
    instance.transitionReason = transitionReason(why, clock.now());
    instance.changesAt = undefined;
    const gone = this.#unplug(instance);
    this.#changed(instance, true);
    void clock.hold(gone).then(() => {
      // It may have been terminated while it was stopping.
      if (instance.state !== state) return;
      instance.changesAt = clock.now() + stopMs;
      this.resume(instance);
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

  #settle(instance: InstanceRecord, state: 'running' | 'stopped' | 'terminated'): void {
    instance.state = state;
    this.#changed(instance, true);
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
}
