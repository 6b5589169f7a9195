/** What Auto Scaling keeps over restarts: groups with their members and activities. */
import { mapOf, type Persistent, single } from '../../state/persistent.ts';
import type { Reconciler } from './reconciler.ts';
import type { AutoScalingState, GroupRecord, Member, MutableActivity } from './state.ts';
import type { TargetTracking } from './target-tracking.ts';

/** Instances belong to EC2 and activities to the group: members name both by id. */
type SavedMember = Omit<Member, 'instance' | 'launch' | 'leave' | 'timers'> & {
  readonly launch: string;
  readonly leave: string | undefined;
};
type SavedGroup = Omit<GroupRecord, 'members' | 'timer'> & { readonly members: Map<string, SavedMember> };

function saveMember({ instance: _instance, timers: _timers, launch, leave, ...rest }: Member): SavedMember {
  return { ...rest, launch: launch.ActivityId, leave: leave?.ActivityId };
}

function saveGroup({ timer: _timer, members, ...rest }: GroupRecord): SavedGroup {
  return { ...rest, members: new Map([...members].map(([id, member]) => [id, saveMember(member)])) };
}

export function persistentAutoScaling(
  state: AutoScalingState,
  reconciler: Reconciler,
  tracking: TargetTracking,
): Persistent {
  function loadGroup(saved: SavedGroup): GroupRecord {
    const activity = (id: string): MutableActivity => {
      const found = saved.activities.find(({ ActivityId }) => ActivityId === id);
      // Old ones are dropped from the list while their member lives.
      return (
        found ?? {
          ActivityId: id,
          AutoScalingGroupName: saved.name,
          Cause: '',
          StartTime: new Date(0),
          StatusCode: 'Successful',
          EndTime: new Date(0),
        }
      );
    };
    const members = [...saved.members].map(([id, member]): [string, Member] => {
      const instance = state.ec2.instances.all.get(id);
      if (instance === undefined) throw new Error(`There is no instance ${id} of the group ${saved.name}`);
      const leave = member.leave === undefined ? undefined : activity(member.leave);
      return [id, { ...member, instance, launch: activity(member.launch), leave, timers: {} }];
    });
    return { ...saved, members: new Map(members), timer: undefined };
  }

  return {
    name: 'autoscaling',
    version: 1,
    collections: [
      mapOf<GroupRecord>('groups', state.groups, { save: saveGroup, load: loadGroup }),
      single(
        'past-activities',
        () => state.pastActivities,
        (activities) => void state.pastActivities.push(...activities),
      ),
      single(
        'quotas',
        () => state.quotas.groups.value,
        (value) => {
          state.quotas.groups.value = value;
        },
      ),
    ],
    resume() {
      for (const group of [...state.groups.values()]) {
        reconciler.resume(group);
        tracking.resume(group);
      }
    },
  };
}
