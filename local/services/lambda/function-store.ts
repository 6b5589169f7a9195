import type {
  CreateFunctionRequest,
  Environment,
  FunctionConfiguration,
  UpdateFunctionConfigurationRequest,
} from '@aws-sdk/client-lambda';
import { arn, type Context } from '../../context.ts';
import { AwsError, type PolicyStatement } from '../../service.ts';
import { type Collection, mapOf } from '../../state/persistent.ts';
import { codeFolder } from './code-store.ts';
import type { FunctionCode, FunctionRevision } from './executor.ts';
import { invalid } from './invalid.ts';
import { ResourcePolicy } from './resource-policy.ts';
import type { VpcSettings } from './vpc.ts';

/** A function as the region keeps it. */
export interface StoredFunction {
  revision: FunctionRevision;
  description: string;
  architectures: readonly ('arm64' | 'x86_64')[];
  ephemeralStorageMb: number;
  lastModified: string;
  readonly policy: ResourcePolicy;
  readonly tags: Map<string, string>;
  /** PutFunctionConcurrency; undefined without one. */
  reservedConcurrency: number | undefined;
  asyncRetries: number;
  asyncMaxAgeSeconds: number;
  asyncConfiguredAt: number | undefined;
  /** Invocations that run now. */
  running: number;
}

type SavedFunction = Omit<StoredFunction, 'policy' | 'running'> & {
  readonly policy: ReadonlyMap<string, PolicyStatement>;
};

// https://docs.aws.amazon.com/lambda/latest/dg/configuration-envvars.html#configuration-envvars-runtime
const reservedVariables = new Set(
  '_HANDLER AWS_DEFAULT_REGION AWS_REGION AWS_EXECUTION_ENV AWS_LAMBDA_FUNCTION_NAME AWS_LAMBDA_FUNCTION_MEMORY_SIZE AWS_LAMBDA_FUNCTION_VERSION AWS_LAMBDA_INITIALIZATION_TYPE AWS_LAMBDA_LOG_GROUP_NAME AWS_LAMBDA_LOG_STREAM_NAME AWS_ACCESS_KEY AWS_ACCESS_KEY_ID AWS_SECRET_ACCESS_KEY AWS_SESSION_TOKEN AWS_LAMBDA_RUNTIME_API LAMBDA_TASK_ROOT LAMBDA_RUNTIME_DIR'.split(
    ' ',
  ),
);

/** The functions by name, and the checks of what may be stored. */
export class FunctionStore {
  readonly #context: Context;
  readonly #functions = new Map<string, StoredFunction>();

  constructor(context: Context) {
    this.#context = context;
  }

