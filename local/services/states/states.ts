import type { HistoryEvent } from '@aws-sdk/client-sfn';
import type { Context } from '../../context.ts';
import { type Access, AwsError, type Principal, type Service } from '../../service.ts';
import type { Persistent } from '../../state/persistent.ts';
import { traceOfExecution } from '../../trace.ts';
import { Execution, type ExecutionInit } from './execution.ts';
import { executionOperations } from './execution-operations.ts';
import { History } from './history.ts';
import { dataLimitBytes } from './json.ts';
import { machineOperations } from './machine-operations.ts';
import { checkName, type Machine, MachineStore } from './machine-store.ts';
import { loadMachine, statesCollections } from './persistent.ts';
import { Query } from './query.ts';
import type { Calls } from './run.ts';
import { TaskTokens } from './task-tokens.ts';

/** What Step Functions needs of IAM. */
export interface Roles {
  /** A session of the role as a caller. @throws AwsError NoSuchEntity */
  rolePrincipal(roleArn: string, sessionName: string): Principal;
  trusts(roleArn: string, by: { service: string; sourceArn: string }): boolean;
  refusal(principal: Principal, access: Access): string | undefined;
}

/** What other parts of the region use of Step Functions. */
export interface StepFunctions {
  readonly service: Service;
  readonly persistent: Persistent;
  /** Stops an execution without a caller's rights, as the console's button does; an ended one stays as it is. */
  stop(executionArn: string, error?: string, cause?: string): void;
  /**
   * Calls the listener at each event of an execution's history, in the midst of what goes on: it must not change
   * anything before the present turn is over. @returns ends it
   */
  onEvent(listener: ExecutionListener): () => void;
  /** Every execution that the region keeps, oldest first. */
  executions(): readonly Execution[];
  /** Resolves when an execution ends; at once if it has ended. @throws AwsError ExecutionDoesNotExist */
  ended(executionArn: string): Promise<Execution>;
  close(): Promise<void>;
}

type ExecutionListener = (executionArn: string, event: HistoryEvent) => void;

/** The state of the service, for its operations. */
export interface StatesCore {
  readonly context: Context;
  readonly machines: MachineStore;
  readonly query: Query;
  readonly tokens: TaskTokens;
  readonly executions: Map<string, Execution>;
  executionArn(machine: Machine, name: string): string;
  /** @throws AwsError InvalidName, InvalidExecutionInput, ExecutionAlreadyExists */
  start(machine: Machine, name: string | undefined, input: string | undefined): Execution;
  /** @throws AwsError ExecutionDoesNotExist, InvalidArn */
  find(executionArn: string | undefined): Execution;
  /** The executions that AWS still keeps, in the order of their starts. */
  kept(): readonly Execution[];
}

/** Closed executions are kept for 90 days. https://docs.aws.amazon.com/step-functions/latest/dg/service-quotas.html */
const keptMs = 90 * 24 * 3_600_000;

