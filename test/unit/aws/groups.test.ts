/** What Auto Scaling's refusals mean, which it tells apart by their words alone. */
import { AutoScalingClient, UpdateAutoScalingGroupCommand } from '@aws-sdk/client-auto-scaling';
import { describe, expect, it } from 'vitest';
import { openGroups } from '../../../src/aws/groups.ts';
import { mockClient } from '../../support/mock-client.ts';

const autoScaling = mockClient(AutoScalingClient);

function refusing(message: string) {
  autoScaling
    .on(UpdateAutoScalingGroupCommand)
    .rejects(Object.assign(new Error(message), { name: 'ValidationError' }));
  return openGroups(new AutoScalingClient({ region: 'us-east-1' }));
}

describe('a resize', () => {
  it.each([
    'AutoScalingGroup name not found - no such group: web-v1',
    'The AutoScaling group may not be modified while it is pending delete',
  ])('of a group that is gone or going changes nothing: %s', async (message) => {
    expect(await refusing(message).resize('web-v1', { minimum: 0 })).toBe('gone');
  });

  it('with counts that do not fit each other throws', async () => {
    const message = 'Desired capacity:5 must be between the specified min size:0 and max size:4';
    await expect(refusing(message).resize('web-v1', { desired: 5 })).rejects.toThrow(message);
  });
});
