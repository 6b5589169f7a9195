/**
 * `npm run deploy`: packages the stack and deploys it to the account that the AWS environment names. It asks who
 * that is before it changes anything. docs/deploying.md tells the whole story.
 *
 *   npm run deploy -- --vpc vpc-1 --subnets subnet-1,subnet-2 --security-groups sg-1 --listener arn:… [--stack NAME] [--region NAME]
 */
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { GetCallerIdentityCommand, STSClient } from '@aws-sdk/client-sts';
import { osls, packageStack } from './package.ts';

export interface DeployOptions {
  readonly stack: string;
  readonly region: string;
  /** Values of the template's parameters. */
  readonly parameters: Readonly<
    Record<'VpcId' | 'SubnetIds' | 'SecurityGroupIds' | 'ListenerArn', string>
  > & {
    readonly InstanceRoles?: string;
    readonly EbsKeyArn?: string;
  };
}

const usage = `npm run deploy -- --vpc VPC --subnets A,B --security-groups A,B --listener ARN [--instance-roles ROLES] [--ebs-key ARN] [--stack NAME] [--region NAME]

Each can come from the environment instead: FLOTILLA_VPC, FLOTILLA_SUBNETS, FLOTILLA_SECURITY_GROUPS,
FLOTILLA_LISTENER, FLOTILLA_INSTANCE_ROLES, FLOTILLA_EBS_KEY, FLOTILLA_STACK, AWS_REGION. docs/deploying.md says what they are.`;

/**
 * Reads what to deploy from arguments and environment, which the arguments outrank.
 * @throws Error saying all that is missing or malformed at once.
 */
