/** What goes wrong with instances, on request: the region's fault API and tests call these, nobody else does. */
import type { Context } from '../../context.ts';
import { arn } from '../../context.ts';
import type { MachineScript } from '../../machines/scripted.ts';
import { ScriptedMachine } from '../../machines/scripted.ts';
import { AwsError } from '../../service.ts';
import type { Shortage } from './capacity.ts';
import type { InstanceRecord } from './instance-record.ts';
import { isUp, stateReasons } from './instance-record.ts';
import type { Instances } from './instances.ts';

/** "A Spot Instance interruption notice is a warning that is issued two minutes before". */
const noticeMs = 120_000;

/** How EC2 tells that a Spot Instance is likely to go, or will go in two minutes. */
export type SpotSignal = 'rebalance-recommendation' | 'interruption-notice';

export class Outages {
  readonly #context: Context;
  readonly #instances: Instances;
  readonly #listeners: ((instance: InstanceRecord, signal: SpotSignal) => void)[] = [];

  constructor(context: Context, instances: Instances) {
    this.#context = context;
    this.#instances = instances;
  }

  /** Calls back on each signal of the Spot market. */
  onSpotSignal(listener: (instance: InstanceRecord, signal: SpotSignal) => void): void {
    this.#listeners.push(listener);
  }

  /** The host under the instance dies, without a word to the program. EC2 terminates it and says why. */
  kill(instanceId: string): void {
    this.#instances.terminate(this.#known(instanceId), stateReasons.host);
  }

  /** The program of a scripted machine ends by itself. */
  crash(instanceId: string): void {
    this.#scripted(instanceId).crash();
  }

  /** Another behaviour of a scripted machine from now on. */
  script(instanceId: string, script: MachineScript): void {
    this.#scripted(instanceId).become(script);
  }

  /** A zone fails: what runs there dies, and nothing launches there until it is restored. */
  loseZone(zone: string): void {
    this.withhold({ zone });
    for (const one of [...this.#instances.all.values()])
      if (one.spec.subnet.zone === zone && isUp(one)) this.kill(one.instanceId);
  }

  restoreZone(zone: string): void {
    this.release({ zone });
  }

  /** No capacity in a pool from now on; what runs there goes on. */
  withhold(shortage: Shortage): void {
    this.#instances.shortages.push(shortage);
  }

  /** Ends what was withheld by an equal call. */
  release(shortage: Shortage): void {
    const { shortages } = this.#instances;
    const index = shortages.findIndex(
      (one) => one.zone === shortage.zone && one.type === shortage.type && one.market === shortage.market,
    );
    if (index >= 0) shortages.splice(index, 1);
  }

  /**
   * EC2 finds that a Spot Instance is at an elevated risk of interruption. Nothing ends by it.
   * https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/rebalance-recommendations.html
   */
  recommendRebalance(instanceId: string): void {
    const instance = this.#spot(instanceId);
    instance.rebalanceRecommendedAt = this.#context.clock.now();
    this.#context.hooks.publish({
      source: 'aws.ec2',
      detailType: 'EC2 Instance Rebalance Recommendation',
      resources: [arn(this.#context, 'ec2', `instance/${instanceId}`)],
      detail: { 'instance-id': instanceId },
    });
    for (const listener of this.#listeners) listener(instance, 'rebalance-recommendation');
  }

  /**
   * EC2 takes a Spot Instance back: the notice now, the end two minutes later.
   * https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/spot-instance-termination-notices.html
   */
  interruptSpot(instanceId: string): void {
    const instance = this.#spot(instanceId);
    if (instance.interruptedAt !== undefined || !isUp(instance)) return;
    instance.interruptedAt = this.#context.clock.now() + noticeMs;
    this.#context.hooks.publish({
      source: 'aws.ec2',
      detailType: 'EC2 Spot Instance Interruption Warning',
      // "This format differs from the EC2 resource ARN format": a zone, and no account.
      resources: [`arn:aws:ec2:${instance.spec.subnet.zone}:instance/${instanceId}`],
      detail: { 'instance-id': instanceId, 'instance-action': 'terminate' },
    });
    this.resume(instance);
    for (const listener of this.#listeners) listener(instance, 'interruption-notice');
  }

  /** Sets the timer that follows from an instance's interruption notice. */
  resume(instance: InstanceRecord): void {
    if (instance.interruptedAt === undefined || !isUp(instance)) return;
    this.#context.clock.after(instance.interruptedAt - this.#context.clock.now(), () =>
      this.#instances.terminate(instance, stateReasons.spot),
    );
  }

  /** The status checks of a running instance fail; its program goes on. */
  impair(instanceId: string): void {
    const instance = this.#known(instanceId);
    instance.impairedSince ??= this.#context.clock.now();
    this.#instances.tell(instance);
  }

  /** The status checks pass again. */
  recover(instanceId: string): void {
    const instance = this.#known(instanceId);
    instance.impairedSince = undefined;
    this.#instances.tell(instance);
  }

  #known(instanceId: string): InstanceRecord {
    const instance = this.#instances.all.get(instanceId);
    if (instance === undefined) {
      throw new AwsError('InvalidInstanceID.NotFound', `The instance ID '${instanceId}' does not exist`);
    }
    return instance;
  }

  #spot(instanceId: string): InstanceRecord {
    const instance = this.#known(instanceId);
    if (instance.spec.market !== 'spot') {
      throw new AwsError('IncorrectInstanceState', `${instanceId} is no Spot Instance`);
    }
    return instance;
  }

  #scripted(instanceId: string): ScriptedMachine {
    const { machine } = this.#known(instanceId);
    if (!(machine instanceof ScriptedMachine)) throw new Error(`${instanceId} has no scripted machine`);
    return machine;
  }
}
