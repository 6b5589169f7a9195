/** One health check: asking a target, and what its answer means. */
import { request } from 'node:http';
import type { Address, ScriptedAnswer } from '../../machines/machine.ts';
import type { TargetGroupRecord, TargetRecord } from './state.ts';

/**
 * States with their reasons in AWS's words.
 * https://docs.aws.amazon.com/elasticloadbalancing/latest/APIReference/API_TargetHealth.html
 */
export const health = {
  registering: {
    State: 'initial',
    Reason: 'Elb.RegistrationInProgress',
    Description: 'Target registration is in progress',
  },
  initial: {
    State: 'initial',
    Reason: 'Elb.InitialHealthChecking',
    Description: 'Initial health checks in progress',
  },
  healthy: { State: 'healthy' },
  notInUse: {
    State: 'unused',
    Reason: 'Target.NotInUse',
    Description: 'Target group is not configured to receive traffic from the load balancer',
  },
  zoneNotEnabled: {
    State: 'unused',
    Reason: 'Target.NotInUse',
    Description: 'Target is in an Availability Zone that is not enabled for the load balancer',
  },
  draining: {
    State: 'draining',
    Reason: 'Target.DeregistrationInProgress',
    Description: 'Target deregistration is in progress',
  },
  stopped: { State: 'unused', Reason: 'Target.InvalidState', Description: 'Target is in the stopped state' },
  timeout: { State: 'unhealthy', Reason: 'Target.Timeout', Description: 'Request timed out' },
  failed: { State: 'unhealthy', Reason: 'Target.FailedHealthChecks', Description: 'Health checks failed' },
} as const satisfies Record<string, TargetRecord['health']>;

/** Whether the answer's status is one that the group's matcher names. */
export function judge(group: TargetGroupRecord, answer: ScriptedAnswer): TargetRecord['health'] {
  if (typeof answer !== 'number') return health.failed;
  const passed = group.check.matcher.split(',').some((range) => {
    const [low, high = low] = range.split('-').map(Number);
    return low !== undefined && high !== undefined && answer >= low && answer <= high;
  });
  if (passed) return health.healthy;
  return {
    State: 'unhealthy',
    Reason: 'Target.ResponseCodeMismatch',
    Description: `Health checks failed with these codes: [${answer}]`,
  };
}

/** Asks once, as the load balancer's health checker does. */
export function ask(
  address: Address,
  group: TargetGroupRecord,
  onTimeout: (run: () => void) => { cancel(): void },
): Promise<ScriptedAnswer> {
  return new Promise((resolve) => {
    const asking = request(
      {
        host: address.host,
        port: address.port,
        path: group.check.path,
        agent: false,
        headers: {
          host: `${address.host}:${address.port}`,
          'user-agent': 'ELB-HealthChecker/2.0',
          connection: 'close',
        },
      },
      (response) => {
        response.resume();
        timer.cancel();
        resolve(response.statusCode ?? 'refused');
      },
    );
    const timer = onTimeout(() => {
      resolve('timeout');
      asking.destroy();
    });
    asking.on('error', () => {
      timer.cancel();
      resolve('refused');
    });
    asking.end();
  });
}
