/** Making a machine again. */
import { expect, it } from 'vitest';
import { createBench } from './machine-bench.ts';

const roleArn = 'arn:aws:iam::000000000000:role/machine';
const definition = JSON.stringify({
  QueryLanguage: 'JSONata',
  StartAt: 'A',
  States: { A: { Type: 'Succeed' } },
});
const asked = { name: 'm', definition, roleArn };

// https://docs.aws.amazon.com/step-functions/latest/apireference/API_CreateStateMachine.html
it.each([
  ['another role', { roleArn: `${roleArn}-2` }],
  ['other tags', { tags: [{ key: 'a', value: '2' }] }],
  ['its defaults said', { type: 'STANDARD', loggingConfiguration: { level: 'OFF' } }],
])('a machine made again with %s is the one that there is, unchanged', async (_what, more) => {
  const { run } = createBench();
  const first = await run('CreateStateMachine', { ...asked, tags: [{ key: 'a', value: '1' }] });
  expect(await run('CreateStateMachine', { ...asked, ...more })).toEqual(first);
  const { stateMachineArn } = first;
  expect((await run('DescribeStateMachine', { stateMachineArn })).roleArn).toBe(roleArn);
  const { tags } = await run('ListTagsForResource', { resourceArn: stateMachineArn });
  expect(tags).toEqual([{ key: 'a', value: '1' }]);
});

it.each([
  ['definition', { definition: definition.replaceAll('"A"', '"B"') }],
  ['log', { loggingConfiguration: { level: 'ALL' } }],
  ['tracing', { tracingConfiguration: { enabled: true } }],
])('a machine made again with another %s is refused', async (_what, more) => {
  const { run } = createBench();
  await run('CreateStateMachine', asked);
  await expect(run('CreateStateMachine', { ...asked, ...more })).rejects.toMatchObject({
    code: 'StateMachineAlreadyExists',
  });
});
