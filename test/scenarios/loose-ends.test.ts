/** A function of ours that answers before its calls are answered fails whatever scenario it runs in. */
import { readFileSync } from 'node:fs';
import { strFromU8, strToU8, unzipSync, zipSync } from 'fflate';
import { expect, it } from 'vitest';
import { FleetInVirtualTime, notPackaged, packageDir } from './kit/fleet-in-virtual-time.ts';

/** The shipped sweep, whose handler is begun and not awaited. */
function hastySweep(): Uint8Array {
  const files = unzipSync(readFileSync(`${packageDir}/sweep.zip`));
  const shipped = strFromU8(files['sweep.mjs'] ?? new Uint8Array());
  const hasty = shipped.replace(
    /export\s*\{\s*(\w+) as handler\s*\}/,
    'const hasty=async(...given)=>{$1(...given).catch(()=>{});return{}};export{hasty as handler}',
  );
  expect(hasty).not.toBe(shipped);
  return zipSync({ 'sweep.mjs': strToU8(hasty) });
}

it.skipIf(notPackaged !== undefined)('a promise that nobody awaits is told of by name', async () => {
  const world = await FleetInVirtualTime.create();
  await world.seconds(180);
  expect(world.invoked).toContain('sweep');
  expect(world.region.parts.lambda.loose).toEqual([]);
  await world.call('lambda', 'UpdateFunctionCode', { FunctionName: 'flotilla-sweep', ZipFile: hastySweep() });
  await world.seconds(120);
  await expect(world.close()).rejects.toThrow('answered before their calls were: flotilla-sweep');
});
