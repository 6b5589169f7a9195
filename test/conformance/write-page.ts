/** Writes docs/conformance.md anew. A test fails while it is not what the cases say. */
import { writeFileSync } from 'node:fs';
import { conformancePage } from './page.ts';
import { sheets } from './sheets.ts';

writeFileSync(new URL('../../docs/conformance.md', import.meta.url), conformancePage(sheets));
