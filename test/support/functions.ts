/** Small functions to run in a region. */
import type { VpcConfig } from '@aws-sdk/client-lambda';
import { build } from 'esbuild';
import { strToU8, zipSync } from 'fflate';
import type { Region } from '../../local/region.ts';

/** A zip file with this text as index.mjs. */
export function zipOf(source: string): Uint8Array {
  return zipSync({ 'index.mjs': strToU8(source) });
}

/** The source bundled as the project's functions are, with the packages that it imports. */
export async function bundleOf(source: string): Promise<string> {
  const { outputFiles } = await build({
    stdin: { contents: source, resolveDir: import.meta.dirname, loader: 'js' },
    bundle: true,
    write: false,
    platform: 'node',
    target: 'node24',
    format: 'esm',
    minify: true,
    keepNames: true,
    mainFields: ['module', 'main'],
    banner: {
      js: "import{createRequire as __createRequire}from'node:module';const require=__createRequire(import.meta.url);",
    },
  });
  return outputFiles[0]?.text ?? '';
}

export interface FunctionSettings {
  readonly Timeout?: number;
  readonly MemorySize?: number;
  readonly VpcConfig?: VpcConfig;
  readonly Environment?: { readonly Variables: Readonly<Record<string, string>> };
}

/** Creates a function with a role of its own, which may write its log and do what `policy` says. @returns its ARN. */
export async function createFunction(
  region: Region,
  name: string,
  source: string,
  settings: FunctionSettings = {},
  policy: readonly object[] = [],
): Promise<string> {
  const role = region.iam.createRole({
    name: `${name}-role`,
    assumeRolePolicy: {
      Statement: [
        { Effect: 'Allow', Principal: { Service: 'lambda.amazonaws.com' }, Action: 'sts:AssumeRole' },
      ],
    },
    policies: policy.length === 0 ? {} : { own: { Statement: policy } },
    // Without these rights a function has no log.
    managedPolicyArns: ['arn:aws:iam::aws:policy/service-role/AWSLambdaBasicExecutionRole'],
  });
  const made = (await region.call('lambda', 'CreateFunction', {
    FunctionName: name,
    Runtime: 'nodejs24.x',
    Handler: 'index.handler',
    Role: role.arn,
    MemorySize: 256,
    Code: { ZipFile: zipOf(source) },
    ...settings,
  })) as { FunctionArn: string };
  return made.FunctionArn;
}

/** Invokes as root. */
export async function invoke(region: Region, name: string, payload: unknown = {}) {
  const answer = (await region.call('lambda', 'Invoke', {
    FunctionName: name,
    Payload: Buffer.from(JSON.stringify(payload)),
    LogType: 'Tail',
  })) as { Payload: Uint8Array; FunctionError?: string; LogResult: string };
  return {
    error: answer.FunctionError,
    // biome-ignore lint/suspicious/noExplicitAny: whatever the function answered, looked at by tests
    payload: JSON.parse(Buffer.from(answer.Payload).toString()) as any,
    log: Buffer.from(answer.LogResult, 'base64').toString(),
  };
}
