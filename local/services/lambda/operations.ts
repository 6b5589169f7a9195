import type {
  AddPermissionRequest,
  CreateFunctionRequest,
  DeleteFunctionRequest,
  GetFunctionConfigurationRequest,
  GetFunctionRequest,
  GetPolicyRequest,
  InvocationRequest,
  InvocationResponse,
  ListFunctionsRequest,
  ListTagsRequest,
  PutFunctionConcurrencyRequest,
  PutFunctionEventInvokeConfigRequest,
  RemovePermissionRequest,
  TagResourceRequest,
  UntagResourceRequest,
  UpdateFunctionCodeRequest,
  UpdateFunctionConfigurationRequest,
  VpcConfig,
} from '@aws-sdk/client-lambda';
import type { Context } from '../../context.ts';
import { type Access, AwsError, type Call, type Operation, type Operations } from '../../service.ts';
import { page } from '../paging.ts';
import { onlySupported } from '../supported.ts';
import { storeCode } from './code-store.ts';
import { checkReservation } from './concurrency.ts';
import { type Executor, errorPayload, type FunctionCode, type Outcome } from './executor.ts';
import { configurationOf, type FunctionStore, type StoredFunction } from './function-store.ts';
import { invalid } from './invalid.ts';
import { asyncPayloadBytes, syncPayloadBytes } from './limits.ts';
import type { VpcSettings } from './vpc.ts';

export interface FunctionOperationsDeps {
  readonly context: Context;
  readonly store: FunctionStore;
  readonly executor: Executor;
  /** Where the service keeps its files. */
  readonly directory: string;
  run(
    stored: StoredFunction,
    payload: string,
    requestId: string,
    clientContext?: string,
    trace?: string,
  ): Promise<Outcome>;
  /** The VPC that is asked for, once the role may have interfaces in it. */
  vpcOf(wanted: {
    readonly config: VpcConfig | undefined;
    readonly roleArn: string;
    readonly name: string;
  }): VpcSettings | undefined;
  putAsync(stored: StoredFunction, payload: string, requestId: string): void;
}

const responseTooLarge = errorPayload(
  'Function.ResponseSizeTooLarge',
  `Response payload size exceeded maximum allowed payload size (${syncPayloadBytes} bytes).`,
);

