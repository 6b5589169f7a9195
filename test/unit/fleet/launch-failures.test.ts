/** Which failed launches are given up at once: those that EC2 would refuse again, however long one waits. */
import { describe, expect, it } from 'vitest';
import { activity, askHealth, group } from './views.ts';

const failed = (message: string) =>
  askHealth({
    group: group([]),
    targets: [],
    activities: [activity('Launching a new EC2 instance', { status: 'Failed', message })],
  });

describe('a launch that failed', () => {
  /** https://docs.aws.amazon.com/AWSEC2/latest/APIReference/errors-overview.html and the messages of Auto Scaling */
  it.each([
    'InvalidAMIID.NotFound',
    'InvalidSnapshot.NotFound',
    'The image id [ami-1] does not exist',
    'UnauthorizedOperation',
    'You are not authorized to perform this operation',
    'VcpuLimitExceeded',
    'your current vCPU limit of 32 allows',
    'InvalidParameterCombination',
    'Invalid IAM Instance Profile name',
    'InvalidKeyPair.NotFound',
    'InvalidGroup.NotFound',
    'InvalidSubnetID.NotFound',
    'The requested configuration is currently not supported',
    'Unsupported',
    'Client.InternalError: Client error on launch',
    'OptInRequired',
    'PendingVerification',
    'UNSUPPORTED, in whatever case',
  ])('is given up at once: %s', (message) => {
    expect(failed(message)).toMatchObject({ verdict: 'failed', error: 'CandidateLaunchFailed' });
  });

  it.each([
    'We currently do not have sufficient t3.nano capacity in the Availability Zone you requested',
    'Request limit exceeded',
    'Server.InternalError: Internal error on launch',
    'Client-InternalError',
    '',
  ])('is waited out: %s', (message) => {
    expect(failed(message)).toMatchObject({ verdict: 'waiting' });
  });
});
