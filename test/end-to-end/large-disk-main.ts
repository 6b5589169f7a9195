/**
 * `npm run large-disk`: a raw disk full of data goes its whole way, through the shipped bundles. Ends with 1 where a
 * function needed more memory or time than it may, a payload grew too large, or a block is not what was uploaded. It wants
 * three times the disk's size in the folder for temporary files.
 *
 *   --gib N      the disk's size, 4 unless told otherwise
 *   --every N    one block of so many is random, the others zero; 1 unless told otherwise: each
 */
import { whenToldToEnd } from '../../tour/lifeline.ts';
import { readFlags, wholeNumber } from '../support/flags.ts';
import { describeDisk, LargeDisk, wrongs } from './large-disk.ts';

const { values } = readFlags({
  options: { gib: { type: 'string', default: '4' }, every: { type: 'string', default: '1' } },
});
const size = { sizeGiB: wholeNumber('gib', values.gib), everyBlock: wholeNumber('every', values.every) };
const disk = await LargeDisk.open(size);
async function end(code: number): Promise<never> {
  await disk.close();
  process.exit(code);
}
whenToldToEnd(() => void end(130));

try {
  const report = await disk.send();
  console.log(describeDisk(size, report));
  await end(wrongs(report).length === 0 ? 0 : 1);
} catch (error) {
  console.error(error);
  await end(1);
}
