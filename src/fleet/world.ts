/**
 * What the decisions of this folder look at: the world as AWS tells it, reduced to what matters, with names in the
 * words of the project. `src/aws` translates into these shapes; nothing here calls anything.
 */
import type { SlotColour } from '../contracts/ids.ts';

/** Per cent of requests that each slot gets. */
export type Weights = Readonly<Record<SlotColour, number>>;

/** A fleet's listener rule as it stands. */
export interface RuleView {
  readonly weights: Weights;
  /** Target groups in the rule that are no slot of the fleet. */
  readonly foreign: readonly string[];
  /** Whether the rule's action keeps clients on one target group, which would defeat the weights. */
  readonly sticky: boolean;
}

/** One target of a slot as DescribeTargetHealth tells it. */
export interface TargetView {
  readonly id: string;
  /** A value of the SDK's TargetHealthStateEnum, or one that is newer than this code. */
  readonly state: string;
  /** A value of TargetHealthReasonEnum. */
  readonly reason?: string;
  readonly description?: string;
}

export interface SlotView {
  readonly targets: readonly TargetView[];
}

export type SlotViews = Readonly<Record<SlotColour, SlotView>>;

/**
 * Settings of a slot's target group that a plan depends on. That it checks health is none of them: "If the target type
 * is instance, ip, or alb, health checks are always enabled and cannot be disabled."
 * https://docs.aws.amazon.com/elasticloadbalancing/latest/APIReference/API_CreateTargetGroup.html
 */
export interface SlotSettings {
  readonly exists: boolean;
  readonly sticky: boolean;
}

/** One member of an Auto Scaling group. */
export interface MemberView {
  readonly id: string;
  readonly lifecycleState: string;
  readonly healthStatus: string;
}

export interface GroupView {
  readonly name: string;
  /** From its tags; absent where it has none. */
  readonly stack?: string;
  /** From its tags; 0 where a tag is missing. */
  readonly release: number;
  readonly rollout: number;
  readonly minimum: number;
  readonly desired: number;
  readonly maximum: number;
  readonly targetGroupArns: readonly string[];
  readonly members: readonly MemberView[];
  /** Set while AWS deletes the group. */
  readonly deleting: boolean;
}

/** One entry of DescribeScalingActivities. */
export interface ActivityView {
  readonly id: string;
  /** A value of the SDK's ScalingActivityStatusCode, or a newer one. */
  readonly status: string;
  readonly description: string;
  readonly cause: string;
  readonly message: string;
  /** Milliseconds since the epoch. */
  readonly startedAt: number;
}

export interface AlarmView {
  readonly name: string;
  readonly state: 'OK' | 'ALARM' | 'INSUFFICIENT_DATA';
  readonly reason: string;
  /** JSON: what it had measured when its state changed last. */
  readonly reasonData?: string;
  /** `AWS/ApplicationELB HTTPCode_Target_5XX_Count`; absent for metric math and composite alarms. */
  readonly metric?: string;
  /** A value of the SDK's ComparisonOperator. */
  readonly comparison?: string;
}

/** All that a decision about traffic or removal looks at. */
export interface TrafficWorld {
  readonly rule: RuleView;
  readonly slots: SlotViews;
}

/** How many of a slot's targets the load balancer calls healthy. */
export function healthyCount(slot: SlotView): number {
  return slot.targets.filter((target) => target.state === 'healthy').length;
}
