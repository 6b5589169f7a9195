/** Writes docs/machines.md anew. A test fails while it is not what the definitions say. */
import { writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { readMachines } from './machine.ts';
import { machinesPage } from './page.ts';

const machines = readMachines(fileURLToPath(new URL('../../statemachines', import.meta.url)));
writeFileSync(new URL('../../docs/machines.md', import.meta.url), machinesPage(machines));
