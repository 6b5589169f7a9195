/**
 * What every part of the region shares. `local/region.ts` makes one, hands it to each service, and fills the
 * hooks in as the services come up; a hook is used only once the region runs.
 */
import type { Clock } from './clock.ts';
import type { Lag } from './lag.ts';
import type { Random } from './random.ts';
import type { Principal } from './service.ts';

/** An event on the default EventBridge bus, as AWS services put it there. */
export interface RegionEvent {
  /** `aws.autoscaling`, `aws.states`, `aws.cloudwatch`, or the putter's own. */
  readonly source: string;
  readonly detailType: string;
  readonly detail: Readonly<Record<string, unknown>>;
  readonly resources?: readonly string[];
}

export interface Context {
  readonly clock: Clock;
  readonly random: Random;
  /** How late news arrives inside the region. */
  readonly lag: Lag;
  readonly accountId: string;
  /** `us-east-1` unless told otherwise. */
  readonly regionName: string;
  /** Availability zones by name. */
  readonly zones: readonly string[];
  /** Where bytes are kept that are too many for memory; below it each service has a folder of its own. */
  readonly dataDir: string;
  /**
   * Where regions leave for each other what follows from bytes alone and costs time to find out: unpacked packages,
   * definitions found whole. It may be emptied at any time.
   */
  readonly sharedDir?: string | undefined;
  /** `http://127.0.0.1:4566`: known once the front door listens. */
  readonly endpoint: () => string;
  readonly hooks: Hooks;
  /** There where the region's state outlives its process. */
  readonly keeping?: Keeping | undefined;
}

/** What a service may tell of its state where that is kept; what changed in it is found out without its help. */
export interface Keeping {
  /** Something may have changed without a call and without a timer. */
  touched(): void;
  /** Runs once all that is true now is written: for what may go only then, such as a file that nothing names now. */
  afterwards(run: () => void): void;
}

/** Calls from one service to another that are not API calls in AWS either. */
export interface Hooks {
  /** Puts an event on the default bus; delivery is asynchronous and at least once. */
  publish(event: RegionEvent): void;
  /**
   * Invokes a Lambda function asynchronously for a service (S3's notifications, EventBridge's targets).
   * The function's resource policy must allow `service` from `sourceArn`.
   */
  invokeAsync(functionArn: string, payload: unknown, service: string, sourceArn: string): void;
  /**
   * An API call made in the process, with the caller's rights: the same parsing of nothing, the same IAM,
   * the same log as a call on the wire. Input and output have the SDK's shapes.
   */
  call(service: string, operation: string, input: unknown, as: Principal, trace?: string): Promise<unknown>;
  /** Credentials for a session of a role; the caller has checked the trust policy. */
  sessionFor(roleArn: string, sessionName: string, seconds?: number): Promise<SessionCredentials>;
}

export interface SessionCredentials {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  readonly sessionToken: string;
  readonly expiration: Date;
}

/** `arn:aws:<service>:<region>:<account>:<rest>` in this region. */
export function arn(context: Context, service: string, rest: string): string {
  return `arn:aws:${service}:${context.regionName}:${context.accountId}:${rest}`;
}
