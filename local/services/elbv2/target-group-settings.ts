/** What may be said of a target group, checked. */
import type {
  CreateTargetGroupInput,
  ModifyTargetGroupInput,
} from '@aws-sdk/client-elastic-load-balancing-v2';
import { AwsError } from '../../service.ts';
import type { TargetGroupRecord } from './state.ts';
import { validation } from './state.ts';

/** https://docs.aws.amazon.com/elasticloadbalancing/latest/application/load-balancer-target-groups.html#target-group-attributes */
export const defaultAttributes: readonly (readonly [string, string])[] = [
  ['deregistration_delay.timeout_seconds', '300'],
  ['stickiness.enabled', 'false'],
  ['stickiness.type', 'lb_cookie'],
  ['stickiness.lb_cookie.duration_seconds', '86400'],
  ['slow_start.duration_seconds', '0'],
  ['load_balancing.algorithm.type', 'round_robin'],
  ['load_balancing.cross_zone.enabled', 'use_load_balancer_configuration'],
];

type Check = TargetGroupRecord['check'];

/** https://docs.aws.amazon.com/elasticloadbalancing/latest/APIReference/API_CreateTargetGroup.html */
export const defaultCheck: Readonly<Check> = {
  path: '/',
  port: 'traffic-port',
  intervalSeconds: 30,
  timeoutSeconds: 5,
  healthyThreshold: 5,
  unhealthyThreshold: 2,
  matcher: '200',
};

/**
 * The settings of health checks that the input names. "If the target type is instance, ip, or alb, health checks are
 * always enabled and can't be disabled."
 * @throws ValidationError
 */
export function checkOf(input: CreateTargetGroupInput | ModifyTargetGroupInput): Partial<Check> {
  if (input.HealthCheckEnabled === false)
    throw validation('Health checks of this target type cannot be disabled');
  if ((input.HealthCheckProtocol ?? 'HTTP') !== 'HTTP') {
    throw validation('The local region checks targets by HTTP only');
  }
  const given = {
    path: input.HealthCheckPath,
    port: input.HealthCheckPort,
    intervalSeconds: input.HealthCheckIntervalSeconds,
    timeoutSeconds: input.HealthCheckTimeoutSeconds,
    healthyThreshold: input.HealthyThresholdCount,
    unhealthyThreshold: input.UnhealthyThresholdCount,
    matcher: input.Matcher?.HttpCode,
  };
  return Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined));
}

/**
 * Codes and ranges of codes: "For Application Load Balancers, you can specify values between 200 and 499".
 * https://docs.aws.amazon.com/elasticloadbalancing/latest/APIReference/API_Matcher.html
 */
const matchesCodes = /^[2-4]\d\d(-[2-4]\d\d)?(,[2-4]\d\d(-[2-4]\d\d)?)*$/;

/** @throws ValidationError */
export function validateCheck(check: Check): void {
  const within = (value: number, low: number, high: number, what: string): void => {
    if (value < low || value > high) throw validation(`${what} must be between ${low} and ${high}`);
  };
  within(check.intervalSeconds, 5, 300, 'Health check interval');
  within(check.timeoutSeconds, 2, 120, 'Health check timeout');
  within(check.healthyThreshold, 2, 10, 'Healthy threshold count');
  within(check.unhealthyThreshold, 2, 10, 'Unhealthy threshold count');
  if (check.timeoutSeconds >= check.intervalSeconds) {
    throw validation('Health check timeout must be smaller than the interval');
  }
  if (!check.path.startsWith('/') || check.path.length > 1_024)
    throw validation(`Health check path '${check.path}' is not valid`);
  if (!matchesCodes.test(check.matcher)) {
    throw validation(`Health check matcher HTTP code '${check.matcher}' is not valid`);
  }
}

/** @throws ValidationError for what AWS does not know, or the region does not do */
export function checkAttribute(key: string, value: string): void {
  const refuse = (): never => {
    throw validation(`Target group attribute value '${value}' of '${key}' is not valid in the local region`);
  };
  // Not `Number` alone, for which an empty text is zero.
  const seconds = /^\d+$/.test(value) ? Number(value) : Number.NaN;
  switch (key) {
    case 'deregistration_delay.timeout_seconds':
      if (!(seconds <= 3_600)) refuse();
      return;
    case 'stickiness.enabled':
      if (value !== 'true' && value !== 'false') refuse();
      return;
    case 'stickiness.type':
      if (value !== 'lb_cookie') refuse();
      return;
    case 'stickiness.lb_cookie.duration_seconds':
      if (!(seconds >= 1 && seconds <= 604_800)) refuse();
      return;
    case 'slow_start.duration_seconds':
      if (seconds !== 0 && !(seconds >= 30 && seconds <= 900)) refuse();
      return;
    case 'load_balancing.algorithm.type':
      if (value !== 'round_robin' && value !== 'least_outstanding_requests') refuse();
      return;
    case 'load_balancing.cross_zone.enabled':
      if (!['use_load_balancer_configuration', 'true', 'false'].includes(value)) refuse();
      return;
    default:
      throw validation(`Target group attribute key '${key}' is not recognized`);
  }
}

/** What excludes each other. @throws InvalidConfigurationRequest */
export function checkTogether(attributes: ReadonlyMap<string, string>): void {
  const slow = attributes.get('slow_start.duration_seconds') !== '0';
  if (slow && attributes.get('load_balancing.algorithm.type') === 'least_outstanding_requests') {
    throw new AwsError(
      'InvalidConfigurationRequest',
      'Slow start and the algorithm least_outstanding_requests cannot be enabled together',
    );
  }
  // https://docs.aws.amazon.com/elasticloadbalancing/latest/application/edit-target-group-attributes.html#target-group-cross-zone
  const zonal = attributes.get('load_balancing.cross_zone.enabled') === 'false';
  if (zonal && attributes.get('stickiness.enabled') === 'true') {
    throw new AwsError(
      'InvalidConfigurationRequest',
      'Stickiness is not supported when cross-zone load balancing is off',
    );
  }
}
