/**
 * A region with running instances, for a test that kills it. Prints a program's process and folder. Its one
 * argument is the region's data folder, which the test removes.
 */
import { readlinkSync } from 'node:fs';
import { dirname } from 'node:path';
import { createRegion } from '../../local/region.ts';
import { call, healthy, makeGroup, makeImage, makeTargetGroup, until } from './echo-image.ts';

const region = await createRegion({
  seed: 5,
  ...(process.argv[2] === undefined ? {} : { dataDir: process.argv[2] }),
});
// The one request is made as soon as targets are healthy: each node knows of them at once.
region.context.lag.off();
await region.listen();
const { imageId } = await makeImage(region, 'doomed');
const targetGroup = await makeTargetGroup(region, 'doomed');
await call(region, 'elasticloadbalancing', 'CreateRule', {
  ListenerArn: region.parts.elbv2.defaultListener.arn,
  Priority: 1,
  Conditions: [{ Field: 'path-pattern', Values: ['/*'] }],
  Actions: [{ Type: 'forward', TargetGroupArn: targetGroup }],
});
await makeGroup(region, 'doomed', imageId, targetGroup);
await until(async () => (await healthy(region, targetGroup)) === 2);
const { pid } = (await (await fetch(region.parts.elbv2.url())).json()) as { pid: number }; // as the program tells it
const folder = dirname(readlinkSync(`/proc/${pid}/cwd`));
process.stdout.write(`${JSON.stringify({ pid, folder })}\n`);
// Stays until it is killed.
setInterval(() => undefined, 1_000);
