/** The one place through which every API call goes, from the wire or from inside: rights, operation, log. */
import { performance } from 'node:perf_hooks';
import { Replicas } from './consistency/replicas.ts';
import type { Context } from './context.ts';
import type { CallFaults } from './faults/calls.ts';
import type { Iam } from './iam/iam.ts';
import type { CallLog } from './look/log.ts';
import type { Onlookers } from './onlookers.ts';
import { type Access, AwsError, type Call, type Principal, type Service } from './service.ts';
import type { Throttles } from './throttling/throttles.ts';
import { protocolOf } from './wire/catalogue.ts';
import { checkConstraints } from './wire/constraints/refuse.ts';

export interface Caller {
  readonly principal: Principal;
  readonly requestId: string;
  readonly sourceIp: string;
  readonly userAgent: string;
  /** `X-Amzn-Trace-Id` of the request. */
  readonly trace?: string | undefined;
}

/** What is found out about a call while it runs. */
interface Seen {
  resource: string;
  readonly action: string;
  /** The kind of the fault that struck it. */
  fault?: string;
}
/** Operations that change nothing; of all others it is taken that they may. */
const onlyReads = /^(?:BatchGet|Describe|Filter|Get|Head|List|Query$|Scan$|Test|TransactGet|Validate)/;

export class Dispatcher {
  readonly #context: Context;
  readonly #iam: Iam;
  readonly #services: ReadonlyMap<string, Service>;
  readonly #log: CallLog;
  readonly #faults: CallFaults;
  readonly #throttles: Throttles;
  readonly #replicas: Replicas;
  readonly #onlookers: Onlookers;

  constructor(
    context: Context,
    iam: Iam,
    services: ReadonlyMap<string, Service>,
    log: CallLog,
    faults: CallFaults,
    throttles: Throttles,
    onlookers: Onlookers,
  ) {
    this.#context = context;
    this.#iam = iam;
    this.#services = services;
    this.#log = log;
    this.#faults = faults;
    this.#throttles = throttles;
    this.#onlookers = onlookers;
    this.#replicas = new Replicas(context.clock, context.lag);
  }

  /** Runs an operation with the caller's rights. @throws AwsError, whatever goes wrong. */
  async invoke(serviceId: string, operation: string, input: unknown, caller: Caller): Promise<unknown> {
    const start = performance.now();
    const begunAt = this.#context.clock.now();
    const seen: Seen = { resource: '*', action: `${serviceId}:${operation}` };
    try {
      const output = await this.#faults.around(
        serviceId,
        seen.action,
        caller.principal.arn,
        () => this.#run(serviceId, operation, input, caller, seen, begunAt),
        (kind) => {
          seen.fault = kind;
        },
      );
      this.#record(caller, seen, start, undefined);
      return output;
    } catch (thrown) {
      const error = asAwsError(thrown, seen.action);
      this.#record(caller, seen, start, error);
      throw error;
    }
  }

  async #run(
    serviceId: string,
    operation: string,
    input: unknown,
    caller: Caller,
    seen: Seen,
    begunAt: number,
  ): Promise<unknown> {
    const service = this.#services.get(serviceId);
    const found = service?.operations[operation];
    if (service === undefined || found === undefined) throw lacking(serviceId, operation);
    this.#throttles.admit(serviceId, operation, input, caller.principal);
    const authorize = (access: Access): void => {
      seen.resource = access.resources[0] ?? '*';
      const words = this.#iam.refusal(caller.principal, access, service.resourcePolicies);
      if (words !== undefined) throw denied(serviceId, words);
    };
    const call: Call = { ...caller, authorize };
    checkConstraints(serviceId, operation, input);
    for (const access of found.access(input as never)) authorize(access);
    // https://docs.aws.amazon.com/AWSEC2/latest/APIReference/CommonParameters.html
    if (serviceId === 'ec2' && (input as { DryRun?: boolean } | undefined)?.DryRun === true)
      throw new AwsError('DryRunOperation', 'Request would have succeeded, but DryRun flag is set.', 412);
    try {
      return await this.#replicas.around(
        service,
        operation,
        (input ?? {}) as Readonly<Record<string, unknown>>,
        caller.principal,
        async () => await this.#watched(seen.action, caller, begunAt, () => found.run(input as never, call)),
      );
    } finally {
      // One that failed may have changed something, too.
      if (!onlyReads.test(operation)) this.#context.keeping?.touched();
    }
  }

  /** Onlookers see what a call has done before anything else can happen. */
  #watched(action: string, caller: Caller, begunAt: number, run: () => unknown): unknown {
    if (this.#onlookers.none || onlyReads.test(action.slice(action.indexOf(':') + 1))) return run();
    const tell = (): void =>
      this.#onlookers.tell({ who: caller.principal.arn, action, trace: caller.trace, begunAt });
    let output: unknown;
    try {
      output = run();
    } catch (error) {
      tell();
      throw error;
    }
    if (output instanceof Promise) return output.finally(tell);
    tell();
    return output;
  }

  #record(caller: Caller, seen: Seen, start: number, error: AwsError | undefined): void {
    this.#log.add({
      at: this.#context.clock.now(),
      requestId: caller.requestId,
      who: caller.principal.arn,
      ...seen,
      ...(caller.trace === undefined ? {} : { trace: caller.trace }),
      outcome: error === undefined ? 'ok' : denialCodes.has(error.code) ? 'denied' : 'error',
      ...(error === undefined ? {} : { errorCode: error.code, message: error.message }),
      ms: Math.round((performance.now() - start) * 100) / 100,
    });
  }
}

const denialCodes = new Set(['AccessDenied', 'AccessDeniedException', 'UnauthorizedOperation']);

/** A refusal by IAM as each service words it. */
export function denied(serviceId: string, words: string): AwsError {
  switch (protocolOf(serviceId)) {
    case 'ec2Query':
      return new AwsError(
        'UnauthorizedOperation',
        `You are not authorized to perform this operation. ${words}`,
        403,
      );
    case 'awsQuery':
    case 'restXml':
      return new AwsError('AccessDenied', words, 403);
    case 'restJson':
      return new AwsError('AccessDeniedException', words, 403);
    default:
      return serviceId === 'monitoring'
        ? new AwsError('AccessDenied', words, 403)
        : new AwsError('AccessDeniedException', words, 400);
  }
}

/** The refusal of an operation that AWS has and the region lacks, by name. */
export function lacking(serviceId: string, operation: string): AwsError {
  const message = `The local region lacks ${serviceId}:${operation}.`;
  switch (protocolOf(serviceId)) {
    case 'ec2Query':
    case 'awsQuery':
      return new AwsError('InvalidAction', message, 400);
    case 'restXml':
      return new AwsError('NotImplemented', message, 501);
    default:
      return new AwsError('UnsupportedOperation', message, 400);
  }
}

function asAwsError(thrown: unknown, action: string): AwsError {
  if (thrown instanceof AwsError) return thrown;
  // A mistake of the region's own: it must be seen, not only answered.
  const detail = thrown instanceof Error ? (thrown.stack ?? thrown.message) : String(thrown);
  process.stderr.write(`local region: ${action} broke: ${detail}\n`);
  return new AwsError('InternalFailure', `The local region broke in ${action}: ${String(thrown)}`, 500);
}
