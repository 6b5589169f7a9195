/** Looks once whether the AMI is available; the machine believes it when it was seen three times in a row. */
import * as z from 'zod';
import { ec2Client } from '../src/aws/clients/ec2.ts';
import { type Images, openImages } from '../src/aws/images.ts';
import { FlotillaError } from '../src/errors.ts';
import { lambdaFunction } from '../src/runtime/handler.ts';

/** Availability is eventually consistent; bottlerocket's pubsys counts to three as well. */
const enough = 3;
/** With the waits of statemachines/build-image.asl.yml this is half an hour; usually it takes seconds. */
const mostChecks = 250;

export const handler = lambdaFunction({
  name: 'check-image',
  input: z.strictObject({
    imageId: z.string(),
    checks: z.number().int().min(0),
    inARow: z.number().int().min(0),
  }),
  deps: (): { readonly images: Images } => ({ images: openImages(ec2Client()) }),
  run: async ({ imageId, checks, inARow }, { images }) => {
    const facts = await images.describe(imageId);
    if (facts?.prospect === 'hopeless') {
      throw new FlotillaError(
        'ImageBuildFailed',
        `${imageId} is in the state ${facts.state}: ${facts.reason}`,
        {
          imageId,
        },
      );
    }
    const seen = facts?.prospect === 'reached' ? inARow + 1 : 0;
    if (seen < enough && checks >= mostChecks) {
      const state = facts?.state ?? 'unknown to EC2';
      throw new FlotillaError('ImageTimeout', `${imageId} is still ${state}`, { imageId });
    }
    return { available: seen >= enough, inARow: seen, checks: checks + 1 };
  },
});
