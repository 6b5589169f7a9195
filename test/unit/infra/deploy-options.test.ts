import { describe, expect, it } from 'vitest';
import { readDeployOptions, stackOutputs, whatStands } from '../../../infra/deploy.ts';

const listener =
  'arn:aws:elasticloadbalancing:eu-west-1:111122223333:listener/app/web/0123456789abcdef/0123456789abcdef';
const env = {
  AWS_REGION: 'eu-west-1',
  FLOTILLA_VPC: 'vpc-0a',
  FLOTILLA_SUBNETS: 'subnet-0a,subnet-0b',
  FLOTILLA_SECURITY_GROUPS: 'sg-0a',
  FLOTILLA_LISTENER: listener,
};

describe('the options of a deployment', () => {
  it('come from the environment', () => {
    expect(readDeployOptions([], env)).toEqual({
      stack: 'flotilla',
      region: 'eu-west-1',
      parameters: {
        VpcId: 'vpc-0a',
        SubnetIds: 'subnet-0a,subnet-0b',
        SecurityGroupIds: 'sg-0a',
        ListenerArn: listener,
      },
    });
  });

  it('come from the arguments first', () => {
    const options = readDeployOptions(['--vpc', 'vpc-0b', '--stack', 'staging'], env);
    expect(options.parameters.VpcId).toBe('vpc-0b');
    expect(options.stack).toBe('staging');
  });

  it('may say which roles instances get', () => {
    const given = { ...env, FLOTILLA_INSTANCE_ROLES: 'web-*' };
    expect(readDeployOptions([], given).parameters.InstanceRoles).toBe('web-*');
    const options = readDeployOptions(['--instance-roles', 'flotilla/shop/*'], given);
    expect(options.parameters.InstanceRoles).toBe('flotilla/shop/*');
    // With a slash in front the ARN would name no role.
    expect(() => readDeployOptions(['--instance-roles', '/flotilla/*'], env)).toThrow(
      '--instance-roles is /flotilla/*; it should look like flotilla/*',
    );
  });

  it('may say which key EBS encrypts with', () => {
    const key = 'arn:aws:kms:eu-west-1:111122223333:key/01234567-89ab-cdef-0123-456789abcdef';
    expect(readDeployOptions(['--ebs-key', key], env).parameters.EbsKeyArn).toBe(key);
    // Rights are given to keys, and never to their aliases.
    expect(() => readDeployOptions([], { ...env, FLOTILLA_EBS_KEY: 'alias/disks' })).toThrow(
      '--ebs-key is alias/disks; it should look like arn:aws:kms:',
    );
  });

  it('are complained of all at once', () => {
    expect(() => readDeployOptions(['--stack', 'A stack'], { AWS_REGION: 'Frankfurt' })).toThrow(
      /--stack is A stack.*--region is Frankfurt.*--vpc is missing.*--subnets.*--security-groups.*--listener/s,
    );
  });

  it('refuse an option that nobody knows', () => {
    expect(() => readDeployOptions(['--subnet', 'subnet-0a'], env)).toThrow(/--subnet/);
  });
});

describe('what is said after a deployment', () => {
  // As osls 4.3.1 says it.
  const said = [
    'service: flotilla',
    'endpoints:',
    '  GET - https://a1.execute-api.eu-west-1.amazonaws.com/fleets',
    'functions:',
    '  apiRead: flotilla-api-read',
    '',
    'Stack Outputs:',
    '  ApiUrl: https://a1.execute-api.eu-west-1.amazonaws.com',
    '  ServerlessDeploymentBucketName: flotilla-serverlessdeploymentbucket-x',
    '',
  ].join('\n');

  it('are the outputs of the stack, and nothing else', () => {
    expect([...stackOutputs(said)]).toEqual([
      ['ApiUrl', 'https://a1.execute-api.eu-west-1.amazonaws.com'],
      ['ServerlessDeploymentBucketName', 'flotilla-serverlessdeploymentbucket-x'],
    ]);
    expect(stackOutputs('functions:\n  apiRead: flotilla-api-read\n').size).toBe(0);
  });

  it('is a line for the shell, by which the command finds the API', () => {
    const text = whatStands(stackOutputs(said), 'eu-west-1');
    expect(text).toContain('  ServerlessDeploymentBucketName: flotilla-serverlessdeploymentbucket-x\n');
    expect(text).toContain(
      '\n  export FLOTILLA_API_URL=https://a1.execute-api.eu-west-1.amazonaws.com AWS_REGION=eu-west-1\n',
    );
  });
});
