import { existsSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { basename, join } from 'node:path';
import { unzipSync } from 'fflate';
import { describe, expect, it } from 'vitest';
import { packageDir, templateFile } from '../../infra/package.ts';
import { declaredFunctions, machineNames, pascalCase } from '../../infra/template/declared.ts';
import { substituteDefinition } from '../../local/stack/resources/flow.ts';
import { errorCatalogue } from '../../src/errors.ts';

interface Resource {
  readonly Type: string;
  // biome-ignore lint/suspicious/noExplicitAny: the template is looked at, not typed
  readonly Properties: any;
  readonly DeletionPolicy?: string;
  readonly UpdateReplacePolicy?: string;
}
interface Statement {
  readonly Effect: string;
  readonly Action: string | readonly string[];
  readonly Resource: unknown;
}
/** A statement that stands where a condition of the template holds. */
interface Conditional {
  readonly 'Fn::If': readonly [condition: string, statement: Statement, otherwise: unknown];
}

if (!existsSync(templateFile))
  throw new Error('Run npm run package first: these tests look at what it makes.');
const template = JSON.parse(readFileSync(templateFile, 'utf8')) as {
  readonly Resources: Readonly<Record<string, Resource>>;
};
const ofType = (type: string) => Object.entries(template.Resources).filter(([, { Type }]) => Type === type);
const functions = ofType('AWS::Lambda::Function');
const machines = ofType('AWS::StepFunctions::StateMachine');
const statements = ofType('AWS::IAM::Role').flatMap(([id, { Properties }]) =>
  (Properties.Policies as { PolicyDocument: { Statement: (Statement | Conditional)[] } }[]).flatMap(
    (policy) =>
      policy.PolicyDocument.Statement.map((one) => {
        if (!('Fn::If' in one)) return { id, condition: undefined, ...one };
        const [condition, statement, otherwise] = one['Fn::If'];
        return { id, condition, otherwise, ...statement };
      }),
  ),
);
const actionsOf = (statement: Statement) => [statement.Action].flat();

/**
 * Actions that take no other resource than `*`, by the services' own references:
 * https://docs.aws.amazon.com/service-authorization/latest/reference/reference_policies_actions-resources-contextkeys.html
 */
const withoutResource = new Set([
  // list_amazonec2.html, list_amazonec2autoscaling.html, list_awselasticloadbalancingv2.html: descriptions
  'autoscaling:DescribeAccountLimits',
  'autoscaling:DescribeAutoScalingGroups',
  'autoscaling:DescribeInstanceRefreshes',
  'autoscaling:DescribePolicies',
  'autoscaling:DescribeScalingActivities',
  'ec2:DescribeImages',
  'ec2:DescribeInstances',
  'ec2:DescribeInstanceTypes',
  'ec2:DescribeLaunchTemplateVersions',
  'ec2:DescribeLaunchTemplates',
  'ec2:DescribeNetworkInterfaces',
  'ec2:DescribeSecurityGroups',
  'ec2:DescribeSnapshots',
  'ec2:DescribeSubnets',
  'elasticloadbalancing:DescribeListeners',
  'elasticloadbalancing:DescribeLoadBalancers',
  'elasticloadbalancing:DescribeRules',
  'elasticloadbalancing:DescribeTags',
  'elasticloadbalancing:DescribeTargetGroupAttributes',
  'elasticloadbalancing:DescribeTargetGroups',
  'elasticloadbalancing:DescribeTargetHealth',
  // GetMetricData takes none; DescribeAlarms tells of composite alarms only where it is allowed for `*`:
  // https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_DescribeAlarms.html
  'cloudwatch:DescribeAlarms',
  'cloudwatch:GetMetricData',
  // list_servicequotas.html
  'servicequotas:GetServiceQuota',
  // list_awsstepfunctions.html: who has the token of a task may end it
  'states:SendTaskFailure',
  'states:SendTaskSuccess',
  // https://docs.aws.amazon.com/step-functions/latest/dg/cw-logs.html: delivery of logs
  'logs:CreateLogDelivery',
  'logs:DeleteLogDelivery',
  'logs:DescribeLogGroups',
  'logs:DescribeResourcePolicies',
  'logs:GetLogDelivery',
  'logs:ListLogDeliveries',
  'logs:PutResourcePolicy',
  'logs:UpdateLogDelivery',
]);

describe('the functions of the packaged template', () => {
  it('are the declared ones', () => {
    const names = functions.map(([, { Properties }]) => Properties.FunctionName as string);
    expect(new Set(names)).toEqual(new Set(declaredFunctions().map(({ name }) => `flotilla-${name}`)));
  });

  it.each(functions)('%s: its zip exports its handler', (_, { Properties }) => {
    const [module, exported] = String(Properties.Handler).split('.');
    const zip = unzipSync(readFileSync(join(packageDir, basename(Properties.Code.S3Key))));
    const source = Buffer.from(zip[`${module}.mjs`] ?? []).toString();
    expect(source).toMatch(
      new RegExp(`export\\s*\\{[^}]*\\b${exported}\\b[^}]*\\}|export const ${exported}\\b`),
    );
    expect(Object.keys(zip)).toContain(`${module}.mjs.map`);
  });

  it('each have a role of their own', () => {
    const roles = functions.map(([, { Properties }]) => Properties.Role['Fn::GetAtt'][0] as string);
    expect(new Set(roles).size).toBe(functions.length);
    for (const [id, { Properties }] of functions)
      expect(Properties.Role['Fn::GetAtt'][0]).toBe(id.replace('LambdaFunction', 'Role'));
  });

  it('end within a minute, where they do not stream a whole disk', () => {
    for (const [id, { Properties }] of functions) {
      const streams = /^(InspectArtifact|WriteBlocks|VerifySnapshot)Lambda/.test(id);
      expect(Properties.Timeout, id).toBeLessThanOrEqual(streams ? 900 : 60);
      expect(Properties.MemorySize, id).toBeLessThanOrEqual(512);
    }
  });

  it('behind the HTTP API answer before it gives up', () => {
    for (const [id, { Properties }] of functions)
      if (id.startsWith('Api')) expect(Properties.Timeout, id).toBeLessThan(30);
  });

  it('each have a log group that forgets', () => {
    const groups = ofType('AWS::Logs::LogGroup').map(([, { Properties }]) => Properties);
    for (const [, { Properties }] of functions)
      expect(groups).toContainEqual({
        LogGroupName: `/aws/lambda/${Properties.FunctionName}`,
        RetentionInDays: 90,
      });
  });
});

describe('the alarms of the packaged template', () => {
  const scheduled = ofType('AWS::Events::Rule').filter(([, { Properties }]) => Properties.ScheduleExpression);

  it.each(scheduled)(
    '%s: an alarm watches what it calls, over no less time than lies between two calls',
    (_, rule) => {
      const [, rate = '', unit = ''] =
        /^rate\((\d+) (minute|hour)s?\)$/.exec(rule.Properties.ScheduleExpression) ?? [];
      const everySeconds = Number(rate) * (unit === 'hour' ? 3600 : 60);
      for (const { Arn } of rule.Properties.Targets as { Arn: { 'Fn::GetAtt': [string, string] } }[]) {
        const watching = ofType('AWS::CloudWatch::Alarm').filter(
          ([, { Properties }]) =>
            Properties.MetricName === 'Errors' && Properties.Dimensions[0].Value.Ref === Arn['Fn::GetAtt'][0],
        );
        expect(watching).toHaveLength(1);
        for (const [id, { Properties }] of watching)
          expect(Properties.Period, id).toBeGreaterThanOrEqual(everySeconds);
      }
    },
  );
});

describe('the alarm on sweeps that are missing', () => {
  it('rings where a period of five has none, though nothing is measured then', () => {
    const alarms = ofType('AWS::CloudWatch::Alarm').map(([, { Properties }]) => Properties);
    expect(alarms).toContainEqual({
      AlarmDescription: expect.stringContaining('sweep is not called'),
      Namespace: 'AWS/Lambda',
      MetricName: 'Invocations',
      Dimensions: [{ Name: 'FunctionName', Value: { Ref: 'SweepLambdaFunction' } }],
      Statistic: 'Sum',
      Period: 300,
      EvaluationPeriods: 1,
      Threshold: 1,
      ComparisonOperator: 'LessThanThreshold',
      TreatMissingData: 'breaching',
    });
  });
});

describe('the roles of the packaged template', () => {
  it('allow no action by a lone star', () => {
    for (const statement of statements)
      for (const action of actionsOf(statement)) {
        expect(action, statement.id).toMatch(/^[a-z0-9-]+:[A-Za-z]/);
        expect(action, statement.id).not.toContain('*');
      }
  });

  it('name every resource, save for actions that take none', () => {
    for (const statement of statements) {
      if (![statement.Resource].flat().includes('*')) continue;
      for (const action of actionsOf(statement)) expect(withoutResource, statement.id).toContain(action);
    }
  });

  it('hold rights to a key where one is named, for those alone who write, read or boot what it encrypts', () => {
    const own = (action: RegExp) =>
      new Set(
        statements.filter((one) => actionsOf(one).some((name) => action.test(name))).map(({ id }) => id),
      );
    // Auto Scaling launches the instances of fleets by a role of its own.
    const wanting = new Set([...own(/^ebs:/), 'LaunchSmokeBootRole']);
    for (const action of [/^kms:/, /^kms:Decrypt$/, /^kms:CreateGrant$/])
      expect(own(action)).toEqual(wanting);
    for (const one of statements.filter((some) => actionsOf(some).some((name) => name.startsWith('kms:'))))
      expect(one).toMatchObject({
        condition: 'EbsKeyNamed',
        otherwise: { Ref: 'AWS::NoValue' },
        Resource: { 'Fn::Sub': '${EbsKeyArn}' },
      });
  });

  it('trust one service each', () => {
    for (const [id, { Properties }] of ofType('AWS::IAM::Role')) {
      const [statement, ...more] = Properties.AssumeRolePolicyDocument.Statement;
      expect(more, id).toEqual([]);
      expect(['lambda.amazonaws.com', 'states.amazonaws.com'], id).toContain(statement.Principal.Service);
    }
  });
});

describe('the state machines of the packaged template', () => {
  it('are the three of the design', () => {
    expect(machines.map(([id]) => id).sort()).toEqual(
      machineNames.map((name) => `${pascalCase(name)}Machine`).sort(),
    );
  });

  it.each(machines)('%s: every placeholder is filled in', (_, { Properties }) => {
    const arns = Object.fromEntries(
      Object.keys(Properties.DefinitionSubstitutions).map((name) => [
        name,
        `arn:aws:lambda:x:1:function:${name}`,
      ]),
    );
    expect(substituteDefinition(Properties.Definition, arns)).not.toMatch(/\$\{/);
    for (const [placeholder, value] of Object.entries(Properties.DefinitionSubstitutions)) {
      const [target] = (value as { 'Fn::GetAtt': [string, string] })['Fn::GetAtt'];
      expect(target).toBe(placeholder.replace(/Arn$/, 'LambdaFunction'));
      expect(template.Resources[target]?.Type).toBe('AWS::Lambda::Function');
    }
  });

  it.each(machines)('%s: what it catches and tries again has a name that exists', (_, { Properties }) => {
    const names = [...JSON.stringify(Properties.Definition).matchAll(/"ErrorEquals":(\[[^\]]*\])/g)].flatMap(
      ([, list]) => JSON.parse(list ?? '[]') as string[],
    );
    for (const name of names) {
      if (/^(States|Lambda|Sandbox|Runtime)\.[A-Z]/.test(name)) continue;
      expect(Object.keys(errorCatalogue)).toContain(name);
    }
  });

  it.each(machines)('%s: is valid Amazon States Language', (_, { Properties }) => {
    const validate = createRequire(import.meta.url)('asl-validator') as (definition: unknown) => {
      isValid: boolean;
      errorsText(): string;
    };
    const arns = Object.fromEntries(
      Object.keys(Properties.DefinitionSubstitutions).map((name) => [
        name,
        `arn:aws:lambda:us-east-1:000000000000:function:${name}`,
      ]),
    );
    const outcome = validate(JSON.parse(substituteDefinition(Properties.Definition, arns)));
    expect(outcome.isValid ? '' : outcome.errorsText()).toBe('');
  });
});

describe('the storage of the packaged template', () => {
  // Not what a deployment made that failed: under its fixed name it would stand in the way of the next one.
  it.each(['Table', 'UploadBucket', 'StoreBucket'])('%s outlives the stack, once that stands', (id) => {
    expect(template.Resources[id]?.DeletionPolicy).toBe('RetainExceptOnCreate');
    expect(template.Resources[id]?.UpdateReplacePolicy).toBe('Retain');
  });

  it.each(['UploadBucket', 'StoreBucket'])('%s is versioned, private and encrypted', (id) => {
    const { Properties } = template.Resources[id] as Resource;
    expect(Properties.VersioningConfiguration).toEqual({ Status: 'Enabled' });
    expect(Object.values(Properties.PublicAccessBlockConfiguration)).toEqual([true, true, true, true]);
    expect(Properties.BucketEncryption.ServerSideEncryptionConfiguration).toHaveLength(1);
    const [statement] = template.Resources[`${id}Policy`]?.Properties.PolicyDocument.Statement ?? [];
    expect(statement).toMatchObject({
      Effect: 'Deny',
      Condition: { Bool: { 'aws:SecureTransport': 'false' } },
    });
  });

  it('lets nobody drop the table, and can go back in time', () => {
    expect(template.Resources.Table?.Properties).toMatchObject({
      DeletionProtectionEnabled: true,
      PointInTimeRecoverySpecification: { PointInTimeRecoveryEnabled: true },
      BillingMode: 'PAY_PER_REQUEST',
    });
  });
});

describe('the HTTP API of the packaged template', () => {
  it('asks every caller for an IAM signature', () => {
    const routes = ofType('AWS::ApiGatewayV2::Route');
    expect(routes.length).toBeGreaterThan(0);
    for (const [id, { Properties }] of routes) expect(Properties.AuthorizationType, id).toBe('AWS_IAM');
  });
});