/** Step Functions: STANDARD machines in JSONata. */
export function createStates(context: Context, roles: Roles): StepFunctions {
  const { clock, random, hooks, regionName } = context;
  const query = new Query(clock, random);
  const trusted = (roleArn: string, sourceArn: string): boolean => {
    try {
      return roles.trusts(roleArn, { service: 'states.amazonaws.com', sourceArn });
    } catch {
      // A role that does not exist trusts nobody.
      return false;
    }
  };
  const machines = new MachineStore(context, query, {
    trusted,
    refusal: (roleArn, action) =>
      roles.refusal(roles.rolePrincipal(roleArn, 'states'), { action, resources: ['*'] }),
  });
  const executions = new Map<string, Execution>();
  const listeners = new Set<ExecutionListener>();
  const waiting = new Map<string, ((execution: Execution) => void)[]>();
  const tokens = new TaskTokens(random, (executionArn) => executions.has(executionArn));

  function find(executionArn: string | undefined): Execution {
    if (!executionArn?.startsWith('arn:aws:states:')) {
      throw new AwsError('InvalidArn', `Invalid Arn: '${executionArn}'`);
    }
    const execution = executions.get(executionArn);
    if (execution === undefined || forgotten(execution)) {
      throw new AwsError('ExecutionDoesNotExist', `Execution Does Not Exist: '${executionArn}'`);
    }
    return execution;
  }

  /** Closed for so long that AWS has deleted it, and its name is free again. */
  function forgotten({ stoppedAt }: Execution): boolean {
    return stoppedAt !== undefined && clock.now() - stoppedAt > keptMs;
  }

  function changed(execution: Execution): void {
    publish(context, execution);
    if (execution.status === 'RUNNING') return;
    const { arn } = execution.init;
    for (const tell of waiting.get(arn) ?? []) tell(execution);
    waiting.delete(arn);
  }

  async function ended(executionArn: string): Promise<Execution> {
    const execution = find(executionArn);
    if (execution.status !== 'RUNNING') return execution;
    return new Promise((resolve) => {
      waiting.set(executionArn, [...(waiting.get(executionArn) ?? []), resolve]);
    });
  }

  function callsOf(machine: Machine, name: string): Calls {
    const trace = traceOfExecution(executionArn(machine, name), clock.now());
    return {
      async call(service, operation, input) {
        // Asked for at each call: the role's policies count as they are now.
        const principal = roles.rolePrincipal(machine.roleArn, name.slice(0, 64));
        return hooks.call(service, operation, input, principal, trace);
      },
      ended: async (executionArn) => ({ ...(await ended(executionArn)).describe() }),
    };
  }

  const executionArn = (machine: Machine, name: string): string =>
    `${machine.arn.replace(':stateMachine:', ':execution:')}:${name}`;

  function start(
    machine: Machine,
    wantedName: string | undefined,
    wantedInput: string | undefined,
  ): Execution {
    const name = wantedName ?? random.uuid();
    const input = wantedInput ?? '{}';
    checkName(name);
    checkInput(input);
    const arn = executionArn(machine, name);
    const before = executions.get(arn);
    if (before !== undefined && !forgotten(before)) {
      // Idempotent while it runs: https://docs.aws.amazon.com/step-functions/latest/apireference/API_StartExecution.html
      if (before.status === 'RUNNING' && before.init.input === input) return before;
      throw new AwsError('ExecutionAlreadyExists', `Execution Already Exists: '${arn}'`);
    }
    const execution = make({ arn, name, machine, input, startedAt: clock.now() });
    // A name that was used before has its place at the end, as a new one.
    executions.delete(arn);
    executions.set(arn, execution);
    execution.start();
    return execution;
  }

  function make(init: Pick<ExecutionInit, 'arn' | 'name' | 'machine' | 'input' | 'startedAt'>): Execution {
    return new Execution({
      ...init,
      history: new History(clock, (event) => {
        for (const listener of listeners) listener(init.arn, event);
      }),
      parts: { clock, random, query, tokens, regionName, calls: callsOf(init.machine, init.name) },
      changed,
    });
  }

  const kept = () => [...executions.values()].filter((execution) => !forgotten(execution));

  const core: StatesCore = { context, machines, query, tokens, executions, executionArn, start, find, kept };
  return {
    persistent: {
      name: 'states',
      version: 1,
      collections: statesCollections(machines, executions, (start) =>
        make({ ...start, machine: loadMachine(start.machine) }),
      ),
      resume() {
        for (const execution of executions.values()) execution.resume();
      },
    },
    service: { id: 'states', operations: { ...machineOperations(core), ...executionOperations(core) } },
    stop: (arn, error, cause) => find(arn).stop(error, cause),
    onEvent(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    executions: () => [...executions.values()],
    ended,
    async close() {
      for (const execution of executions.values()) execution.stop('Region.Closed', undefined);
    },
  };
}

function checkInput(input: string): void {
  if (Buffer.byteLength(input) > dataLimitBytes) {
    throw new AwsError(
      'InvalidExecutionInput',
      `Invalid State Machine Execution Input: 'larger than ${dataLimitBytes} bytes'`,
    );
  }
  try {
    JSON.parse(input);
  } catch (error) {
    throw new AwsError(
      'InvalidExecutionInput',
      `Invalid State Machine Execution Input: '${(error as Error).message}'`,
    );
  }
}

const eventDataBytes = 248 * 1024;

/**
 * "If the combined escaped input and escaped output sent to EventBridge exceeds 248 KiB, then the input will be
 * excluded. Similarly, if the escaped output exceeds 248 KiB, then the output will be excluded."
 * https://docs.aws.amazon.com/step-functions/latest/dg/eventbridge-integration.html
 */
function publish(context: Context, execution: Execution): void {
  const told = execution.describe();
  const { input = '{}', output } = told;
  const outputBytes = output === undefined ? 0 : escapedBytes(output);
  const withInput = escapedBytes(input) + outputBytes <= eventDataBytes;
  const withOutput = outputBytes <= eventDataBytes;
  context.hooks.publish({
    source: 'aws.states',
    detailType: 'Step Functions Execution Status Change',
    resources: [execution.init.arn],
    detail: {
      executionArn: told.executionArn,
      stateMachineArn: told.stateMachineArn,
      name: told.name,
      status: told.status,
      startDate: told.startDate?.getTime(),
      stopDate: told.stopDate?.getTime() ?? null,
      input: withInput ? input : null,
      inputDetails: { included: withInput },
      output: withOutput ? (output ?? null) : null,
      outputDetails: output === undefined ? null : { included: withOutput },
      error: told.error ?? null,
      cause: told.cause ?? null,
      stateMachineVersionArn: null,
      stateMachineAliasArn: null,
      redriveCount: told.redriveCount,
      redriveDate: told.redriveDate?.getTime() ?? null,
      redriveStatus: told.redriveStatus,
      redriveStatusReason: told.redriveStatusReason ?? null,
    },
  });
}

/** What a text takes as a string in JSON. */
function escapedBytes(text: string): number {
  return Buffer.byteLength(JSON.stringify(text));
}