export function readDeployOptions(
  args: readonly string[],
  env: Readonly<Record<string, string | undefined>>,
): DeployOptions {
  const text = { type: 'string' } as const;
  const { values } = parseArgs({
    args: [...args],
    options: {
      vpc: text,
      subnets: text,
      'security-groups': text,
      listener: text,
      'instance-roles': text,
      'ebs-key': text,
      stack: text,
      region: text,
    },
  });
  const complaints: string[] = [];
  const checked = (name: string, value: string | undefined, pattern: RegExp, example: string): string => {
    if (value === undefined || value === '') complaints.push(`${name} is missing, for example ${example}`);
    else if (!pattern.test(value)) complaints.push(`${name} is ${value}; it should look like ${example}`);
    return value ?? '';
  };
  const instanceRoles = values['instance-roles'] ?? env.FLOTILLA_INSTANCE_ROLES;
  const ebsKey = values['ebs-key'] ?? env.FLOTILLA_EBS_KEY;
  const options: DeployOptions = {
    // The buckets' names hold the stack's, the account's and the region's; 63 characters are theirs at most.
    stack: checked(
      '--stack',
      values.stack ?? env.FLOTILLA_STACK ?? 'flotilla',
      /^[a-z][a-z0-9-]{0,19}$/,
      'flotilla',
    ),
    region: checked('--region', values.region ?? env.AWS_REGION, /^[a-z]{2}(-[a-z]+)+-\d$/, 'eu-west-1'),
    parameters: {
      VpcId: checked('--vpc', values.vpc ?? env.FLOTILLA_VPC, /^vpc-[0-9a-f]+$/, 'vpc-0123456789abcdef0'),
      SubnetIds: checked(
        '--subnets',
        values.subnets ?? env.FLOTILLA_SUBNETS,
        /^subnet-[0-9a-f]+(,subnet-[0-9a-f]+)*$/,
        'subnet-0123456789abcdef0,subnet-0fedcba9876543210',
      ),
      SecurityGroupIds: checked(
        '--security-groups',
        values['security-groups'] ?? env.FLOTILLA_SECURITY_GROUPS,
        /^sg-[0-9a-f]+(,sg-[0-9a-f]+)*$/,
        'sg-0123456789abcdef0',
      ),
      ListenerArn: checked(
        '--listener',
        values.listener ?? env.FLOTILLA_LISTENER,
        /^arn:[^:]+:elasticloadbalancing:[^:]+:\d{12}:listener\/app\/.+$/,
        'arn:aws:elasticloadbalancing:eu-west-1:111122223333:listener/app/web/0123456789abcdef/0123456789abcdef',
      ),
      ...(instanceRoles === undefined
        ? {}
        : {
            InstanceRoles: checked(
              '--instance-roles',
              instanceRoles,
              /^[\w+=,.@*?-][\w+=,.@/*?-]*$/,
              'flotilla/*',
            ),
          }),
      ...(ebsKey === undefined
        ? {}
        : {
            EbsKeyArn: checked(
              '--ebs-key',
              ebsKey,
              /^arn:[^:]+:kms:[^:]+:\d{12}:key\/.+$/,
              'arn:aws:kms:eu-west-1:111122223333:key/01234567-89ab-cdef-0123-456789abcdef',
            ),
          }),
    },
  };
  if (complaints.length > 0) throw new Error(`${complaints.join('\n')}\n\n${usage}`);
  return options;
}

/** Who the AWS environment makes us, or a sentence on how to become somebody. @throws Error */
async function callerIn(region: string): Promise<{ account: string; arn: string }> {
  try {
    const { Account = '', Arn = '' } = await new STSClient({ region }).send(new GetCallerIdentityCommand({}));
    return { account: Account, arn: Arn };
  } catch (cause) {
    throw new Error(
      `There are no AWS credentials that work here (${(cause as Error).message}).\n` +
        'Log in first (aws sso login, or AWS_PROFILE, or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY), then try again.',
      { cause },
    );
  }
}

/** From what `osls info --verbose` says: a heading, and below it one output a line. */
export function stackOutputs(said: string): ReadonlyMap<string, string> {
  const listed = /^Stack Outputs:\n((?: +\S+: .*\n?)*)/m.exec(said)?.[1] ?? '';
  return new Map([...listed.matchAll(/^ +(\S+): (.*)$/gm)].map(([, name = '', value = '']) => [name, value]));
}

/** What a person needs after a deployment: all outputs, and lines for the shell that make the command use them. */
export function whatStands(outputs: ReadonlyMap<string, string>, region: string): string {
  const listed = [...outputs].map(([name, value]) => `  ${name}: ${value}`);
  return [
    ...listed,
    '',
    'The flotilla command finds the API by:',
    '',
    `  export FLOTILLA_API_URL=${outputs.get('ApiUrl') ?? '(no output ApiUrl)'} AWS_REGION=${region}`,
    '',
    'Next: a kernel bundle, and sh infra/smoke.sh (docs/deploying.md).',
  ].join('\n');
}

async function main(): Promise<void> {
  if (Object.keys(process.env).some((name) => name.startsWith('AWS_ENDPOINT_URL')))
    throw new Error(
      'AWS_ENDPOINT_URL points away from AWS; a local region deploys the stack by itself. Unset it.',
    );
  const options = readDeployOptions(process.argv.slice(2), process.env);
  const caller = await callerIn(options.region);
  const listenerAccount = options.parameters.ListenerArn.split(':')[4];
  if (listenerAccount !== caller.account)
    throw new Error(
      `The listener belongs to account ${listenerAccount}, the credentials to ${caller.account}.`,
    );
  console.log(`Deploying ${options.stack} to account ${caller.account}, ${options.region}, as ${caller.arn}`);
  await packageStack(options.stack, (line) => console.error(line));
  const parameters = Object.entries(options.parameters).flatMap(([name, value]) => [
    '--param',
    `${name}=${value}`,
  ]);
  const place = ['--stage', options.stack, '--region', options.region];
  osls(['deploy', ...place, ...parameters], 'inherit');
  console.log('Deployed. The outputs of the stack:');
  console.log(whatStands(stackOutputs(osls(['info', '--verbose', ...place])), options.region));
}

if (process.argv[1] === fileURLToPath(import.meta.url))
  await main().catch((error: unknown) => {
    console.error(error instanceof Error ? error.message : error);
    process.exitCode = 1;
  });