/** The API of Lambda as far as the region has it. https://docs.aws.amazon.com/lambda/latest/api/API_Operations.html */
export function functionOperations(deps: FunctionOperationsDeps): Operations {
  const { context, store, executor } = deps;

  /** An operation on one function, which the caller must be allowed to do to that function. */
  function on<Input extends { FunctionName?: string | undefined }, Output>(
    action: string,
    run: (input: Input, call: Call) => Output | Promise<Output>,
    more: (input: Input) => readonly Access[] = () => [],
  ): Operation<Input, Output> {
    return {
      access: (input) => [
        { action: `lambda:${action}`, resources: [store.arnOf(input.FunctionName)] },
        ...more(input),
      ],
      run,
    };
  }

  const passRole = (input: { Role?: string | undefined }): readonly Access[] =>
    input.Role === undefined
      ? []
      : [
          {
            action: 'iam:PassRole',
            resources: [input.Role],
            context: { 'iam:passedtoservice': 'lambda.amazonaws.com' },
          },
        ];

  async function codeFrom(
    code:
      | {
          ZipFile?: Uint8Array | undefined;
          S3Bucket?: string | undefined;
          S3Key?: string | undefined;
          S3ObjectVersion?: string | undefined;
        }
      | undefined,
    call: Call,
  ): Promise<FunctionCode> {
    if (code?.ZipFile !== undefined) return storeCode(deps.directory, code.ZipFile, context.sharedDir);
    if (code?.S3Bucket === undefined || code.S3Key === undefined) {
      throw invalid('Please provide a source for function code.');
    }
    const object = (await context.hooks.call(
      's3',
      'GetObject',
      { Bucket: code.S3Bucket, Key: code.S3Key, VersionId: code.S3ObjectVersion },
      call.principal,
    )) as { Body: AsyncIterable<Uint8Array> | Uint8Array };
    if (object.Body instanceof Uint8Array) return storeCode(deps.directory, object.Body, context.sharedDir);
    const chunks: Uint8Array[] = [];
    for await (const chunk of object.Body) chunks.push(chunk);
    return storeCode(deps.directory, Buffer.concat(chunks), context.sharedDir);
  }

  const createFunction = on<CreateFunctionRequest, ReturnType<typeof configurationOf>>(
    'CreateFunction',
    async (input, call) => {
      onlySupported('CreateFunction', input, [
        'FunctionName',
        'Runtime',
        'Role',
        'Handler',
        'Code',
        'Description',
        'Timeout',
        'MemorySize',
        'Environment',
        'Tags',
        'Architectures',
        'EphemeralStorage',
        'LoggingConfig',
        'TracingConfig',
        'PackageType',
        'VpcConfig',
      ]);
      if ((input.PackageType ?? 'Zip') !== 'Zip') throw invalid('The local region runs zip packages alone.');
      const { VpcConfig: config, Role: roleArn = '', FunctionName: name = '' } = input;
      const vpc = deps.vpcOf({ config, roleArn, name });
      return configurationOf(store.create(input, await codeFrom(input.Code, call), vpc));
    },
    passRole,
  );

  const updateConfiguration = on<UpdateFunctionConfigurationRequest, ReturnType<typeof configurationOf>>(
    'UpdateFunctionConfiguration',
    (input) => {
      onlySupported('UpdateFunctionConfiguration', input, [
        'FunctionName',
        'Runtime',
        'Role',
        'Handler',
        'Description',
        'Timeout',
        'MemorySize',
        'Environment',
        'EphemeralStorage',
        'LoggingConfig',
        'TracingConfig',
        'RevisionId',
        'VpcConfig',
      ]);
      const stored = store.find(input.FunctionName);
      const { name, vpc, roleArn } = stored.revision;
      const { VpcConfig: config, Role } = input;
      const wanted = config === undefined ? vpc : deps.vpcOf({ config, roleArn: Role ?? roleArn, name });
      store.update(stored, input, undefined, wanted);
      executor.retire(stored.revision.name);
      return configurationOf(stored);
    },
    passRole,
  );

  const updateCode = on<UpdateFunctionCodeRequest, ReturnType<typeof configurationOf>>(
    'UpdateFunctionCode',
    async (input, call) => {
      onlySupported('UpdateFunctionCode', input, [
        'FunctionName',
        'ZipFile',
        'S3Bucket',
        'S3Key',
        'S3ObjectVersion',
        'Architectures',
        'RevisionId',
      ]);
      const stored = store.find(input.FunctionName);
      const code = await codeFrom(input, call);
      store.update(stored, { RevisionId: input.RevisionId }, code);
      stored.architectures = input.Architectures ?? stored.architectures;
      executor.retire(stored.revision.name);
      return configurationOf(stored);
    },
  );

  // https://docs.aws.amazon.com/lambda/latest/api/API_Invoke.html
  const invoke: Operation<InvocationRequest, InvocationResponse> = {
    // https://docs.aws.amazon.com/lambda/latest/dg/attribute-based-access-control.html
    access: (input) => [
      {
        action: 'lambda:InvokeFunction',
        resources: [store.arnOf(input.FunctionName)],
        context: store.tagContext(input.FunctionName),
      },
    ],
    async run(input, call) {
      onlySupported('Invoke', input, [
        'FunctionName',
        'InvocationType',
        'LogType',
        'ClientContext',
        'Payload',
        'Qualifier',
      ]);
      const stored = store.find(input.FunctionName, input.Qualifier);
      const bytes = input.Payload ?? new Uint8Array();
      const type = input.InvocationType ?? 'RequestResponse';
      const limit = type === 'Event' ? asyncPayloadBytes : syncPayloadBytes;
      if (bytes.byteLength > limit) {
        throw new AwsError(
          'RequestTooLargeException',
          `Request must be smaller than ${limit} bytes for the InvokeFunction operation`,
          413,
        );
      }
      const payload = bytes.byteLength === 0 ? '{}' : Buffer.from(bytes).toString('utf8');
      try {
        JSON.parse(payload);
      } catch (error) {
        throw new AwsError(
          'InvalidRequestContentException',
          `Could not parse request body into json: ${(error as Error).message}`,
        );
      }
      if (type === 'DryRun') return { StatusCode: 204 };
      if (type === 'Event') {
        deps.putAsync(stored, payload, call.requestId);
        return { StatusCode: 202 };
      }
      const clientContext =
        input.ClientContext && Buffer.from(input.ClientContext, 'base64').toString('utf8');
      const outcome = await deps.run(stored, payload, call.requestId, clientContext || undefined, call.trace);
      const answer = Buffer.from(outcome.payload);
      const tooLarge = answer.byteLength > syncPayloadBytes;
      return {
        StatusCode: 200,
        ExecutedVersion: '$LATEST',
        Payload: tooLarge ? Buffer.from(responseTooLarge) : answer,
        ...((outcome.failed || tooLarge) && { FunctionError: 'Unhandled' }),
        // The last 4 KB.
        ...(input.LogType === 'Tail' && {
          LogResult: Buffer.from(outcome.log).subarray(-4096).toString('base64'),
        }),
      };
    },
  };

  const byArn = (action: string) => (input: { Resource?: string | undefined }) => [
    { action: `lambda:${action}`, resources: [input.Resource ?? '*'] },
  ];

  return {
    CreateFunction: createFunction,
    UpdateFunctionConfiguration: updateConfiguration,
    UpdateFunctionCode: updateCode,
    Invoke: invoke,
    GetFunction: on<GetFunctionRequest, unknown>('GetFunction', (input) => {
      const stored = store.find(input.FunctionName, input.Qualifier);
      return {
        Configuration: configurationOf(stored),
        Code: { RepositoryType: 'S3', Location: `${context.endpoint()}/_region` },
        Tags: Object.fromEntries(stored.tags),
        ...(stored.reservedConcurrency !== undefined && {
          Concurrency: { ReservedConcurrentExecutions: stored.reservedConcurrency },
        }),
      };
    }),
    GetFunctionConfiguration: on<GetFunctionConfigurationRequest, unknown>(
      'GetFunctionConfiguration',
      (input) => configurationOf(store.find(input.FunctionName, input.Qualifier)),
    ),
    ListFunctions: {
      access: () => [{ action: 'lambda:ListFunctions', resources: ['*'] }],
      run(input: ListFunctionsRequest) {
        const shown = page(
          store.all(),
          ({ revision }) => revision.name,
          Math.min(input.MaxItems ?? 50, 50),
          input.Marker,
          () => invalid('Invalid pagination token'),
        );
        return {
          Functions: shown.items.map(configurationOf),
          ...(shown.nextToken !== undefined && { NextMarker: shown.nextToken }),
        };
      },
    },
    DeleteFunction: on<DeleteFunctionRequest, unknown>('DeleteFunction', (input) => {
      const stored = store.find(input.FunctionName, input.Qualifier);
      store.delete(stored);
      executor.retire(stored.revision.name);
      return {};
    }),
    AddPermission: on<AddPermissionRequest, unknown>('AddPermission', (input) => {
      const stored = store.find(input.FunctionName);
      return stored.policy.add(stored.revision.arn, input);
    }),
    RemovePermission: on<RemovePermissionRequest, unknown>('RemovePermission', (input) => {
      store.find(input.FunctionName).policy.remove(input);
      return {};
    }),
    GetPolicy: on<GetPolicyRequest, unknown>('GetPolicy', (input) =>
      store.find(input.FunctionName).policy.get(input),
    ),
    PutFunctionConcurrency: on<PutFunctionConcurrencyRequest, unknown>('PutFunctionConcurrency', (input) => {
      const wanted = input.ReservedConcurrentExecutions;
      if (wanted === undefined || !Number.isInteger(wanted) || wanted < 0) {
        throw invalid('ReservedConcurrentExecutions must be zero or more.');
      }
      const stored = store.find(input.FunctionName);
      checkReservation(wanted, stored, store.all());
      stored.reservedConcurrency = wanted;
      return { ReservedConcurrentExecutions: wanted };
    }),
    DeleteFunctionConcurrency: on('DeleteFunctionConcurrency', (input: { FunctionName?: string }) => {
      store.find(input.FunctionName).reservedConcurrency = undefined;
      return {};
    }),
    PutFunctionEventInvokeConfig: on<PutFunctionEventInvokeConfigRequest, unknown>(
      'PutFunctionEventInvokeConfig',
      (input) => {
        onlySupported('PutFunctionEventInvokeConfig', input, [
          'FunctionName',
          'Qualifier',
          'MaximumRetryAttempts',
          'MaximumEventAgeInSeconds',
        ]);
        const stored = store.find(input.FunctionName, input.Qualifier);
        const { MaximumRetryAttempts: retries = 2, MaximumEventAgeInSeconds: age = 21_600 } = input;
        stored.asyncRetries = retries;
        stored.asyncMaxAgeSeconds = age;
        stored.asyncConfiguredAt = context.clock.now();
        return eventInvokeConfig(stored, stored.asyncConfiguredAt);
      },
    ),
    GetFunctionEventInvokeConfig: on('GetFunctionEventInvokeConfig', (input: { FunctionName?: string }) => {
      const stored = store.find(input.FunctionName);
      if (stored.asyncConfiguredAt === undefined) {
        throw new AwsError(
          'ResourceNotFoundException',
          `The function ${stored.revision.arn} doesn't have an EventInvokeConfig`,
          404,
        );
      }
      return eventInvokeConfig(stored, stored.asyncConfiguredAt);
    }),
    ListTags: {
      access: byArn('ListTags'),
      run: (input: ListTagsRequest) => ({ Tags: Object.fromEntries(store.find(input.Resource).tags) }),
    },
    TagResource: {
      access: byArn('TagResource'),
      run(input: TagResourceRequest) {
        const { tags } = store.find(input.Resource);
        for (const [key, value] of Object.entries(input.Tags ?? {})) tags.set(key, value);
        return {};
      },
    },
    UntagResource: {
      access: byArn('UntagResource'),
      run(input: UntagResourceRequest) {
        const { tags } = store.find(input.Resource);
        for (const key of input.TagKeys ?? []) tags.delete(key);
        return {};
      },
    },
  };
}

function eventInvokeConfig(stored: StoredFunction, configuredAt: number) {
  return {
    FunctionArn: `${stored.revision.arn}:$LATEST`,
    MaximumRetryAttempts: stored.asyncRetries,
    MaximumEventAgeInSeconds: stored.asyncMaxAgeSeconds,
    LastModified: new Date(configuredAt),
  };
}
