/** EC2 Auto Scaling. https://docs.aws.amazon.com/autoscaling/ec2/APIReference/Welcome.html */
import type { Context } from '../../context.ts';
import type { Service } from '../../service.ts';
import type { Persistent } from '../../state/persistent.ts';
import type { CloudWatch } from '../cloudwatch/cloudwatch.ts';
import type { Ec2 } from '../ec2/ec2.ts';
import type { Elbv2 } from '../elbv2/elbv2.ts';
import { capacityOperations } from './capacity.ts';
import { groupOperations } from './groups.ts';
import { hookOperations } from './hooks.ts';
import { memberOperations } from './members.ts';
import { persistentAutoScaling } from './persistent.ts';
import { policyOperations } from './policies.ts';
import { processOperations } from './processes.ts';
import { Reconciler } from './reconciler.ts';
import { AutoScalingState } from './state.ts';
import { targetGroupOperations } from './target-groups.ts';
import { TargetTracking } from './target-tracking.ts';

export interface AutoScaling {
  readonly service: Service;
  readonly state: AutoScalingState;
  readonly persistent: Persistent;
}

export function createAutoScaling(
  context: Context,
  parts: { ec2: Ec2; elbv2: Elbv2; cloudwatch: CloudWatch },
): AutoScaling {
  const state = new AutoScalingState(context, parts.ec2, parts.elbv2);
  const reconciler = new Reconciler(state);
  const tracking = new TargetTracking(state, parts.cloudwatch, reconciler);
  // A group that goes takes the alarms of its policies along.
  reconciler.onRemoved((group) => {
    for (const policy of group.policies.values()) tracking.dropAlarms(policy);
  });
  reconciler.onChanged((group) => tracking.changed(group));
  return {
    service: {
      id: 'autoscaling',
      operations: {
        ...groupOperations(state, reconciler),
        ...capacityOperations(state, reconciler),
        ...memberOperations(state, reconciler),
        ...targetGroupOperations(state),
        ...processOperations(state, reconciler),
        ...hookOperations(state, reconciler.waits),
        ...policyOperations(state, tracking),
      },
    },
    state,
    persistent: persistentAutoScaling(state, reconciler, tracking),
  };
}
