/** One role for each function: what its entry in infra/roles says, and its own log. */
import { type DeclaredFunction, declaredFunctions, pascalCase, type Statement } from './declared.ts';

type Json = null | boolean | number | string | readonly Json[] | { readonly [key: string]: Json };

const aws = (service: string, rest: string) =>
  `arn:\${AWS::Partition}:${service}:\${AWS::Region}:\${AWS::AccountId}:${rest}`;
const bucket = (part: string) =>
  `arn:\${AWS::Partition}:s3:::\${AWS::StackName}-${part}-\${AWS::AccountId}-\${AWS::Region}`;

/**
 * Names that statements may use for the stack's things. They are spelt out rather than taken from the resource
 * with GetAtt: a role that waits for the bucket, and a bucket that waits for the function it notifies, would wait
 * for each other for ever.
 */
const shorthands: Readonly<Record<string, string>> = {
  TableArn: aws('dynamodb', `table/\${AWS::StackName}`),
  UploadBucketArn: bucket('uploads'),
  StoreBucketArn: bucket('store'),
  MachinePrefix: aws('states', `stateMachine:\${AWS::StackName}-`),
  ExecutionPrefix: aws('states', `execution:\${AWS::StackName}-`),
};

/** Spells the shorthands out, and puts `Fn::Sub` around each text that holds a variable. */
export function substituted(value: unknown): Json {
  if (Array.isArray(value)) return value.map(substituted);
  if (typeof value === 'object' && value !== null)
    return Object.fromEntries(
      Object.entries(value).map(([key, inner]) =>
        // A text under a Fn::Sub is one already.
        key === 'Fn::Sub' ? [key, spelt(String(inner))] : [key, substituted(inner)],
      ),
    );
  if (typeof value === 'string') return value.includes('${') ? { 'Fn::Sub': spelt(value) } : value;
  return value as Json;
}

function spelt(text: string): string {
  return text.replaceAll(/\$\{(\w+)\}/g, (whole, name: string) => shorthands[name] ?? whole);
}

function policyStatement({ If, ...rest }: Statement): Json {
  const statement = { Effect: 'Allow', ...(substituted(rest) as object) };
  return If === undefined ? statement : { 'Fn::If': [If, statement, { Ref: 'AWS::NoValue' }] };
}

/** A role that `service` may assume, with one inline policy. */
export function role(service: string, description: string, statements: readonly Statement[]): Json {
  return {
    Type: 'AWS::IAM::Role',
    Properties: {
      Description: description,
      AssumeRolePolicyDocument: {
        Version: '2012-10-17',
        Statement: [{ Effect: 'Allow', Principal: { Service: service }, Action: 'sts:AssumeRole' }],
      },
      Policies: [
        {
          PolicyName: 'own',
          PolicyDocument: {
            Version: '2012-10-17',
            Statement: statements.map(policyStatement),
          },
        },
      ],
    },
  };
}

/** Lambda makes no log group where the stack has made it: streams and lines are all that is written. */
function ownLog(declared: DeclaredFunction): Statement {
  return {
    Action: ['logs:CreateLogStream', 'logs:PutLogEvents'],
    Resource: aws('logs', `log-group:/aws/lambda/\${AWS::StackName}-${declared.name}:*`),
  };
}

/** `ReceiveUploadRole` and its like. */
export function functionRoles(): Record<string, Json> {
  return Object.fromEntries(
    declaredFunctions().map((declared) => [
      `${pascalCase(declared.name)}Role`,
      role('lambda.amazonaws.com', `What functions/${declared.name}.ts may do`, [
        ownLog(declared),
        ...declared.statements,
      ]),
    ]),
  );
}
