import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { CreateFunctionRequest, FunctionConfiguration } from '@aws-sdk/client-lambda';
import type { Context } from '../../context.ts';
import type { Iam } from '../../iam/iam.ts';
import { AwsError, type Service } from '../../service.ts';
import type { Persistent } from '../../state/persistent.ts';
import type { Reach } from '../ec2/reach.ts';
import { AsyncQueue } from './async-queue.ts';
import { storeCode } from './code-store.ts';
import { throttleReason } from './concurrency.ts';
import { ContextExecutor } from './context-executor.ts';
import { type Executor, errorPayload, type LooseEnd, type Outcome } from './executor.ts';
import { type Crashable, LambdaFaults } from './faults.ts';
import { configurationOf, FunctionStore, type StoredFunction } from './function-store.ts';
import { functionOperations } from './operations.ts';
import { ProcessExecutor } from './process-executor.ts';
import { type LogKeeper, roleLogs } from './role-logs.ts';
import { isVirtual, type Transport } from './sandbox.ts';
import { keepCompiled } from './script-store.ts';
import { checkVpc, requireInterfaceRights, type VpcNetwork, VpcProxy } from './vpc.ts';

export interface LambdaOptions {
  readonly logs: LogKeeper;
  /** Processes on the wall clock, and contexts inside this process on a virtual one, unless told otherwise. */
  readonly executor?: 'process' | 'context' | undefined;
  /** Where packages are unpacked and compiled, by digest; processes may share it. In the data folder unless told. */
  readonly codeDir?: string | undefined;
  /** The region's front door without a socket. */
  readonly transport: Transport;
  /** The VPC, and how its own requests reach instances. */
  readonly network: () => VpcNetwork;
  readonly reach: Reach;
  /** Trust and rights of the functions' roles. */
  readonly iam: Pick<Iam, 'trusts' | 'refusal' | 'rolePrincipal'>;
  /** Called for each invocation that begins, with the function's name. */
  readonly invoked: (functionName: string) => void;
}

/** An invocation that a service asked for and did not get. */
export interface Refusal {
  readonly functionArn: string;
  readonly service: string;
  readonly sourceArn: string;
  readonly reason: string;
}

/** What other parts of the region use of Lambda. */
export interface Lambda {
  readonly service: Service;
  readonly persistent: Persistent;
  readonly faults: LambdaFaults;
  /** Of all functions that there are. */
  names(): readonly string[];
  /** Invocations by services that were refused, newest last, a hundred at most. */
  readonly refusals: readonly Refusal[];
  /** Functions that answered before their calls did. */
  readonly loose: readonly LooseEnd[];
  /** CreateFunction, with the code from a zip file on disk. Checks no caller's rights. */
  createFromZip(input: Omit<CreateFunctionRequest, 'Code'>, zipPath: string): FunctionConfiguration;
  /**
   * Invokes for a service and waits. The function's resource policy must allow it.
   * @throws AwsError AccessDeniedException, ResourceNotFoundException, TooManyRequestsException.
   */
  invokeForService(
    functionArn: string,
    payload: unknown,
    service: string,
    sourceArn: string,
  ): Promise<Outcome>;
  /** The hook `invokeAsync`. A refusal is kept in `refusals`, as AWS tells of it in a metric alone. */
  invokeAsync(functionArn: string, payload: unknown, service: string, sourceArn: string): void;
  /** Invokes without a look at rights: for tests and the region's own pages. */
  invoke(functionName: string, payload: unknown): Promise<Outcome>;
  close(): Promise<void>;
}

