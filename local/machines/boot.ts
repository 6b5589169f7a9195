import { readKernelStart } from './disk-reader.ts';
import { prepareNative } from './native.ts';
import type { PrepareMachine } from './process-machine.ts';
import { prepareQemu } from './qemu.ts';

/** Offset of the number of segments in the header of a 64-bit ELF. */
const segmentsAt = 56;

/**
 * How an image is run: in a virtual machine where its kernel is a real one, else its program as a process. The
 * stand-in's kernel is a header that names no segment: there is nothing of it to load.
 */
export const prepareBoot: PrepareMachine = async (launch, place) => {
  const kernel = Buffer.from((await readKernelStart(launch.disk)) ?? []);
  const real = kernel.length > segmentsAt + 2 && kernel.readUInt16LE(segmentsAt) > 0;
  return real ? await prepareQemu(launch, place) : await prepareNative(launch, place);
};
