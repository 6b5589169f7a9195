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
    'Unsupported: not supported in any Availability Zone',
  ])('is given up at once: %s', (message) => {
    expect(failed(message)).toMatchObject({ verdict: 'failed', error: 'CandidateLaunchFailed' });
  });

  it.each([
    'We currently do not have sufficient t3.nano capacity in the Availability Zone you requested',
    'Request limit exceeded',
    'Server.InternalError: Internal error on launch',
    'Client-InternalError',
    'Your requested instance type (t3.nano) is not supported in your requested Availability Zone (us-east-1e). Please retry your request by not specifying an Availability Zone or choosing us-east-1a.',
    'UNSUPPORTED: not supported IN YOUR REQUESTED availability zone',
    '',
  ])('is waited out: %s', (message) => {
    expect(failed(message)).toMatchObject({ verdict: 'waiting' });
  });

  it('in one zone is waited out, and given up where it is not the only failure', () => {
    const refused =
      'Launching a new EC2 instance. Status Reason: not supported in your requested Availability Zone';
    const zone = activity(refused, { status: 'Failed' });
    const image = activity('Launching a new EC2 instance', { status: 'Failed', message: 'InvalidAMIID' });
    const none = { group: group([]), targets: [] };
    expect(askHealth({ ...none, activities: [zone] })).toMatchObject({ verdict: 'waiting' });
    expect(askHealth({ ...none, activities: [zone, image] })).toMatchObject({
      verdict: 'failed',
      error: 'CandidateLaunchFailed',
    });
  });

  it.each([
    [1, 2],
    [2, 2],
    [3, 3],
    [6, 6],
  ])('is one of so many: of a candidate of %d, %d are waited out', (wanted, allowed) => {
    const refused = 'not supported in your requested Availability Zone';
    const failures = Array.from({ length: allowed + 1 }, (_, id) =>
      activity('Launching a new EC2 instance', { id: `${id}`, status: 'Failed', message: refused }),
    );
    const none = { wanted, group: group([]), targets: [] };
    expect(askHealth({ ...none, activities: failures.slice(1) })).toMatchObject({ verdict: 'waiting' });
    expect(askHealth({ ...none, activities: failures })).toMatchObject({ error: 'CandidateLaunchFailed' });
  });
});
