/** Writes docs/openapi.json anew. A test fails while it is not what the schemas say. */
import { writeFileSync } from 'node:fs';
import { openApiDocument } from '../src/contracts/openapi.ts';
import { productVersion } from '../src/runtime/version.ts';

const file = new URL('../docs/openapi.json', import.meta.url);
writeFileSync(file, `${JSON.stringify(openApiDocument(productVersion), null, 2)}\n`);