/** Lambda, as far as functions in zip files with one version go. */
export function createLambda(context: Context, options: LambdaOptions): Lambda {
  const store = new FunctionStore(context);
  const directory = options.codeDir ?? join(context.dataDir, 'lambda', 'code');
  const kind = options.executor ?? (isVirtual(context.clock) ? 'context' : 'process');
  const logs = roleLogs(context, options.iam, options.logs);
  const executor: Executor & Crashable =
    kind === 'process'
      ? new ProcessExecutor(context, logs, new VpcProxy(options.reach))
      : new ContextExecutor(context, logs, options);
  const faults = new LambdaFaults(executor, context.clock);
  const refusals: Refusal[] = [];

  async function run(
    stored: StoredFunction,
    payload: string,
    requestId: string,
    clientContext?: string,
    trace?: string,
  ) {
    const Reason = throttleReason(stored, store.all());
    if (Reason !== undefined)
      throw new AwsError('TooManyRequestsException', 'Rate Exceeded.', 429, { Reason });
    // https://docs.aws.amazon.com/lambda/latest/dg/troubleshooting-deployment.html
    if (
      !options.iam.trusts(stored.revision.roleArn, {
        service: 'lambda.amazonaws.com',
        sourceArn: stored.revision.arn,
      })
    )
      throw new AwsError(
        'AccessDeniedException',
        'The role defined for the function cannot be assumed by Lambda.',
        403,
      );
    options.invoked(stored.revision.name);
    if (faults.begins(stored.revision.name) === 'crash') return killed(requestId);
    stored.running += 1;
    try {
      const invoke = () => executor.invoke(stored.revision, { requestId, payload, clientContext, trace });
      return await faults.standing(stored.revision.name, invoke);
    } finally {
      stored.running -= 1;
    }
  }

  const queue = new AsyncQueue(
    context.clock,
    (name) => {
      const found = store.all().find(({ revision }) => revision.name === name);
      return { retries: found?.asyncRetries ?? 0, maxAgeSeconds: found?.asyncMaxAgeSeconds ?? 0 };
    },
    async (event) => {
      try {
        return await run(store.find(event.functionName), event.payload, event.requestId);
      } catch {
        // Throttled, deleted since, or without a usable role: tried again while the event is young enough.
        return undefined;
      }
    },
  );

  function allowed(functionArn: string, service: string, sourceArn: string): StoredFunction {
    const stored = store.find(functionArn);
    if (!stored.policy.allows(stored.revision.arn, service, sourceArn, context.accountId)) {
      throw new AwsError(
        'AccessDeniedException',
        `${service} may not invoke ${stored.revision.arn} on behalf of ${sourceArn}: its resource policy has no such permission.`,
        403,
      );
    }
    return stored;
  }

  const putAsync = (stored: StoredFunction, payload: string, requestId: string): void => {
    // "When you set reserved concurrency to zero for an asynchronously invoked function, Lambda begins sending new events
    // to the configured dead-letter queue or the on-failure event destination, without any retries." There are neither
    // here. https://docs.aws.amazon.com/lambda/latest/dg/invocation-async-retain-records.html
    if (stored.reservedConcurrency === 0) return;
    queue.put({ functionName: stored.revision.name, requestId, payload });
  };

  return {
    persistent: {
      name: 'lambda',
      version: 2,
      collections: [store.collection(directory), queue.collection('queue')],
      resume: () => queue.resume(),
    },
    service: {
      id: 'lambda',
      operations: functionOperations({
        context,
        store,
        executor,
        directory,
        run,
        putAsync,
        vpcOf({ config, roleArn, name }) {
          const vpc = checkVpc(config, options.network());
          if (vpc !== undefined) requireInterfaceRights(context, options.iam, { roleArn, name, vpc });
          return vpc;
        },
      }),
      resourcePolicies: (resource) =>
        store
          .all()
          .find(({ revision }) => revision.arn === resource)
          ?.policy.documents() ?? [],
    },
    faults,
    names: () => store.all().map(({ revision }) => revision.name),
    refusals,
    loose: executor.loose,
    createFromZip(input, zipPath) {
      const code = storeCode(directory, readFileSync(zipPath));
      return configurationOf(store.create({ ...input, Code: {} }, code));
    },
    invokeForService(functionArn, payload, service, sourceArn) {
      const stored = allowed(functionArn, service, sourceArn);
      return run(stored, JSON.stringify(payload ?? null), context.random.uuid());
    },
    invokeAsync(functionArn, payload, service, sourceArn) {
      try {
        const stored = allowed(functionArn, service, sourceArn);
        putAsync(stored, JSON.stringify(payload ?? null), context.random.uuid());
      } catch (error) {
        refusals.push({ functionArn, service, sourceArn, reason: (error as Error).message });
        if (refusals.length > 100) refusals.shift();
      }
    },
    invoke: (functionName, payload) =>
      run(store.find(functionName), JSON.stringify(payload ?? null), context.random.uuid()),
    async close() {
      queue.close();
      await executor.close();
      if (options.codeDir !== undefined) keepCompiled(options.codeDir);
    },
  };
}

/** An environment that went down before its function began. */
function killed(requestId: string): Outcome {
  const message = `RequestId: ${requestId} Error: Runtime exited with error: signal: killed`;
  return { payload: errorPayload('Runtime.ExitError', message), failed: true, log: '' };
}
