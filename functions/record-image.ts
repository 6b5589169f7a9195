/** Records the image: from here on it is kept, found by AMI, snapshot and digest, and adopted by others. */
import * as z from 'zod';
import { type Objects, openObjects } from '../src/aws/objects.ts';
import { openTable, type Table } from '../src/aws/table.ts';
import { buildAttempt, executionArn } from '../src/contracts/build.ts';
import { blockMapKey } from '../src/contracts/image-blocks.ts';
import { imageItem } from '../src/contracts/items.ts';
import { imageRegistered } from '../src/lineage/events.ts';
import { keys } from '../src/lineage/keys.ts';
import { imageRefs } from '../src/lineage/refs.ts';
import { putRef } from '../src/runtime/accept-upload.ts';
import { readAttemptMap } from '../src/runtime/block-map.ts';
import { type Invocation, lambdaFunction } from '../src/runtime/handler.ts';
import { ownAttempt, putFleetImage, saveAttempt } from '../src/runtime/image-attempt.ts';
import { putDocuments } from '../src/runtime/image-documents.ts';
import { readRecipe } from '../src/runtime/recipe.ts';

const input = z.strictObject({
  ...buildAttempt.shape,
  executionArn,
  snapshotId: z.string(),
  imageId: z.string(),
  fleet: z.string(),
  upload: z.number().int().min(1),
});

async function record(
  { identity, attempt, executionArn: self, snapshotId, imageId, fleet, upload }: z.output<typeof input>,
  { table, objects }: { readonly table: Table; readonly objects: Objects },
  { clock, config }: Invocation,
) {
  const present = await table.get(keys.image(identity), imageItem);
  const done = present?.state === 'available' && present.owner === self && present.imageId === imageId;
  if (!done) {
    const own = await ownAttempt(table, { identity, attempt }, self);
    const at = clock.now().toISOString();
    const image = { ...own, state: 'available' as const, snapshotId, imageId, completedAt: at };
    const recipe = await readRecipe(objects, config.storeBucket, { identity, attempt });
    const map = await readAttemptMap(objects, config.storeBucket, { identity, attempt });
    const key = blockMapKey(identity);
    await objects.put({ bucket: config.storeBucket, key }, JSON.stringify(map), 'application/json');
    await putDocuments(objects, config, image, recipe, at);
    await saveAttempt(table, image, {
      writes: [...imageRefs(image, at).map(putRef), putFleetImage({ fleet, upload, identity, at })],
      events: [imageRegistered(image, { at, executionArn: self })],
    });
  }
  return { identity, imageId, snapshotId };
}

export const handler = lambdaFunction({
  name: 'record-image',
  input,
  deps: (config) => ({ table: openTable(config.table), objects: openObjects() }),
  run: record,
});
