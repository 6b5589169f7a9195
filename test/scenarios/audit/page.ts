/** docs/iam-audit.md: every statement of the functions' roles, and what shows that it is needed. */
import type { Audited } from './run.ts';

const words = { action: 'action', resource: 'resource', condition: 'condition' } as const;

export function auditPage(audited: readonly Audited[]): string {
  const shown = audited.filter(({ finding }) => finding !== undefined);
  const functions = [...new Set(audited.map(({ functionName }) => functionName))].sort();
  return `# The audit of the functions' rights

Written by \`npm run iam-audit\`; \`test/scenarios/iam-audit.test.ts\` fails while it is not what the template and the
scenarios say. Each action, resource and condition of each function's role is taken away once, while a scenario runs
the shipped bundles on virtual time: the call must then be refused by name, and the invocation must fail with that
refusal, answer otherwise, or have no log. How: \`test/scenarios/audit/auditor.ts\`.

${shown.length} of ${audited.length} parts are shown to be needed.

${functions.map((name) => sectionOf(name, audited)).join('\n')}
## Parts that no scenario uses

The paths that would use them are rare (an order in the moment before a gate has its token, an object that is gone
between two steps), lie outside an invocation (a presigned URL), or AWS leaves open whether it asks. They stand until a
scenario decides.

${audited
  .filter(({ finding }) => finding === undefined)
  .map(
    (one) =>
      `- ${one.functionName}, ${statementOf(one)}: ${words[one.unit.part.kind]} ${code(one.unit.text)}`,
  )
  .sort()
  .join('\n')}
`;
}

/** How the page names a part; the scenario that shows it may change with any timing, the part may not. */
export function partsOnPage(page: string): { readonly shown: Set<string>; readonly open: Set<string> } {
  const shown = new Set<string>();
  const open = new Set<string>();
  let name = '';
  for (const line of page.split('\n')) {
    name = /^## (.+)$/.exec(line)?.[1] ?? name;
    const [, statement, part] = /^\| ([^|]+) \| (\w+ `[^|]+`) \|/.exec(line) ?? [];
    if (part !== undefined) shown.add(`${name}, ${statement}: ${part}`);
    const listed = /^- (.+)$/.exec(line)?.[1];
    if (listed !== undefined) open.add(listed);
  }
  return { shown, open };
}

export const partOf = (one: Audited): string =>
  `${one.functionName}, ${statementOf(one)}: ${words[one.unit.part.kind]} ${code(one.unit.text)}`;

const code = (text: string): string => `\`${text.replaceAll('|', '\\|')}\``;

function statementOf({ document, unit }: Audited): string {
  return document.Statement[unit.statement]?.Sid ?? `statement ${unit.statement + 1}`;
}

function sectionOf(name: string, audited: readonly Audited[]): string {
  const rows = audited
    .filter(({ functionName, finding }) => functionName === name && finding !== undefined)
    .map((one) => {
      const { kind } = one.unit.part;
      return `| ${statementOf(one)} | ${words[kind]} ${code(one.unit.text)} | ${one.finding?.call.action} | ${one.finding?.consequence} | ${one.finding?.scenario} |`;
    });
  return `## ${name}

| statement | without | refused | the function | in |
| --- | --- | --- | --- | --- |
${rows.join('\n')}
`;
}
