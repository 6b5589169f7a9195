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

  it('are missed by the function, but for the console that it would have quoted', () => {
    const unmissed = audited.filter(({ finding }) => finding?.consequence === 'went on');
    // The end of the console only makes the reason of a rollback easier to understand.
    expect(
      unmissed.filter(({ finding }) => finding?.call.action !== 'ec2:GetConsoleOutput').map(described),
    ).toEqual([]);
  });

  it('stand in docs/iam-audit.md, each among those that it was among', () => {
    const page = readFileSync(new URL('../../docs/iam-audit.md', import.meta.url), 'utf8');
    const { shown, open } = partsOnPage(page);
    const hint = 'npm run iam-audit writes the page anew';
    expect(audited.map(partOf).sort(), hint).toEqual([...shown, ...open].sort());
    const lost = audited.filter((one) => one.finding === undefined && shown.has(partOf(one)));
    expect(lost.map(partOf), `No scenario uses these any more; ${hint}`).toEqual([]);
  });
});
