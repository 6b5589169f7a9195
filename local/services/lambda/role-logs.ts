import { arn, type Context } from '../../context.ts';
import type { Iam } from '../../iam/iam.ts';
import type { LogSink } from './executor.ts';

/** Where lines are kept. */
export interface LogKeeper {
  append(group: string, stream: string, messages: readonly string[]): void;
}

/**
 * Lambda writes a function's log with the function's rights: a role that may not write has no log, and nobody is
 * told. https://docs.aws.amazon.com/lambda/latest/dg/monitoring-cloudwatchlogs.html
 */
export function roleLogs(
  context: Context,
  iam: Pick<Iam, 'refusal' | 'rolePrincipal'>,
  keeper: LogKeeper,
): LogSink {
  const open = new Set<string>();
  return {
    append({ name, roleArn, logGroup }, stream, messages) {
      const group = arn(context, 'logs', `log-group:${logGroup}`);
      const principal = iam.rolePrincipal(roleArn, name);
      const may = (action: string, resource: string): boolean =>
        iam.refusal(principal, { action: `logs:${action}`, resources: [resource] }) === undefined;
      const key = `${logGroup} ${stream}`;
      if (!open.has(key)) {
        if (!may('CreateLogStream', `${group}:*`)) return;
        open.add(key);
      }
      if (may('PutLogEvents', `${group}:log-stream:${stream}`)) keeper.append(logGroup, stream, messages);
    },
  };
}
