/** A region with nothing in it, in a process of its own: it says that it is up, and stays. */
import { createRegion } from '../local/region.ts';

const region = await createRegion();
process.on('SIGTERM', () => void region.close().then(() => process.exit(0)));
const endpoint = await region.listen();
console.log(`up at ${endpoint}`);
setInterval(() => {}, 3_600_000);
