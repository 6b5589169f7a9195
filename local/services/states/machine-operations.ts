import type {
  CreateStateMachineInput,
  CreateStateMachineOutput,
  DeleteStateMachineInput,
  DescribeStateMachineInput,
  DescribeStateMachineOutput,
  ListStateMachinesInput,
  ListTagsForResourceInput,
  TagResourceInput,
  UntagResourceInput,
  UpdateStateMachineInput,
  ValidateStateMachineDefinitionInput,
  ValidateStateMachineDefinitionOutput,
} from '@aws-sdk/client-sfn';
import { arn } from '../../context.ts';
import { type Access, AwsError, type Operations } from '../../service.ts';
import { page } from '../paging.ts';
import { onlySupported } from '../supported.ts';
import { checkDefinition } from './check-definition.ts';
import { type Machine, noLogging, noTracing } from './machine-store.ts';
import type { StatesCore } from './states.ts';

export const badToken = (): AwsError => new AwsError('InvalidToken', "Invalid Token: 'Invalid token'");

/** Machines. https://docs.aws.amazon.com/step-functions/latest/apireference/API_Operations.html */
export function machineOperations(core: StatesCore): Operations {
  const { machines, context } = core;
  const onMachine =
    (action: string) =>
    (input: { stateMachineArn?: string | undefined }): Access[] => [
      { action: `states:${action}`, resources: [input.stateMachineArn ?? '*'] },
    ];
  const onResource =
    (action: string) =>
    (input: { resourceArn?: string | undefined }): Access[] => [
      { action: `states:${action}`, resources: [input.resourceArn ?? '*'] },
    ];
  const passRole = (roleArn: string | undefined): Access[] =>
    roleArn === undefined
      ? []
      : [
          {
            action: 'iam:PassRole',
            resources: [roleArn],
            context: { 'iam:passedtoservice': 'states.amazonaws.com' },
          },
        ];

  return {
    CreateStateMachine: {
      access: (input: CreateStateMachineInput) => [
        { action: 'states:CreateStateMachine', resources: [machines.arnOf(input.name)] },
        ...passRole(input.roleArn),
      ],
      async run(input: CreateStateMachineInput): Promise<CreateStateMachineOutput> {
        onlySupported('CreateStateMachine', input, [
          'name',
          'definition',
          'roleArn',
          'type',
          'tags',
          'loggingConfiguration',
          'tracingConfiguration',
        ]);
        const machine = await machines.create(input);
        return { stateMachineArn: machine.arn, creationDate: new Date(machine.createdAt) };
      },
    },
    UpdateStateMachine: {
      access: (input: UpdateStateMachineInput) => [
        ...onMachine('UpdateStateMachine')(input),
        ...passRole(input.roleArn),
      ],
      async run(input: UpdateStateMachineInput) {
        onlySupported('UpdateStateMachine', input, [
          'stateMachineArn',
          'definition',
          'roleArn',
          'loggingConfiguration',
          'tracingConfiguration',
        ]);
        const machine = await machines.update(input);
        return { updateDate: new Date(machine.updatedAt), revisionId: machine.revisionId };
      },
    },
    DescribeStateMachine: {
      access: onMachine('DescribeStateMachine'),
      run: (input: DescribeStateMachineInput) => describeMachine(machines.find(input.stateMachineArn)),
    },
    ListStateMachines: {
      access: () => [
        { action: 'states:ListStateMachines', resources: [arn(context, 'states', 'stateMachine:*')] },
      ],
      run(input: ListStateMachinesInput) {
        const all = [...machines.machines.values()].sort((a, b) => (a.name < b.name ? -1 : 1));
        const shown = page(all, ({ name }) => name, input.maxResults || 100, input.nextToken, badToken);
        return {
          stateMachines: shown.items.map((machine) => ({
            stateMachineArn: machine.arn,
            name: machine.name,
            type: 'STANDARD',
            creationDate: new Date(machine.createdAt),
          })),
          nextToken: shown.nextToken,
        };
      },
    },
    // AWS lets what runs come to its end too. https://docs.aws.amazon.com/step-functions/latest/apireference/API_DeleteStateMachine.html
    DeleteStateMachine: {
      access: onMachine('DeleteStateMachine'),
      run(input: DeleteStateMachineInput) {
        machines.machines.delete(input.stateMachineArn ?? '');
        machines.tags.delete(input.stateMachineArn ?? '');
        return {};
      },
    },
    ValidateStateMachineDefinition: {
      access: () => [{ action: 'states:ValidateStateMachineDefinition', resources: ['*'] }],
      async run(input: ValidateStateMachineDefinitionInput): Promise<ValidateStateMachineDefinitionOutput> {
        const { complaints } = await context.clock.hold(
          checkDefinition(input.definition ?? '', core.query, context.sharedDir),
        );
        return {
          result: complaints.length === 0 ? 'OK' : 'FAIL',
          diagnostics: complaints
            .slice(0, input.maxResults || 100)
            .map((one) => ({ severity: 'ERROR', ...one })),
          truncated: complaints.length > (input.maxResults || 100),
        };
      },
    },
    TagResource: {
      access: onResource('TagResource'),
      run(input: TagResourceInput) {
        machines.tag(machines.find(input.resourceArn).arn, input.tags ?? []);
        return {};
      },
    },
    UntagResource: {
      access: onResource('UntagResource'),
      run(input: UntagResourceInput) {
        const tags = machines.tags.get(machines.find(input.resourceArn).arn);
        for (const key of input.tagKeys ?? []) tags?.delete(key);
        return {};
      },
    },
    ListTagsForResource: {
      access: onResource('ListTagsForResource'),
      run(input: ListTagsForResourceInput) {
        const tags = machines.tags.get(machines.find(input.resourceArn).arn) ?? new Map<string, string>();
        return { tags: [...tags].map(([key, value]) => ({ key, value })) };
      },
    },
  };
}

function describeMachine(machine: Machine): DescribeStateMachineOutput {
  return {
    stateMachineArn: machine.arn,
    name: machine.name,
    status: 'ACTIVE',
    definition: machine.text,
    roleArn: machine.roleArn,
    type: 'STANDARD',
    creationDate: new Date(machine.createdAt),
    loggingConfiguration: machine.logging ?? noLogging,
    tracingConfiguration: machine.tracing ?? noTracing,
    ...(machine.revisionId !== undefined && { revisionId: machine.revisionId }),
  };
}
