import { describe, expect, it } from 'vitest';
import { camelCase, declaredFunctions, pascalCase } from '../../../infra/template/declared.ts';
import { functionRoles, substituted } from '../../../infra/template/roles.ts';

describe('the generator of the roles', () => {
  it('spells the stack’s things out, so that no role waits for them', () => {
    expect(substituted({ Resource: ['${StoreBucketArn}/kernels/*', 'arn:aws:s3:::x'] })).toEqual({
      Resource: [
        {
          'Fn::Sub':
            'arn:${AWS::Partition}:s3:::${AWS::StackName}-store-${AWS::AccountId}-${AWS::Region}/kernels/*',
        },
        'arn:aws:s3:::x',
      ],
    });
  });

  it('leaves a Fn::Sub that is one already', () => {
    expect(substituted({ 'Fn::Sub': '${TableArn}/index/*' })).toEqual({
      'Fn::Sub':
        'arn:${AWS::Partition}:dynamodb:${AWS::Region}:${AWS::AccountId}:table/${AWS::StackName}/index/*',
    });
  });

  it('gives each function the right to its own log and no other', () => {
    const roles = functionRoles();
    for (const { name } of declaredFunctions()) {
      const text = JSON.stringify(roles[`${pascalCase(name)}Role`]);
      const logs = [...text.matchAll(/log-group:([^"]+)/g)].map(([, group]) => group);
      expect(logs).toEqual([`/aws/lambda/\${AWS::StackName}-${name}:*`]);
    }
  });

  it('keeps one stem in every spelling', () => {
    expect([pascalCase('receive-upload'), camelCase('receive-upload')]).toEqual([
      'ReceiveUpload',
      'receiveUpload',
    ]);
  });
});
