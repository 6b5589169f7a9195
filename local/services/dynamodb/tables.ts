/** Tables and what is set on them. dynalite keeps the tables; what it does not know is kept beside it. */
import type {
  CreateTableInput,
  CreateTableOutput,
  DeleteTableInput,
  DeleteTableOutput,
  DescribeContinuousBackupsInput,
  DescribeContinuousBackupsOutput,
  DescribeTableInput,
  DescribeTableOutput,
  DescribeTimeToLiveInput,
  DescribeTimeToLiveOutput,
  ListTablesInput,
  ListTablesOutput,
  ListTagsOfResourceInput,
  ListTagsOfResourceOutput,
  TableDescription,
  TagResourceInput,
  TimeToLiveSpecification,
  UntagResourceInput,
  UpdateContinuousBackupsInput,
  UpdateContinuousBackupsOutput,
  UpdateTableInput,
  UpdateTableOutput,
  UpdateTimeToLiveInput,
  UpdateTimeToLiveOutput,
} from '@aws-sdk/client-dynamodb';
import type { Context } from '../../context.ts';
import { AwsError, type Operation } from '../../service.ts';
import { mapOf } from '../../state/persistent.ts';
import type { Engine, Json } from './engine.ts';
import { onTable, tableArn, tableNameOf } from './rights.ts';

/** What the region keeps of a table beside dynalite. */
interface Settings {
  readonly createdAt: number;
  deletionProtection: boolean;
  pointInTimeRecovery: boolean;
  timeToLive: TimeToLiveSpecification | undefined;
  encrypted: boolean;
}

