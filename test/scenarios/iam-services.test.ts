/**
 * The rights that are no function's: who may assume the roles, what the state machines' roles allow, which services may
 * invoke which function, and what the buckets refuse. Each is broken once, and the refusal must show.
 */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { machineNames } from '../../infra/template/declared.ts';
import { parsePolicy } from '../../local/iam/policy.ts';
import type { PolicyDocument } from '../../local/service.ts';
import { createFunction } from '../support/functions.ts';
import { type Unit, unitsOf, without } from './audit/units.ts';
import { FleetInVirtualTime, notPackaged } from './kit/fleet-in-virtual-time.ts';

const account = '000000000000';

describe.skipIf(notPackaged !== undefined)('the rights of the services', () => {
  let world: FleetInVirtualTime;
  let names: readonly string[];
  beforeAll(async () => {
    world = await FleetInVirtualTime.create();
    world.region.context.lag.off();
    world.region.throttles.off();
    names = world.region.parts.lambda.names();
  }, 120_000);
  afterAll(() => world.region.close());

  const roleOf = async (operation: string, service: string, input: object) => {
    const answer = await world.call(service, operation, input);
    return world.region.iam.roleOf(answer.Role ?? answer.roleArn);
  };

  async function withRole<T>(
    role: ReturnType<FleetInVirtualTime['region']['iam']['roleOf']>,
    changed: { readonly trust?: unknown; readonly policy?: PolicyDocument },
    run: () => Promise<T>,
  ): Promise<T> {
    const { name, path, trust } = role;
    const own = role.policies[0];
    const put = (assumeRolePolicy: unknown, policy: unknown) =>
      world.region.iam.updateRole({ name, path, assumeRolePolicy, policies: { own: policy } });
    put(changed.trust ?? trust, changed.policy ?? own);
    try {
      return await run();
    } finally {
      put(trust, own);
    }
  }

  const strangers = (document: PolicyDocument): unknown => ({
    ...document,
    Statement: document.Statement.map((one) => ({ ...one, Principal: { Service: 'none.amazonaws.com' } })),
  });

  it('let Lambda assume the role of each function, by the trust that names it', async () => {
    for (const name of names) {
      const role = await roleOf('GetFunctionConfiguration', 'lambda', { FunctionName: name });
      const refused = withRole(role, { trust: strangers(role.trust) }, () =>
        world.region.parts.lambda.invoke(name, {}),
      );
      await expect(refused, name).rejects.toThrow('cannot be assumed by Lambda');
    }
  });

  const machineArn = (name: string) => `arn:aws:states:us-east-1:${account}:stateMachine:flotilla-${name}`;

  it('let Step Functions assume the role of each machine, and write its log with each action', async () => {
    for (const name of machineNames) {
      const stateMachineArn = machineArn(name);
      const { loggingConfiguration, roleArn } = await world.call('states', 'DescribeStateMachine', {
        stateMachineArn,
      });
      const role = world.region.iam.roleOf(roleArn);
      const update = () =>
        world.call('states', 'UpdateStateMachine', { stateMachineArn, roleArn, loggingConfiguration });
      await update();
      await expect(withRole(role, { trust: strangers(role.trust) }, update), name).rejects.toThrow(/assume/);
      const document = role.policies[0] as PolicyDocument;
      for (const unit of unitsOf(document)) {
        const [action = ''] = [document.Statement[unit.statement]?.Action].flat();
        if (!action.startsWith('logs:')) continue;
        const refused = withRole(role, { policy: without(document, unit) }, update);
        await expect(refused, `${name}: ${unit.text}`).rejects.toThrow(
          unit.part.kind === 'action' ? unit.text : /logs:/,
        );
      }
    }
  });

  it('let each machine invoke each function that its role names', async () => {
    // The role's own machines take long ways to each state; a machine of one state shows the same right.
    for (const name of machineNames) {
      const { roleArn } = await world.call('states', 'DescribeStateMachine', {
        stateMachineArn: machineArn(name),
      });
      const role = world.region.iam.roleOf(roleArn);
      const document = role.policies[0] as PolicyDocument;
      const units = unitsOf(document).filter(({ statement }) =>
        [document.Statement[statement]?.Action].flat().includes('lambda:InvokeFunction'),
      );
      expect(units.length, name).toBeGreaterThan(1);
      // Nothing else may stand in the role: what the generator grants is what the definition calls, beside the hooks.
      expect(document.Statement.map(({ Sid, Action }) => Sid ?? [Action].flat()[0]?.split(':')[0])).toEqual([
        'logs',
        'lambda',
        ...(name === 'swap-fleet' ? ['AskHooks'] : []),
      ]);
      const called = units.filter(({ statement }) => document.Statement[statement]?.Sid === undefined);
      const arns = called.filter(({ part }) => part.kind === 'resource').map(({ text }) => text);
      for (const unit of called) {
        const arn = unit.part.kind === 'resource' ? unit.text : (arns[0] ?? '');
        await expectNeeded(role, document, unit, arn);
      }
    }
  });

  it('let rollouts ask the functions that are tagged as hooks of the stack, and no others', async () => {
    const { roleArn } = await world.call('states', 'DescribeStateMachine', {
      stateMachineArn: machineArn('swap-fleet'),
    });
    const role = world.region.iam.roleOf(roleArn);
    const document = role.policies[0] as PolicyDocument;
    const arn = await createFunction(world.region, 'a-hook', 'export const handler = async () => null;', {});
    const untagged = await once(roleArn, arn);
    expect(untagged.cause).toContain('is not authorized to perform: lambda:InvokeFunction');
    await world.call('lambda', 'TagResource', { Resource: arn, Tags: { 'flotilla:hook': world.stackName } });
    expect(await once(roleArn, arn)).toMatchObject({ status: 'SUCCEEDED' });
    const units = unitsOf(document).filter(
      ({ statement }) => document.Statement[statement]?.Sid === 'AskHooks',
    );
    expect(units.map(({ part }) => part.kind)).toEqual(['action', 'resource', 'condition']);
    for (const unit of units) await expectNeeded(role, document, unit, arn);
  });

  /** Without the part of its policy the role may not invoke the function. */
  async function expectNeeded(
    role: ReturnType<FleetInVirtualTime['region']['iam']['roleOf']>,
    document: PolicyDocument,
    unit: Unit,
    functionArn: string,
  ): Promise<void> {
    const ended = await withRole(role, { policy: without(document, unit) }, () =>
      once(role.arn, functionArn),
    );
    expect(ended.status, unit.text).toBe('FAILED');
    expect(ended.cause, unit.text).toContain(
      `is not authorized to perform: lambda:InvokeFunction on resource: ${functionArn}`,
    );
  }

  it('let Lambda put the one function that asks instances into the VPC', async () => {
    const FunctionName = 'flotilla-ask-instance';
    const { VpcConfig } = await world.call('lambda', 'GetFunctionConfiguration', { FunctionName });
    const { SubnetIds, SecurityGroupIds } = VpcConfig;
    const role = await roleOf('GetFunctionConfiguration', 'lambda', { FunctionName });
    const update = () =>
      world.call('lambda', 'UpdateFunctionConfiguration', {
        FunctionName,
        VpcConfig: { SubnetIds, SecurityGroupIds },
      });
    await update();
    const document = role.policies[0] as PolicyDocument;
    const units = unitsOf(document).filter(
      ({ statement }) => ![document.Statement[statement]?.Action].flat()[0]?.startsWith('logs:'),
    );
    expect(units.length).toBeGreaterThan(10);
    for (const unit of units) {
      const refused = withRole(role, { policy: without(document, unit) }, update);
      await expect(refused, unit.text).rejects.toThrow(
        unit.part.kind === 'action'
          ? unit.text.replace('ec2:', '')
          : /does not have permissions to call \w+ on EC2/,
      );
    }
  });

  let machines = 0;
  /** Runs a machine of one state, with a role, that invokes one function. */
  // biome-ignore lint/suspicious/noExplicitAny: what Step Functions answers
  async function once(roleArn: string, functionArn: string): Promise<any> {
    machines += 1;
    const { stateMachineArn } = await world.call('states', 'CreateStateMachine', {
      name: `one-state-${machines}`,
      roleArn,
      definition: JSON.stringify({
        QueryLanguage: 'JSONata',
        StartAt: 'Call',
        States: {
          Call: {
            Type: 'Task',
            Resource: 'arn:aws:states:::lambda:invoke',
            Arguments: { FunctionName: functionArn, Payload: {} },
            End: true,
          },
        },
      }),
    });
    const { executionArn } = await world.call('states', 'StartExecution', { stateMachineArn });
    await world.seconds(1);
    return await world.call('states', 'DescribeExecution', { executionArn });
  }

  /** Each function that a service invokes, and what makes it do so. */
  const triggers: Record<string, () => Promise<void>> = {
    'receive-upload': async () => {
      const { Buckets } = await world.call('s3', 'ListBuckets', {});
      const Bucket = Buckets.map(({ Name }: { Name: string }) => Name).find((name: string) =>
        name.includes('uploads'),
      );
      await world.call('s3', 'PutObject', { Bucket, Key: 'none/program', Body: Buffer.from('bytes') });
      await world.seconds(30);
    },
    'handle-alarm': () =>
      told('aws.cloudwatch', 'CloudWatch Alarm State Change', {
        alarmName: 'none',
        state: { value: 'ALARM', reason: 'a test says so' },
      }),
    'record-instance': () =>
      told('aws.autoscaling', 'EC2 Instance Launch Successful', {
        AutoScalingGroupName: 'flt-none-1',
        EC2InstanceId: 'i-0123456789abcdef0',
      }),
    'recover-rollout': () =>
      told('aws.states', 'Step Functions Execution Status Change', {
        status: 'ABORTED',
        stateMachineArn: machineArn('swap-fleet'),
        executionArn: `arn:aws:states:us-east-1:${account}:execution:flotilla-swap-fleet:none-1`,
        input: '{"fleet":"none"}',
      }),
    sweep: () => world.seconds(120),
    'sweep-builds': () => world.seconds(600),
  };

  async function told(source: string, detailType: string, detail: object): Promise<void> {
    world.region.context.hooks.publish({ source, detailType, resources: [], detail } as never);
    await world.seconds(30);
  }

  const invokedBy = async (name: string): Promise<number> => {
    const before = world.invoked.length;
    await triggers[name]?.();
    return world.invoked.slice(before).filter((one) => one === name).length;
  };

  it('let a service invoke a function only on behalf of what the permission names', async () => {
    const { lambda } = world.region.parts;
    const untried: string[] = [];
    for (const FunctionName of names) {
      const policy = await world.call('lambda', 'GetPolicy', { FunctionName }).catch(() => undefined);
      if (policy === undefined) continue;
      const name = FunctionName.replace('flotilla-', '');
      const { Statement } = JSON.parse(policy.Policy);
      expect(Statement, name).toHaveLength(1);
      const [{ Sid, Principal, Condition }] = Statement;
      const whole = {
        FunctionName,
        StatementId: Sid,
        Action: 'lambda:InvokeFunction',
        Principal: Principal.Service,
        SourceArn: Condition.ArnLike['AWS:SourceArn'],
        SourceAccount: Condition.StringEquals?.['AWS:SourceAccount'],
      };
      const put = async (permission: object) => {
        await world.call('lambda', 'RemovePermission', { FunctionName, StatementId: Sid });
        await world.call('lambda', 'AddPermission', permission);
      };
      const broken = [
        { ...whole, Principal: 'none.amazonaws.com' },
        { ...whole, SourceArn: 'arn:aws:none:::nothing' },
        ...(whole.SourceAccount === undefined ? [] : [{ ...whole, SourceAccount: '111111111111' }]),
      ];
      if (triggers[name] === undefined) {
        untried.push(name);
        // API Gateway's call is synchronous; its client is told of an internal error.
        const api = whole.SourceArn.replace('/*', '/$default/GET/fleets');
        for (const permission of broken) {
          await put(permission);
          expect(() => lambda.invokeForService(functionArn(FunctionName), {}, whole.Principal, api)).toThrow(
            `may not invoke ${functionArn(FunctionName)}`,
          );
        }
      } else {
        expect(await invokedBy(name), `${name}, whole`).toBeGreaterThan(0);
        // What failed is repeated for some minutes.
        await world.seconds(400);
        for (const permission of broken) {
          await put(permission);
          expect(await invokedBy(name), `${name}: ${JSON.stringify(permission)}`).toBe(0);
          expect(lambda.refusals.some((one) => one.functionArn === functionArn(FunctionName))).toBe(true);
        }
      }
      await put(whole);
    }
    expect(untried.sort()).toEqual([
      'api-fleets',
      'api-read',
      'api-rollouts',
      'api-uploads',
      'verify-images',
    ]);
  });

  const functionArn = (name: string) => `arn:aws:lambda:us-east-1:${account}:function:${name}`;

  it('refuse what comes to the buckets without TLS', async () => {
    const { Buckets } = await world.call('s3', 'ListBuckets', {});
    const role = await roleOf('GetFunctionConfiguration', 'lambda', {
      FunctionName: 'flotilla-write-blocks',
    });
    const { iam } = world.region;
    for (const { Name } of Buckets) {
      // The bucket of the packages is the deployer's.
      if (!/-(uploads|store)-/.test(Name)) continue;
      const { Policy } = await world.call('s3', 'GetBucketPolicy', { Bucket: Name });
      const document = parsePolicy(Policy, 'resource');
      const asked = (policy: PolicyDocument, action: string, resource: string, tls: string) =>
        iam.refusal(
          iam.rolePrincipal(role.arn, 'test'),
          { action, resources: [resource], context: { 'aws:securetransport': tls } },
          () => [policy],
        );
      const places: [string, string][] = [
        ['s3:ListBucket', `arn:aws:s3:::${Name}`],
        Name.includes('store')
          ? ['s3:GetObject', `arn:aws:s3:::${Name}/kernels/one`]
          : ['s3:GetObjectVersion', `arn:aws:s3:::${Name}/one`],
      ];
      for (const [action, resource] of places) {
        expect(asked(document, action, resource, 'true')).toBeUndefined();
        expect(asked(document, action, resource, 'false')).toContain(
          `is not authorized to perform: ${action} on resource: ${resource} with an explicit deny in a resource-based policy`,
        );
      }
      for (const unit of unitsOf(document)) {
        const open = places.some(
          ([action, resource]) => asked(without(document, unit), action, resource, 'false') === undefined,
        );
        expect(open, unit.text).toBe(true);
      }
    }
  });
});
