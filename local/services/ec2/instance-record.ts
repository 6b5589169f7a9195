/** What is known of an instance: plain data, from which every timer of its life follows. */
import type { InstanceStateName } from '@aws-sdk/client-ec2';
import type { Machine } from '../../machines/machine.ts';
import type { LaunchSpec } from './launch.ts';

export interface InstanceRecord {
  readonly instanceId: string;
  readonly reservationId: string;
  readonly spec: LaunchSpec;
  readonly volumeId: string;
  readonly interfaceId: string;
  readonly privateIp: string;
  readonly launchedAt: number;
  readonly clientToken: string | undefined;
  readonly launchIndex: number;
  /** Of Spot Instances. */
  readonly spotRequestId: string | undefined;
  state: InstanceStateName;
  stateReason: StateReason | undefined;
  transitionReason: string;
  /** When the state changes next by itself: pending, stopping, shutting-down and, when it is forgotten, terminated. */
  changesAt: number | undefined;
  /** Since when its status checks fail, if they do. */
  impairedSince: number | undefined;
  /** When the two minutes of a Spot interruption notice are over. */
  interruptedAt: number | undefined;
  /** When EC2 recommended to replace it, because an interruption is likely. */
  rebalanceRecommendedAt: number | undefined;
  machine: Machine | undefined;
  /** The console of a machine that is gone. */
  lastConsole: Uint8Array;
  consoleAt: number;
}

export interface StateReason {
  readonly Code: string;
  readonly Message: string;
}

/** https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_InstanceState.html */
export const stateCodes = {
  pending: 0,
  running: 16,
  'shutting-down': 32,
  terminated: 48,
  stopping: 64,
  stopped: 80,
} as const satisfies Record<InstanceStateName, number>;

/** Why an instance ends. https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_StateReason.html */
export const stateReasons = {
  user: reason('Client.UserInitiatedShutdown', 'User initiated shutdown'),
  itself: reason('Client.InstanceInitiatedShutdown', 'Instance initiated shutdown'),
  spot: reason('Server.SpotInstanceTermination', 'Spot instance termination'),
  noSnapshot: reason('Client.InvalidSnapshot.NotFound', 'The specified snapshot was not found'),
  /** A host that dies has no code of its own in AWS's list; this is the nearest. */
  host: reason('Server.InternalError', 'Internal error'),
} as const satisfies Record<string, StateReason>;

/** A reason that only the region has, such as a program that this machine lacks. */
export function reason(Code: string, text: string): StateReason {
  return { Code, Message: `${Code}: ${text}` };
}

/** As TerminateInstances and a shutdown from inside leave it: `User initiated (2026-01-01 00:00:00 GMT)`. */
export function transitionReason(why: StateReason, at: number): string {
  if (!why.Code.startsWith('Client.')) return why.Code;
  return `User initiated (${new Date(at).toISOString().slice(0, 19).replace('T', ' ')} GMT)`;
}

export function isUp(instance: InstanceRecord): boolean {
  return instance.state === 'pending' || instance.state === 'running';
}
