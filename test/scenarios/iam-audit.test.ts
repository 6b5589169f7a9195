/** Every part of the functions' roles is taken away once; docs/iam-audit.md tells what became of it. */
import { readFileSync } from 'node:fs';
import { beforeAll, describe, expect, it } from 'vitest';
import { partOf, partsOnPage } from './audit/page.ts';
import { type Audited, runAudit } from './audit/run.ts';
import { notPackaged } from './kit/fleet-in-virtual-time.ts';

describe.skipIf(notPackaged !== undefined)('the rights of the functions', () => {
  let audited: readonly Audited[];
  beforeAll(async () => {
    audited = await runAudit();
  }, 600_000);

  const described = ({ functionName, unit }: Audited) => `${functionName}: ${unit.part.kind} ${unit.text}`;

  it('are each refused by name when they are missing', () => {
    for (const one of audited)
      if (one.finding !== undefined)
        expect(one.finding.refusal, described(one)).toContain(
          `is not authorized to perform: ${one.finding.call.action} on resource: `,
        );
  });

  it('are missed by the function: it fails, answers otherwise, or its log tells of it', () => {
    const unmissed = audited.filter(({ finding }) => finding?.consequence === 'went on');
    expect(unmissed.map(described)).toEqual([]);
  });

  it('are each used by a scenario', () => {
    const unused = audited.filter(({ finding }) => finding === undefined);
    expect(unused.map(described), 'Let a scenario use these, or remove them').toEqual([]);
  });

  it('stand in docs/iam-audit.md', () => {
    const page = readFileSync(new URL('../../docs/iam-audit.md', import.meta.url), 'utf8');
    const hint = 'npm run iam-audit writes the page anew';
    expect(audited.map(partOf).sort(), hint).toEqual([...partsOnPage(page)].sort());
  });
});
