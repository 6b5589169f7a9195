/** Status checks. https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/monitoring-system-instance-status-check.html */
import type {
  DescribeInstanceStatusRequest,
  DescribeInstanceStatusResult,
  InstanceStatus,
} from '@aws-sdk/client-ec2';
import type { Operation } from '../../service.ts';
import { page } from '../paging.ts';
import { badToken } from './errors.ts';
import { passes } from './filters.ts';
import { instanceFilter, selectedInPages } from './instance-operations.ts';
import type { InstanceRecord } from './instance-record.ts';
import { stateCodes } from './instance-record.ts';
import type { Ec2State } from './state.ts';
import { describeAccess } from './state.ts';

/** Status checks say "initializing" for the first minutes. */
const initializingMs = 120_000;

export function instanceStatusOperations(state: Ec2State) {
  const { clock } = state.context;

  const describe = (one: InstanceRecord): InstanceStatus => {
    const [Status, check] =
      one.state !== 'running'
        ? (['not-applicable', undefined] as const)
        : one.impairedSince !== undefined
          ? (['impaired', 'failed'] as const)
          : clock.now() - one.launchedAt < initializingMs
            ? (['initializing', 'initializing'] as const)
            : (['ok', 'passed'] as const);
    const ImpairedSince =
      check === 'failed' && one.impairedSince !== undefined ? new Date(one.impairedSince) : undefined;
    const Details =
      check === undefined ? [] : [{ Name: 'reachability' as const, Status: check, ImpairedSince }];
    return {
      InstanceId: one.instanceId,
      AvailabilityZone: one.spec.subnet.zone,
      InstanceState: { Name: one.state, Code: stateCodes[one.state] },
      InstanceStatus: { Status, Details },
      // The hosts are well: what is impaired here is the instance.
      SystemStatus:
        check === 'failed'
          ? { Status: 'ok', Details: [{ Name: 'reachability', Status: 'passed' }] }
          : { Status, Details },
    };
  };

  const DescribeInstanceStatus: Operation<DescribeInstanceStatusRequest, DescribeInstanceStatusResult> = {
    access: describeAccess('DescribeInstanceStatus'),
    run(input) {
      const found = selectedInPages(state, input).filter(
        (one) =>
          (input.IncludeAllInstances === true || one.state === 'running') &&
          passes(input.Filters, (name) => {
            if (name === 'instance-status.status') return describe(one).InstanceStatus?.Status;
            if (name === 'system-status.status') return describe(one).SystemStatus?.Status;
            return instanceFilter(state, one, name);
          }),
      );
      const shown = page(found, (one) => one.instanceId, input.MaxResults ?? 100, input.NextToken, badToken);
      return { InstanceStatuses: shown.items.map(describe), NextToken: shown.nextToken };
    },
  };

  return { DescribeInstanceStatus };
}
