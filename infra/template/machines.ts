/**
 * The state machines with their roles and logs. The definitions stay plain Amazon States Language: what they call
 * is a placeholder such as `${ReceiveUploadArn}`, filled in from the function of that name.
 */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parse } from 'yaml';
import { declaredFunctions, machineNames, machineStatements, partial, pascalCase, root } from './declared.ts';
import { functionLogicalId } from './functions.ts';
import { role } from './roles.ts';

/**
 * Delivery of logs is set up by Step Functions for the caller, and none of these takes a resource.
 * https://docs.aws.amazon.com/step-functions/latest/dg/cw-logs.html
 */
const logDelivery = [
  'logs:CreateLogDelivery',
  'logs:GetLogDelivery',
  'logs:UpdateLogDelivery',
  'logs:DeleteLogDelivery',
  'logs:ListLogDeliveries',
  'logs:PutResourcePolicy',
  'logs:DescribeResourcePolicies',
  'logs:DescribeLogGroups',
];

interface Machine {
  readonly name: string;
  readonly definition: object;
  /** Names of functions, in kebab case. */
  readonly calls: readonly string[];
}

function readMachine(name: string): Machine {
  const file = `statemachines/${name}.asl.yml`;
  if (partial && !existsSync(join(root, file)))
    return {
      name,
      definition: {
        QueryLanguage: 'JSONata',
        StartAt: 'Missing',
        States: { Missing: { Type: 'Fail', Error: `${file} is not written` } },
      },
      calls: [],
    };
  const text = readFileSync(join(root, file), 'utf8');
  const byPlaceholder = new Map(declaredFunctions().map((one) => [`${pascalCase(one.name)}Arn`, one.name]));
  const placeholders = new Set([...text.matchAll(/\$\{(\w+)\}/g)].map((match) => match[1] ?? ''));
  const calls = [...placeholders].sort().map((placeholder) => {
    const called = byPlaceholder.get(placeholder);
    if (called === undefined)
      throw new Error(`${file}: \${${placeholder}} is the ARN of no declared function`);
    return called;
  });
  return { name, definition: parse(text) as object, calls };
}

function resources({ name, definition, calls }: Machine): [string, unknown][] {
  const stem = pascalCase(name);
  const arns = calls.map((called) => ({ 'Fn::GetAtt': [functionLogicalId(called), 'Arn'] }));
  const machineRole = role('states.amazonaws.com', `What the state machine ${name} may do`, [
    { Action: logDelivery, Resource: '*' },
    ...(arns.length > 0 ? [{ Action: 'lambda:InvokeFunction', Resource: arns as unknown as string[] }] : []),
    ...machineStatements(name),
  ]);
  return [
    [`${stem}Role`, machineRole],
    [
      `${stem}Logs`,
      {
        Type: 'AWS::Logs::LogGroup',
        Properties: {
          // Names under /aws/vendedlogs/ share one resource policy, which is limited in length.
          LogGroupName: { 'Fn::Sub': `/aws/vendedlogs/states/\${AWS::StackName}-${name}` },
          RetentionInDays: 90,
        },
      },
    ],
    [
      `${stem}Machine`,
      {
        Type: 'AWS::StepFunctions::StateMachine',
        // cfn-lint holds TimeoutSeconds and MaxConcurrency to numbers; under JSONata they may be expressions.
        Metadata: { 'cfn-lint': { config: { ignore_checks: ['E3601'] } } },
        Properties: {
          StateMachineName: { 'Fn::Sub': `\${AWS::StackName}-${name}` },
          StateMachineType: 'STANDARD',
          RoleArn: { 'Fn::GetAtt': [`${stem}Role`, 'Arn'] },
          Definition: definition,
          DefinitionSubstitutions: Object.fromEntries(
            calls.map((called, index) => [`${pascalCase(called)}Arn`, arns[index]]),
          ),
          LoggingConfiguration: {
            Level: 'ERROR',
            IncludeExecutionData: false,
            Destinations: [
              { CloudWatchLogsLogGroup: { LogGroupArn: { 'Fn::GetAtt': [`${stem}Logs`, 'Arn'] } } },
            ],
          },
          TracingConfiguration: { Enabled: false },
        },
      },
    ],
  ];
}

/** `BuildImageMachine`, `BuildImageRole`, `BuildImageLogs` and their like. */
export function machines(): Record<string, unknown> {
  return Object.fromEntries(machineNames.flatMap((name) => resources(readMachine(name))));
}
