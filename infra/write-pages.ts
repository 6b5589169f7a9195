/** Writes the pages of docs/ that follow from the code anew. Contract tests fail while they are not what it says. */
import { writeFileSync } from 'node:fs';
import { pages } from './pages/all.ts';

for (const [name, page] of Object.entries(pages)) {
  writeFileSync(new URL(`../docs/${name}`, import.meta.url), page());
}
