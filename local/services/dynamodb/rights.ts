/**
 * Which rights DynamoDB's operations need, and how tables are named.
 * https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazondynamodb.html
 */
import { arn, type Context } from '../../context.ts';
import { type Access, AwsError } from '../../service.ts';

interface OnTable {
  readonly TableName?: string | undefined;
  readonly IndexName?: string | undefined;
}

/** A table may be named by its ARN: the name alone. @throws AwsError for a table elsewhere. */
export function tableNameOf(context: Context, name: string | undefined): string {
  if (name === undefined || !name.startsWith('arn:')) return name ?? '';
  const prefix = arn(context, 'dynamodb', 'table/');
  if (!name.startsWith(prefix))
    throw new AwsError('AccessDeniedException', `The local region has no table ${name}.`, 400);
  return name.slice(prefix.length).split('/')[0] ?? '';
}

export function tableArn(context: Context, name: string | undefined): string {
  return arn(context, 'dynamodb', `table/${tableNameOf(context, name)}`);
}

/** The right to the table or, where the request names one, to the index instead. */
export function onTable(context: Context, action: string) {
  return (input: OnTable): readonly Access[] => {
    const table = tableArn(context, input.TableName);
    const resource = input.IndexName === undefined ? table : `${table}/index/${input.IndexName}`;
    return [{ action: `dynamodb:${action}`, resources: [resource] }];
  };
}

/** The right to each of the tables of a batch. */
export function onTables(context: Context, action: string) {
  return (input: { RequestItems?: Readonly<Record<string, unknown>> | undefined }): readonly Access[] =>
    Object.keys(input.RequestItems ?? {}).flatMap((name) => onTable(context, action)({ TableName: name }));
}
