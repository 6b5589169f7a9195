/** What a role's documents decide beside the calls that it makes itself. */
import { afterEach, expect, test } from 'vitest';
import { VirtualClock } from '../../../local/clock.ts';
import { createRegion, type Region } from '../../../local/region.ts';
import { createFunction } from '../../support/functions.ts';

let region: Region;
afterEach(() => region?.close());

const own = 'arn:aws:iam::000000000000:role/one-role';
const trust = (service: string, Condition?: object) => ({
  Statement: [
    {
      Effect: 'Allow',
      Principal: { Service: service },
      Action: 'sts:AssumeRole',
      ...(Condition === undefined ? {} : { Condition }),
    },
  ],
});

async function withFunction(): Promise<string> {
  region = await createRegion({ clock: new VirtualClock(), seed: 1 });
  return createFunction(region, 'one', `export const handler = async () => { console.log('here'); };`);
}

async function invoked(): Promise<{ failed: boolean; log: readonly string[] }> {
  const { failed } = await region.parts.lambda.invoke('one', {});
  return { failed, log: region.parts.logs.messages('/aws/lambda/one') };
}

// https://docs.aws.amazon.com/lambda/latest/dg/monitoring-cloudwatchlogs.html
test.each([
  [['logs:CreateLogStream', 'logs:PutLogEvents'], true],
  [['logs:PutLogEvents'], false],
  [['logs:CreateLogStream'], false],
])('a function whose role may %j has a log: %s', async (Action, has) => {
  await withFunction();
  region.iam.updateRole({
    name: 'one-role',
    assumeRolePolicy: trust('lambda.amazonaws.com'),
    policies: { own: { Statement: [{ Effect: 'Allow', Action, Resource: '*' }] } },
  });
  const { failed, log } = await invoked();
  expect(failed).toBe(false);
  expect(log.some((line) => line.includes('here'))).toBe(has);
});

// https://docs.aws.amazon.com/IAM/latest/UserGuide/confused-deputy.html
test.each<[string, object | undefined, boolean]>([
  ['lambda.amazonaws.com', undefined, true],
  ['states.amazonaws.com', undefined, false],
  ['lambda.amazonaws.com', { StringEquals: { 'aws:SourceAccount': '000000000000' } }, true],
  ['lambda.amazonaws.com', { StringEquals: { 'aws:SourceAccount': '111111111111' } }, false],
  ['lambda.amazonaws.com', { ArnLike: { 'aws:SourceArn': 'arn:aws:lambda:*:*:function:one' } }, true],
  ['lambda.amazonaws.com', { ArnLike: { 'aws:SourceArn': 'arn:aws:lambda:*:*:function:two' } }, false],
])('a role that trusts %s under %j is assumed by Lambda: %s', async (service, condition, assumed) => {
  await withFunction();
  region.iam.updateRole({ name: 'one-role', assumeRolePolicy: trust(service, condition) });
  const outcome = invoked().then(({ failed }) => failed);
  if (assumed) expect(await outcome).toBe(false);
  else await expect(outcome).rejects.toThrow('cannot be assumed by Lambda');
});

// https://docs.aws.amazon.com/lambda/latest/dg/access-control-resource-based.html
test("a function's own policy lets a role in that has no right itself", async () => {
  const functionArn = await withFunction();
  region.iam.createRole({ name: 'caller', assumeRolePolicy: trust('ec2.amazonaws.com') });
  const callerArn = 'arn:aws:iam::000000000000:role/caller';
  const call = () =>
    region.call('lambda', 'Invoke', { FunctionName: 'one' }, region.iam.rolePrincipal(callerArn, 's'));
  await expect(call()).rejects.toThrow(
    `User: arn:aws:sts::000000000000:assumed-role/caller/s is not authorized to perform: lambda:InvokeFunction on resource: ${functionArn} because no identity-based policy allows the lambda:InvokeFunction action`,
  );
  await region.call('lambda', 'AddPermission', {
    FunctionName: 'one',
    StatementId: 'caller',
    Action: 'lambda:InvokeFunction',
    Principal: callerArn,
  });
  expect(await call()).toMatchObject({ StatusCode: 200 });
});

// https://docs.aws.amazon.com/step-functions/latest/dg/cw-logs.html
test('a machine with a log is refused while its role may not have it delivered', async () => {
  await withFunction();
  const rights = (Action: string) =>
    region.iam.updateRole({
      name: 'one-role',
      assumeRolePolicy: trust('states.amazonaws.com'),
      policies: { own: { Statement: [{ Effect: 'Allow', Action, Resource: '*' }] } },
    });
  const make = (level: string) =>
    region.call('states', 'CreateStateMachine', {
      name: `logs-${level}`,
      roleArn: own,
      definition: JSON.stringify({
        QueryLanguage: 'JSONata',
        StartAt: 'End',
        States: { End: { Type: 'Succeed' } },
      }),
      loggingConfiguration: { level },
    });
  rights('logs:CreateLogDelivery');
  await expect(make('ERROR')).rejects.toThrow('logs:GetLogDelivery');
  await expect(make('OFF')).resolves.toBeDefined();
  rights('logs:*');
  await expect(make('ERROR')).resolves.toBeDefined();
});
