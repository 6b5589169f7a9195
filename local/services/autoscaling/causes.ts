/**
 * The causes of activities in AWS's words, as its pages and people's activity histories show them. Where no such
 * words are known, the sentence says so.
 * https://docs.aws.amazon.com/autoscaling/ec2/userguide/ec2-auto-scaling-verify-scaling-activity.html
 * https://repost.aws/knowledge-center/auto-scaling-instance-how-terminated
 */
import type { AutoScalingState } from './state.ts';

/** `At 2026-01-01T00:00:00Z …` as causes begin. */
export function at(state: AutoScalingState, what: string): string {
  return `At ${new Date(state.context.clock.now()).toISOString().slice(0, 19)}Z ${what}`;
}

export const tookOut = {
  stopped:
    'an instance was taken out of service in response to an EC2 health check indicating it has been terminated or stopped.',
  statusChecks: 'an instance was taken out of service in response to an EC2 instance status checks failure.',
  targets: 'an instance was taken out of service in response to an ELB system health check failure.',
  user: 'an instance was taken out of service in response to a user health-check.',
  // The words for these three are not published.
  lifetime: 'an instance was taken out of service in response to its maximum instance lifetime.',
  rebalance: 'an instance was taken out of service in response to an EC2 instance rebalance recommendation.',
  interruption:
    'an instance was taken out of service in response to an EC2 Spot Instance interruption notice.',
} as const;

export const broughtIn = {
  health: 'an instance was launched in response to an unhealthy instance needing to be replaced.',
  // Not published either.
  lifetime: 'an instance was launched in response to an instance that reached its maximum instance lifetime.',
  spot: 'an instance was launched in response to a Spot Instance that is at an elevated risk of interruption.',
} as const;

export function shrinking(from: number, to: number, taken: boolean): string {
  const verb = taken ? 'was taken out of service' : 'was started';
  const change = taken ? 'shrinking' : 'increasing';
  return `an instance ${verb} in response to a difference between desired and actual capacity, ${change} the capacity from ${from} to ${to}.`;
}

/** Causes are told one after the other, two spaces between them. */
export function told(...causes: readonly string[]): string {
  return causes.filter((one) => one !== '').join('  ');
}
