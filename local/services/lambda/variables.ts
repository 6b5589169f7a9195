import type { SessionCredentials } from '../../context.ts';
import type { FunctionRevision } from './executor.ts';

/** What the region gives to an environment besides the function's variables. */
export interface EnvironmentSettings {
  readonly regionName: string;
  readonly endpoint: string;
  readonly logStream: string;
  readonly credentials: SessionCredentials;
  /** How a process that is in a VPC gets out. */
  readonly network?: Readonly<Record<string, string>>;
}

/** All variables of an environment. https://docs.aws.amazon.com/lambda/latest/dg/configuration-envvars.html#configuration-envvars-runtime */
export function variablesOf(
  revision: FunctionRevision,
  settings: EnvironmentSettings,
): Record<string, string> {
  return {
    PATH: '/usr/local/bin:/usr/bin:/bin',
    LANG: 'en_US.UTF-8',
    TZ: ':UTC',
    HOME: '/home/sbx_user1051',
    ...revision.variables,
    ...settings.network,
    _HANDLER: revision.handler,
    LAMBDA_TASK_ROOT: revision.code.directory,
    AWS_REGION: settings.regionName,
    AWS_DEFAULT_REGION: settings.regionName,
    AWS_EXECUTION_ENV: 'AWS_Lambda_nodejs24.x',
    AWS_LAMBDA_INITIALIZATION_TYPE: 'on-demand',
    AWS_LAMBDA_FUNCTION_NAME: revision.name,
    AWS_LAMBDA_FUNCTION_VERSION: '$LATEST',
    AWS_LAMBDA_FUNCTION_MEMORY_SIZE: String(revision.memoryMb),
    AWS_LAMBDA_FUNCTION_TIMEOUT: String(revision.timeoutSeconds),
    AWS_LAMBDA_LOG_GROUP_NAME: revision.logGroup,
    AWS_LAMBDA_LOG_STREAM_NAME: settings.logStream,
    AWS_ENDPOINT_URL: settings.endpoint,
    AWS_ACCESS_KEY_ID: settings.credentials.accessKeyId,
    AWS_SECRET_ACCESS_KEY: settings.credentials.secretAccessKey,
    AWS_SESSION_TOKEN: settings.credentials.sessionToken,
  };
}
