/** A rollout that is to be undone: live is blue, its candidate green, each with half of the traffic. */
import type { UndoWorld } from '../../../src/fleet/undo.ts';
import type { GroupView, SlotView, TargetView } from '../../../src/fleet/world.ts';

export const live = { release: 1, slot: 'blue' as const, groupName: 'flt-web-v1-r1' };
export const candidate = { release: 2, slot: 'green' as const, groupName: 'flt-web-v2-r2' };
export const arns = { 'arn:blue': 'blue', 'arn:green': 'green' } as const;

export function group(
  occupant: typeof live | typeof candidate,
  desired: number,
  minimum = desired,
): GroupView {
  return {
    name: occupant.groupName,
    release: occupant.release,
    rollout: occupant.release,
    minimum,
    desired,
    maximum: 4,
    targetGroupArns: [`arn:${occupant.slot}`],
    members: Array.from({ length: desired }, (_, index) => ({
      id: `i-${occupant.slot}-${index}`,
      lifecycleState: 'InService',
      healthStatus: 'Healthy',
    })),
    deleting: false,
  };
}

export const slot = (colour: string, healthy: number): SlotView => ({
  targets: Array.from(
    { length: healthy },
    (_, index): TargetView => ({ id: `i-${colour}-${index}`, state: 'healthy' }),
  ),
});

export function world(more: Partial<UndoWorld> = {}): UndoWorld {
  return {
    fleet: { live, warm: null, candidate, served: true, pins: [], weights: { blue: 50, green: 50 } },
    rule: { weights: { blue: 50, green: 50 }, foreign: [], sticky: false },
    slots: { blue: slot('blue', 2), green: slot('green', 2) },
    instances: { minimum: 1, desired: 3, maximum: 5 },
    groups: [group(live, 2), group(candidate, 2)],
    slotOfArn: arns,
    secondsSinceShift: 60,
    undoingSeconds: 60,
    lastCallSeconds: 10,
    ...more,
  };
}

export const rest = { rule: { weights: { blue: 100, green: 0 }, foreign: [], sticky: false } };
export const restFleet = {
  live,
  warm: null,
  candidate,
  served: true,
  pins: [],
  weights: { blue: 100, green: 0 },
};
