import { isDeepStrictEqual } from 'node:util';
import type {
  CreateStateMachineInput,
  LoggingConfiguration,
  Tag,
  UpdateStateMachineInput,
} from '@aws-sdk/client-sfn';
import { arn, type Context } from '../../context.ts';
import { AwsError } from '../../service.ts';
import { checkDefinition } from './check-definition.ts';
import type { Definition } from './definition.ts';
import type { Query } from './query.ts';

/** A machine at one moment; an update makes a new one, and executions keep theirs. */
export interface Machine {
  readonly arn: string;
  readonly name: string;
  readonly text: string;
  readonly definition: Definition;
  readonly roleArn: string;
  readonly createdAt: number;
  readonly updatedAt: number;
  readonly revisionId: string | undefined;
  readonly logging: CreateStateMachineInput['loggingConfiguration'];
  readonly tracing: CreateStateMachineInput['tracingConfiguration'];
}

/** https://docs.aws.amazon.com/step-functions/latest/dg/service-quotas.html */
const definitionBytes = 1024 * 1024;

/** Throws unless the name is one that Step Functions takes, for a machine or an execution. */
export function checkName(name: string): void {
  // https://docs.aws.amazon.com/step-functions/latest/apireference/API_StartExecution.html
  if (name.length < 1 || name.length > 80 || !/^[^\s<>{}[\]?*"#%\\^|~`$&,;:/\p{Cc}]+$/u.test(name)) {
    throw new AwsError('InvalidName', `Invalid Name: '${name}'`);
  }
}

/** What machines need of IAM. */
export interface MachineRoles {
  /** Whether Step Functions may assume a role for a machine. */
  trusted(roleArn: string, machineArn: string): boolean;
  /** Why a role may not do something that takes no resource. */
  refusal(roleArn: string, action: string): string | undefined;
}

/**
 * What the role of a machine with a log must be allowed to do, as Step Functions has the log delivered in its name.
 * https://docs.aws.amazon.com/step-functions/latest/dg/cw-logs.html
 */
const logDelivery = [
  'logs:CreateLogDelivery',
  'logs:GetLogDelivery',
  'logs:UpdateLogDelivery',
  'logs:DeleteLogDelivery',
  'logs:ListLogDeliveries',
  'logs:PutResourcePolicy',
  'logs:DescribeResourcePolicies',
  'logs:DescribeLogGroups',
];

export const noLogging = { level: 'OFF', includeExecutionData: false } as const;
export const noTracing = { enabled: false } as const;

/**
 * "CreateStateMachine's idempotency check is based on the state machine name, definition, type, LoggingConfiguration,
 * TracingConfiguration"; another role and other tags are ignored.
 * https://docs.aws.amazon.com/step-functions/latest/apireference/API_CreateStateMachine.html
 */
function sameMachine(before: Machine, input: CreateStateMachineInput): boolean {
  return (
    before.text === input.definition &&
    isDeepStrictEqual({ ...noLogging, ...before.logging }, { ...noLogging, ...input.loggingConfiguration }) &&
    isDeepStrictEqual({ ...noTracing, ...before.tracing }, { ...noTracing, ...input.tracingConfiguration })
  );
}

/** The machines by ARN. */
export class MachineStore {
  readonly #context: Context;
  readonly #query: Query;
  readonly #roles: MachineRoles;
  readonly machines = new Map<string, Machine>();
  readonly tags = new Map<string, Map<string, string>>();

  constructor(context: Context, query: Query, roles: MachineRoles) {
    this.#context = context;
    this.#query = query;
    this.#roles = roles;
  }

  arnOf(name: string | undefined): string {
    return arn(this.#context, 'states', `stateMachine:${name}`);
  }

  /** @throws AwsError StateMachineDoesNotExist, InvalidArn */
  find(machineArn: string | undefined): Machine {
    if (!machineArn?.startsWith('arn:aws:states:')) {
      throw new AwsError('InvalidArn', `Invalid Arn: '${machineArn}'`);
    }
    const machine = this.machines.get(machineArn);
    if (machine === undefined) {
      throw new AwsError('StateMachineDoesNotExist', `State Machine Does Not Exist: '${machineArn}'`);
    }
    return machine;
  }

  /** Repeatable: the same name with the same contents ({@link sameMachine}) answers with what there is. */
  async create(input: CreateStateMachineInput): Promise<Machine> {
    const name = input.name ?? '';
    checkName(name);
    if ((input.type ?? 'STANDARD') !== 'STANDARD') {
      throw new AwsError('StateMachineTypeNotSupported', 'The local region runs STANDARD machines alone.');
    }
    const text = input.definition ?? '';
    const definition = await this.#read(text);
    this.#checkRole(input.roleArn, this.arnOf(name), input.loggingConfiguration);
    const before = this.machines.get(this.arnOf(name));
    if (before !== undefined) {
      if (sameMachine(before, input)) return before;
      throw new AwsError('StateMachineAlreadyExists', `State Machine Already Exists: '${before.arn}'`);
    }
    const now = this.#context.clock.now();
    const machine: Machine = {
      arn: this.arnOf(name),
      name,
      text,
      definition,
      roleArn: input.roleArn ?? '',
      createdAt: now,
      updatedAt: now,
      revisionId: undefined,
      logging: input.loggingConfiguration,
      tracing: input.tracingConfiguration,
    };
    this.machines.set(machine.arn, machine);
    this.tag(machine.arn, input.tags ?? []);
    return machine;
  }

  async update(input: UpdateStateMachineInput): Promise<Machine> {
    const { definition: text, roleArn } = input;
    if (text === undefined && roleArn === undefined && input.loggingConfiguration === undefined) {
      throw new AwsError(
        'MissingRequiredParameter',
        'Either the definition, the role ARN or the configuration must be specified',
      );
    }
    this.find(input.stateMachineArn);
    const definition = text === undefined ? undefined : await this.#read(text);
    const before = this.find(input.stateMachineArn);
    const logging = input.loggingConfiguration ?? before.logging;
    if (roleArn !== undefined || input.loggingConfiguration !== undefined)
      this.#checkRole(roleArn ?? before.roleArn, before.arn, logging);
    const machine: Machine = {
      ...before,
      text: text ?? before.text,
      definition: definition ?? before.definition,
      roleArn: roleArn ?? before.roleArn,
      logging,
      tracing: input.tracingConfiguration ?? before.tracing,
      updatedAt: this.#context.clock.now(),
      revisionId: this.#context.random.uuid(),
    };
    this.machines.set(machine.arn, machine);
    return machine;
  }

  tag(resourceArn: string, tags: readonly Tag[]): void {
    const own = this.tags.get(resourceArn) ?? new Map<string, string>();
    for (const { key, value } of tags) own.set(key ?? '', value ?? '');
    this.tags.set(resourceArn, own);
  }

  async #read(text: string): Promise<Definition> {
    if (Buffer.byteLength(text) > definitionBytes) {
      throw new AwsError(
        'InvalidDefinition',
        `Invalid State Machine Definition: 'larger than ${definitionBytes} bytes'`,
      );
    }
    const { definition, complaints } = await this.#context.clock.hold(
      checkDefinition(text, this.#query, this.#context.sharedDir),
    );
    if (definition === undefined || complaints.length > 0) {
      const told = complaints.map(
        ({ code, message, location }) => `${code}: ${message} at ${location || '/'}`,
      );
      throw new AwsError('InvalidDefinition', `Invalid State Machine Definition: '${told.join(', ')}'`);
    }
    return definition;
  }

  #checkRole(
    roleArn: string | undefined,
    machineArn: string,
    logging: LoggingConfiguration | undefined,
  ): void {
    if (!/^arn:aws:iam::\d{12}:role\/\S+$/.test(roleArn ?? '')) {
      throw new AwsError('InvalidArn', `Invalid Arn: '${roleArn}'`);
    }
    if (!this.#roles.trusted(roleArn ?? '', machineArn)) {
      throw new AwsError(
        'AccessDeniedException',
        `Neither the global service principal states.amazonaws.com, nor the regional one is authorized to assume the provided role.`,
      );
    }
    if ((logging?.level ?? 'OFF') === 'OFF') return;
    for (const action of logDelivery) {
      const words = this.#roles.refusal(roleArn ?? '', action);
      if (words === undefined) continue;
      throw new AwsError(
        'AccessDeniedException',
        `The state machine IAM Role is not authorized to access the Log Destination. ${words}`,
      );
    }
  }
}
