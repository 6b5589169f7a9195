/** Writes docs/iam-audit.md anew. A test fails while it is not what the audit finds. */
import { writeFileSync } from 'node:fs';
import { auditPage } from './page.ts';
import { runAudit } from './run.ts';

writeFileSync(new URL('../../../docs/iam-audit.md', import.meta.url), auditPage(await runAudit()));
