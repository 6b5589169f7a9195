/** One fleet at one moment, as the region and the table have it: read straight from memory, past IAM, lags and copies. */
import type { Region } from '../../../../local/region.ts';
import { targetGroupsOf } from '../../../../local/services/elbv2/state.ts';
import type { FleetItem } from '../../../../src/contracts/items.ts';

export const colours = ['blue', 'green'] as const;
export type Colour = (typeof colours)[number];
export type BySlot<T> = Readonly<Record<Colour, T>>;

export interface TargetState {
  readonly id: string;
  /** As DescribeTargetHealth would have it. */
  readonly state: string;
  /** Its machine runs. */
  readonly alive: boolean;
}

export interface MemberState {
  readonly id: string;
  readonly lifecycle: string;
  readonly imageId: string;
  readonly alive: boolean;
}

export interface GroupState {
  readonly name: string;
  readonly slots: readonly Colour[];
  readonly minimum: number;
  readonly desired: number;
  readonly maximum: number;
  readonly deleting: boolean;
  readonly members: readonly MemberState[];
}

/** What a node of the load balancer acts on, which may be old. */
export interface NodeState {
  readonly zone: string;
  readonly weights: BySlot<number>;
  /** Those to which it would send a request now. */
  readonly healthy: BySlot<readonly { readonly id: string; readonly alive: boolean }[]>;
}

export interface FleetState {
  readonly at: number;
  readonly item: FleetItem;
  readonly weights: BySlot<number>;
  /** Of the test listener's rule; undefined where the fleet has none. */
  readonly testWeights: BySlot<number> | undefined;
  readonly targets: BySlot<readonly TargetState[]>;
  /** Every Auto Scaling group with the fleet's tag. */
  readonly groups: readonly GroupState[];
  readonly nodes: readonly NodeState[];
}

export function healthyOf(state: FleetState, slot: Colour): number {
  return state.targets[slot].filter((target) => target.state === 'healthy' && target.alive).length;
}

export function groupOf(state: FleetState, name: string | undefined): GroupState | undefined {
  return state.groups.find((group) => group.name === name && !group.deleting);
}

function bySlot<T>(make: (slot: Colour) => T): BySlot<T> {
  return { blue: make('blue'), green: make('green') };
}

export function readFleetState(region: Region, item: FleetItem): FleetState {
  const { elbv2, autoscaling, ec2 } = region.parts;
  const at = region.context.clock.now();
  const arns = { blue: item.fixed.blueArn, green: item.fixed.greenArn };
  const alive = (id: string): boolean => ec2.instances.all.get(id)?.state === 'running';
  const weightsIn = (rule: { readonly actions: Parameters<typeof targetGroupsOf>[0] } | undefined) =>
    bySlot((slot) =>
      rule === undefined
        ? 0
        : targetGroupsOf(rule.actions)
            .filter((one) => one.arn === arns[slot])
            .reduce((sum, { weight }) => sum + weight, 0),
    );
  const rule = elbv2.state.rules.get(item.fixed.ruleArn);
  const listener = elbv2.state.listeners.get(item.fixed.listenerArn);
  return {
    at,
    item,
    weights: weightsIn(rule),
    testWeights:
      item.fixed.test === undefined ? undefined : weightsIn(elbv2.state.rules.get(item.fixed.test.ruleArn)),
    targets: bySlot((slot) =>
      [...(elbv2.state.targetGroups.get(arns[slot])?.targets.values() ?? [])].map((target) => ({
        id: target.id,
        state: target.health.State,
        alive: alive(target.id),
      })),
    ),
    groups: [...autoscaling.state.groups.values()]
      .filter((group) => group.tags.get('flotilla:fleet')?.value === item.fleet)
      .map((group) => ({
        name: group.name,
        slots: colours.filter((slot) => group.targetGroupArns.includes(arns[slot])),
        minimum: group.min,
        desired: group.desired,
        maximum: group.max,
        deleting: group.deleting,
        members: [...group.members.values()].map(({ instance, lifecycle }) => ({
          id: instance.instanceId,
          lifecycle,
          imageId: instance.spec.imageId,
          alive: instance.state === 'running',
        })),
      })),
    nodes: (listener?.loadBalancer.nodes ?? []).map((node) => ({
      zone: node.zone,
      weights: weightsIn(
        node.rules(item.fixed.listenerArn, at).find(({ arn }) => arn === item.fixed.ruleArn),
      ),
      healthy: bySlot((slot) =>
        node.targets(arns[slot], at).healthy.map(({ id }) => ({ id, alive: alive(id) })),
      ),
    })),
  };
}