  /** In the order of their names. */
  all(): StoredFunction[] {
    return [...this.#functions.values()].sort((a, b) => (a.revision.name < b.revision.name ? -1 : 1));
  }

  create(input: CreateFunctionRequest, code: FunctionCode, vpc?: VpcSettings): StoredFunction {
    const name = input.FunctionName ?? '';
    // https://docs.aws.amazon.com/lambda/latest/api/API_CreateFunction.html
    if (!/^[a-zA-Z0-9-_]{1,64}$/.test(name)) throw invalid(`The function name ${name} is not valid.`);
    if (this.#functions.has(name)) {
      throw new AwsError('ResourceConflictException', `Function already exist: ${name}`, 409);
    }
    if (input.Runtime !== 'nodejs24.x') {
      throw invalid(`The local region runs nodejs24.x alone, not ${input.Runtime}.`);
    }
    const handler = checkHandler(input.Handler);
    const stored: StoredFunction = {
      revision: {
        name,
        arn: arn(this.#context, 'lambda', `function:${name}`),
        roleArn: checkRole(input.Role),
        handler,
        timeoutSeconds: checkTimeout(input.Timeout ?? 3),
        memoryMb: checkMemory(input.MemorySize ?? 128),
        variables: checkVariables(input.Environment),
        code,
        logGroup: input.LoggingConfig?.LogGroup ?? `/aws/lambda/${name}`,
        revisionId: this.#context.random.uuid(),
        vpc,
      },
      description: input.Description ?? '',
      architectures: input.Architectures ?? ['x86_64'],
      ephemeralStorageMb: input.EphemeralStorage?.Size ?? 512,
      lastModified: this.#timestamp(),
      policy: new ResourcePolicy(),
      tags: new Map(Object.entries(input.Tags ?? {})),
      reservedConcurrency: undefined,
      asyncRetries: 2,
      asyncMaxAgeSeconds: 21_600,
      asyncConfiguredAt: undefined,
      running: 0,
    };
    this.#functions.set(name, stored);
    return stored;
  }

  update(
    stored: StoredFunction,
    input: Partial<UpdateFunctionConfigurationRequest>,
    code?: FunctionCode,
    vpc = stored.revision.vpc,
  ): void {
    if (input.RevisionId !== undefined && input.RevisionId !== stored.revision.revisionId) {
      throw new AwsError(
        'PreconditionFailedException',
        'The RevisionId provided does not match the latest RevisionId. Call the GetFunction/GetAlias API to retrieve the latest RevisionId',
        412,
      );
    }
    if (input.Runtime !== undefined && input.Runtime !== 'nodejs24.x') {
      throw invalid(`The local region runs nodejs24.x alone, not ${input.Runtime}.`);
    }
    const before = stored.revision;
    stored.revision = {
      ...before,
      roleArn: input.Role === undefined ? before.roleArn : checkRole(input.Role),
      handler: input.Handler === undefined ? before.handler : checkHandler(input.Handler),
      timeoutSeconds: input.Timeout === undefined ? before.timeoutSeconds : checkTimeout(input.Timeout),
      memoryMb: input.MemorySize === undefined ? before.memoryMb : checkMemory(input.MemorySize),
      variables: input.Environment === undefined ? before.variables : checkVariables(input.Environment),
      code: code ?? before.code,
      logGroup: input.LoggingConfig?.LogGroup ?? before.logGroup,
      revisionId: this.#context.random.uuid(),
      vpc,
    };
    stored.description = input.Description ?? stored.description;
    stored.ephemeralStorageMb = input.EphemeralStorage?.Size ?? stored.ephemeralStorageMb;
    stored.lastModified = this.#timestamp();
  }

  /** @param directory where code lies; the folder of the region may have moved since */
  collection(directory: string): Collection {
    return mapOf<StoredFunction>('functions', this.#functions, {
      save: ({ policy, running: _running, ...rest }): SavedFunction => ({
        ...rest,
        policy: policy.statements,
      }),
      load: (saved: SavedFunction) => {
        const { revision } = saved;
        const code = { ...revision.code, directory: codeFolder(directory, revision.code.sha256) };
        const policy = new ResourcePolicy(saved.policy);
        return { ...saved, revision: { ...revision, code }, policy, running: 0 };
      },
    });
  }

  delete(stored: StoredFunction): void {
    this.#functions.delete(stored.revision.name);
  }

  /**
   * By name, partial or full ARN, `$LATEST` allowed.
   * https://docs.aws.amazon.com/lambda/latest/api/API_Invoke.html
   */
  find(nameOrArn: string | undefined, qualifier?: string): StoredFunction {
    const arnOfIt = this.arnOf(nameOrArn);
    const [name, ownQualifier] = arnOfIt.split(':function:')[1]?.split(':') ?? [];
    const version = qualifier ?? ownQualifier ?? '$LATEST';
    const stored = this.#functions.get(name ?? '');
    if (stored === undefined || version !== '$LATEST') {
      const suffix = version === '$LATEST' ? '' : `:${version}`;
      throw new AwsError(
        'ResourceNotFoundException',
        `Function not found: ${arn(this.#context, 'lambda', `function:${name}${suffix}`)}`,
        404,
      );
    }
    return stored;
  }

  /** The tags of a function as condition keys; none of a function that is not there. */
  tagContext(nameOrArn: string | undefined): Record<string, string> {
    const name = this.arnOf(nameOrArn).split(':function:')[1]?.split(':')[0] ?? '';
    const tags = this.#functions.get(name)?.tags ?? new Map<string, string>();
    return Object.fromEntries(
      [...tags].map(([key, value]) => [`aws:resourcetag/${key.toLowerCase()}`, value]),
    );
  }

  /** The full ARN of what a caller calls a function by. */
  arnOf(nameOrArn: string | undefined): string {
    const text = nameOrArn ?? '';
    const rest = /^(?:arn:aws:lambda:[a-z0-9-]+:)?(?:\d{12}:)?(?:function:)?([^:]+(?::[^:]+)?)$/.exec(
      text,
    )?.[1];
    return arn(this.#context, 'lambda', `function:${rest ?? text}`);
  }

  #timestamp(): string {
    return new Date(this.#context.clock.now()).toISOString().replace('Z', '+0000');
  }
}

/** As GetFunctionConfiguration tells it. */
export function configurationOf(stored: StoredFunction): FunctionConfiguration {
  const { revision } = stored;
  return {
    FunctionName: revision.name,
    FunctionArn: revision.arn,
    Runtime: 'nodejs24.x',
    Role: revision.roleArn,
    Handler: revision.handler,
    CodeSize: revision.code.sizeBytes,
    CodeSha256: revision.code.sha256,
    Description: stored.description,
    Timeout: revision.timeoutSeconds,
    MemorySize: revision.memoryMb,
    LastModified: stored.lastModified,
    Version: '$LATEST',
    ...(Object.keys(revision.variables).length > 0 && {
      Environment: { Variables: { ...revision.variables } },
    }),
    ...(revision.vpc !== undefined && {
      VpcConfig: {
        VpcId: revision.vpc.vpcId,
        SubnetIds: [...revision.vpc.subnetIds],
        SecurityGroupIds: [...revision.vpc.securityGroupIds],
        Ipv6AllowedForDualStack: false,
      },
    }),
    TracingConfig: { Mode: 'PassThrough' },
    RevisionId: revision.revisionId,
    State: 'Active',
    LastUpdateStatus: 'Successful',
    PackageType: 'Zip',
    Architectures: [...stored.architectures],
    EphemeralStorage: { Size: stored.ephemeralStorageMb },
    SnapStart: { ApplyOn: 'None', OptimizationStatus: 'Off' },
    LoggingConfig: { LogFormat: 'Text', LogGroup: revision.logGroup },
  };
}

function checkHandler(handler: string | undefined): string {
  if (handler === undefined || !/^[^\s.]+(\.[^\s.]+)+$/.test(handler) || handler.startsWith('/')) {
    throw invalid(`The handler ${handler} does not name a file and an export.`);
  }
  return handler;
}

function checkRole(role: string | undefined): string {
  if (role === undefined || !/^arn:aws:iam::\d{12}:role\/\S+$/.test(role)) {
    throw new AwsError('ValidationException', `Value '${role}' at 'role' is not the ARN of a role.`);
  }
  return role;
}

function checkTimeout(seconds: number): number {
  if (!Number.isInteger(seconds) || seconds < 1 || seconds > 900) {
    throw new AwsError('ValidationException', `Value '${seconds}' at 'timeout' must be between 1 and 900.`);
  }
  return seconds;
}

function checkMemory(megabytes: number): number {
  if (!Number.isInteger(megabytes) || megabytes < 128 || megabytes > 10_240) {
    throw new AwsError(
      'ValidationException',
      `Value '${megabytes}' at 'memorySize' must be between 128 and 10240.`,
    );
  }
  return megabytes;
}

function checkVariables(environment: Environment | undefined): Record<string, string> {
  const variables = environment?.Variables ?? {};
  const reserved = Object.keys(variables).filter((name) => reservedVariables.has(name));
  if (reserved.length > 0) {
    throw invalid(
      `Lambda was unable to configure your environment variables because the environment variables you have provided contains reserved keys that are currently not supported for modification. Reserved keys used in this request: ${reserved.join(', ')}`,
    );
  }
  for (const name of Object.keys(variables)) {
    if (!/^[a-zA-Z][a-zA-Z0-9_]+$/.test(name)) throw invalid(`The variable name ${name} is not valid.`);
  }
  const size = Object.entries(variables).reduce((sum, [name, value]) => sum + name.length + value.length, 0);
  if (size > 4096) {
    throw invalid(
      'Lambda was unable to configure your environment variables because the environment variables you have provided exceeded the 4KB limit.',
    );
  }
  return { ...variables };
}
