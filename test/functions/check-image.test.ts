import { DescribeImagesCommand, EC2Client, type ImageState } from '@aws-sdk/client-ec2';
import { beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { handler } from '../../functions/check-image.ts';
import { giveEnvironment, lambdaContext } from '../support/function-kit.ts';
import { mockClient } from '../support/mock-client.ts';

const ec2 = mockClient(EC2Client);
const check = (inARow: number, checks = 0) => handler({ imageId: 'ami-1', checks, inARow }, lambdaContext());
const answer = (state?: ImageState) =>
  ec2
    .on(DescribeImagesCommand)
    .resolves({ Images: state === undefined ? [] : [{ ImageId: 'ami-1', State: state }] });

beforeAll(() => giveEnvironment());
beforeEach(() => ec2.reset());

const meaning = {
  available: 'reached',
  deregistered: 'hopeless',
  disabled: 'hopeless',
  error: 'hopeless',
  failed: 'hopeless',
  invalid: 'hopeless',
  pending: 'waiting',
  transient: 'waiting',
} satisfies Record<ImageState, string>;

describe('check-image', () => {
  it.each(Object.entries(meaning))('takes %s for %s', async (state, expected) => {
    answer(state as ImageState);
    if (expected === 'hopeless') await expect(check(0)).rejects.toMatchObject({ name: 'ImageBuildFailed' });
    else await expect(check(0)).resolves.toMatchObject({ inARow: expected === 'reached' ? 1 : 0 });
  });

  it('believes that an image is available when it was seen three times in a row', async () => {
    answer('available');
    await expect(check(1)).resolves.toMatchObject({ available: false, inARow: 2 });
    await expect(check(2)).resolves.toMatchObject({ available: true, inARow: 3 });
  });

  it('begins to count anew when one look does not show it', async () => {
    answer();
    await expect(check(2)).resolves.toMatchObject({ available: false, inARow: 0 });
  });

  it('looks at our own images alone', async () => {
    answer('available');
    await check(0);
    expect(ec2.commandCalls(DescribeImagesCommand)[0]?.args[0].input.Owners).toEqual(['self']);
  });

  it('gives up by name after long enough', async () => {
    answer('pending');
    await expect(check(0, 250)).rejects.toMatchObject({ name: 'ImageTimeout' });
  });
});
