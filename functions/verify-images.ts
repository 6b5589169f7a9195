/** Every hour: reads some blocks of each live image back, and vetoes an image that is not what was built. */
import * as z from 'zod';
import { ebsClient } from '../src/aws/clients/ebs.ts';
import { openEvents } from '../src/aws/events.ts';
import { openObjects } from '../src/aws/objects.ts';
import { isWorthReadingAgain, openSnapshotReader } from '../src/aws/snapshot-blocks.ts';
import { openTable } from '../src/aws/table.ts';
import { withBackoff } from '../src/runtime/backoff.ts';
import { systemClock } from '../src/runtime/clock.ts';
import { lambdaFunction } from '../src/runtime/handler.ts';
import { type VerifyImagesDeps, verifyImages } from '../src/runtime/verify-images.ts';

const patience = {
  clock: systemClock,
  random: Math.random,
  baseMilliseconds: 100,
  capMilliseconds: 2_000,
  withinMilliseconds: 10_000,
  retry: isWorthReadingAgain,
};

export const handler = lambdaFunction({
  name: 'verify-images',
  input: z.unknown(),
  deps: (config): VerifyImagesDeps => ({
    table: openTable(config.table),
    objects: openObjects(),
    reader: openSnapshotReader(ebsClient(), (call) => withBackoff(patience, call)),
    events: openEvents(),
  }),
  run: (_event, deps, invocation) => verifyImages(deps, invocation),
});