export function createTables(context: Context, engine: Engine) {
  const settings = new Map<string, Settings>();

  function settingsOf(tableName: string | undefined): Settings {
    const name = tableNameOf(context, tableName);
    const found = settings.get(name);
    if (found === undefined)
      throw new AwsError(
        'ResourceNotFoundException',
        `Requested resource not found: Table: ${name} not found`,
      );
    return found;
  }

  function described(json: Json | undefined): TableDescription {
    const {
      CreationDateTime: _,
      BillingModeSummary: billing,
      ...rest
    } = (json ?? {}) as Record<string, unknown>;
    const own = settings.get(String(rest.TableName));
    const created = new Date(own?.createdAt ?? context.clock.now());
    return {
      ...(rest as TableDescription),
      CreationDateTime: created,
      DeletionProtectionEnabled: own?.deletionProtection ?? false,
      ...(billing === undefined
        ? {}
        : {
            BillingModeSummary: {
              BillingMode: 'PAY_PER_REQUEST',
              LastUpdateToPayPerRequestDateTime: created,
            },
          }),
      ...(own?.encrypted ? { SSEDescription: { Status: 'ENABLED', SSEType: 'KMS' } } : {}),
    };
  }

  /** dynalite turns a new table active a moment later; nobody of the region's callers should fall in between. */
  async function untilSteady(name: string): Promise<void> {
    for (;;) {
      const table = await engine.table(name).catch(() => undefined);
      if (table === undefined || table.TableStatus === 'ACTIVE') return;
      await context.clock.hold(new Promise((resolve) => setImmediate(resolve)));
    }
  }

  const create: Operation<CreateTableInput, CreateTableOutput> = {
    access: onTable(context, 'CreateTable'),
    run: async (input) => {
      refuse(input, [
        'ResourcePolicy',
        'WarmThroughput',
        'OnDemandThroughput',
        'GlobalTableSettingsReplicationMode',
        'VectorIndexes',
      ]);
      if (input.StreamSpecification?.StreamEnabled === true)
        throw new AwsError('ValidationException', 'The local region does not support streams of tables.');
      if (input.TableClass !== undefined && input.TableClass !== 'STANDARD')
        throw new AwsError('ValidationException', `The local region has no table class ${input.TableClass}.`);
      if (input.SSESpecification?.KMSMasterKeyId !== undefined)
        throw new AwsError('ValidationException', 'The local region does not support KMSMasterKeyId.');
      const {
        DeletionProtectionEnabled,
        SSESpecification,
        Tags,
        StreamSpecification: _stream,
        TableClass: _class,
        ...rest
      } = input;
      const name = tableNameOf(context, input.TableName);
      const answer = await engine.run('CreateTable', { ...rest, TableName: name });
      settings.set(name, {
        createdAt: context.clock.now(),
        deletionProtection: DeletionProtectionEnabled ?? false,
        pointInTimeRecovery: false,
        timeToLive: undefined,
        encrypted: SSESpecification?.Enabled ?? false,
      });
      const description = { ...described(answer.TableDescription as Json), TableStatus: 'CREATING' as const };
      await untilSteady(name);
      if (Tags !== undefined && Tags.length > 0)
        await engine.run('TagResource', { ResourceArn: tableArn(context, name), Tags });
      return { TableDescription: description };
    },
  };

  const describe: Operation<DescribeTableInput, DescribeTableOutput> = {
    access: onTable(context, 'DescribeTable'),
    run: async (input) => {
      const answer = await engine.run('DescribeTable', { TableName: tableNameOf(context, input.TableName) });
      return { Table: described(answer.Table as Json) };
    },
  };

  const update: Operation<UpdateTableInput, UpdateTableOutput> = {
    access: onTable(context, 'UpdateTable'),
    run: async (input) => {
      refuse(input, [
        'StreamSpecification',
        'SSESpecification',
        'ReplicaUpdates',
        'TableClass',
        'OnDemandThroughput',
        'WarmThroughput',
      ]);
      const own = settingsOf(input.TableName);
      const { DeletionProtectionEnabled, ...rest } = input;
      const name = tableNameOf(context, input.TableName);
      // What dynalite does not know is taken out; where nothing is left, it is not asked.
      const asked = Object.keys(rest).some((key) => !['TableName', 'AttributeDefinitions'].includes(key));
      if (asked) {
        await engine.run('UpdateTable', { ...rest, TableName: name });
        await untilSteady(name);
      }
      own.deletionProtection = DeletionProtectionEnabled ?? own.deletionProtection;
      return {
        TableDescription: described((await engine.run('DescribeTable', { TableName: name })).Table as Json),
      };
    },
  };

  const remove: Operation<DeleteTableInput, DeleteTableOutput> = {
    access: onTable(context, 'DeleteTable'),
    run: async (input) => {
      const name = tableNameOf(context, input.TableName);
      if (settings.get(name)?.deletionProtection === true)
        throw new AwsError(
          'ValidationException',
          'Resource cannot be deleted as it is currently protected against deletion. Disable deletion protection first.',
        );
      const answer = await engine.run('DeleteTable', { TableName: name });
      const description = { ...described(answer.TableDescription as Json), TableStatus: 'DELETING' as const };
      settings.delete(name);
      await untilSteady(name);
      return { TableDescription: description };
    },
  };

  const list: Operation<ListTablesInput, ListTablesOutput> = {
    access: () => [{ action: 'dynamodb:ListTables', resources: ['*'] }],
    run: (input) => {
      const after = input.ExclusiveStartTableName ?? '';
      const rest = [...settings.keys()].sort().filter((name) => name > after);
      const page = rest.slice(0, input.Limit ?? 100);
      const more = rest.length > page.length ? { LastEvaluatedTableName: page.at(-1) ?? '' } : {};
      return { TableNames: page, ...more };
    },
  };

  const updateBackups: Operation<UpdateContinuousBackupsInput, UpdateContinuousBackupsOutput> = {
    access: onTable(context, 'UpdateContinuousBackups'),
    run: (input) => {
      const own = settingsOf(input.TableName);
      own.pointInTimeRecovery = input.PointInTimeRecoverySpecification?.PointInTimeRecoveryEnabled ?? false;
      return { ContinuousBackupsDescription: backups(own) };
    },
  };

  const describeBackups: Operation<DescribeContinuousBackupsInput, DescribeContinuousBackupsOutput> = {
    access: onTable(context, 'DescribeContinuousBackups'),
    run: (input) => ({ ContinuousBackupsDescription: backups(settingsOf(input.TableName)) }),
  };

  function backups(own: Settings) {
    const status = own.pointInTimeRecovery ? ('ENABLED' as const) : ('DISABLED' as const);
    return {
      ContinuousBackupsStatus: 'ENABLED' as const,
      PointInTimeRecoveryDescription: { PointInTimeRecoveryStatus: status },
    };
  }

  /** Kept and shown; items do not expire by themselves, which AWS too promises only within days. */
  const updateTimeToLive: Operation<UpdateTimeToLiveInput, UpdateTimeToLiveOutput> = {
    access: onTable(context, 'UpdateTimeToLive'),
    run: (input) => {
      settingsOf(input.TableName).timeToLive = input.TimeToLiveSpecification;
      return { TimeToLiveSpecification: input.TimeToLiveSpecification };
    },
  };

  const describeTimeToLive: Operation<DescribeTimeToLiveInput, DescribeTimeToLiveOutput> = {
    access: onTable(context, 'DescribeTimeToLive'),
    run: (input) => {
      const own = settingsOf(input.TableName).timeToLive;
      return {
        TimeToLiveDescription:
          own?.Enabled === true
            ? { TimeToLiveStatus: 'ENABLED', AttributeName: own.AttributeName }
            : { TimeToLiveStatus: 'DISABLED' },
      };
    },
  };

  function onResource<Input extends { ResourceArn: string | undefined }, Output>(
    action: string,
  ): Operation<Input, Output> {
    return {
      access: (input) => [{ action: `dynamodb:${action}`, resources: [input.ResourceArn ?? ''] }],
      run: async (input) => (await engine.run(action, input)) as Output,
    };
  }

  return {
    names: () => [...settings.keys()],
    collection: mapOf('settings', settings),
    operations: {
      CreateTable: create,
      DescribeTable: describe,
      UpdateTable: update,
      DeleteTable: remove,
      ListTables: list,
      UpdateContinuousBackups: updateBackups,
      DescribeContinuousBackups: describeBackups,
      UpdateTimeToLive: updateTimeToLive,
      DescribeTimeToLive: describeTimeToLive,
      TagResource: onResource<TagResourceInput, object>('TagResource'),
      UntagResource: onResource<UntagResourceInput, object>('UntagResource'),
      ListTagsOfResource: onResource<ListTagsOfResourceInput, ListTagsOfResourceOutput>('ListTagsOfResource'),
    },
  };
}

function refuse(input: object, names: readonly string[]): void {
  const found = names.find((name) => (input as Record<string, unknown>)[name] !== undefined);
  if (found !== undefined)
    throw new AwsError('ValidationException', `The local region does not support ${found}.`);
}
