/** What was permitted before a restart is permitted after it: events and requests reach their functions. */
import { expect, test } from 'vitest';
import { ResourcePolicy } from '../../../../local/services/lambda/resource-policy.ts';

const functionArn = 'arn:aws:lambda:us-east-1:000000000000:function:web';
const sourceArn = 'arn:aws:s3:::uploads';

test('a resource policy that is taken back judges as it did', () => {
  const policy = new ResourcePolicy();
  policy.add(functionArn, {
    FunctionName: 'web',
    StatementId: 'uploads',
    Action: 'lambda:InvokeFunction',
    Principal: 's3.amazonaws.com',
    SourceArn: sourceArn,
  });
  const again = new ResourcePolicy(policy.statements);
  expect(again.documents()).toEqual(policy.documents());
  const allows = (source: string) => again.allows(functionArn, 's3.amazonaws.com', source, '000000000000');
  expect([sourceArn, 'arn:aws:s3:::others'].map(allows)).toEqual([true, false]);
  expect(new ResourcePolicy().documents()).toEqual([]);
});
