/** Puts the stand-in kernel bundles into the store of a local region: an image needs a kernel to be whole. */
import type { Region } from '../local/region.ts';
import { architecture } from '../src/contracts/ids.ts';
import { kernelKeys } from '../src/contracts/kernel-bundle.ts';
import { describeBundle, standInKernel } from '../src/image/kernel-bundle.ts';

export async function addBundle(region: Region, storeBucket: string): Promise<void> {
  const put = (key: string, body: Uint8Array | string): Promise<unknown> =>
    region.call('s3', 'PutObject', { Bucket: storeBucket, Key: key, Body: Buffer.from(body) });
  const isThere = (key: string): Promise<boolean> =>
    region.call('s3', 'HeadObject', { Bucket: storeBucket, Key: key }).then(
      () => true,
      () => false,
    );
  for (const one of architecture.options) {
    const { version, files } = standInKernel(one);
    if (await isThere(kernelKeys.latest(one))) continue;
    const bundle = describeBundle(version, one, files);
    for (const { name, bytes } of files) await put(kernelKeys.file(version, name), bytes);
    await put(kernelKeys.bundle(version), JSON.stringify(bundle));
    await put(kernelKeys.latest(one), JSON.stringify({ version }));
  }
}
