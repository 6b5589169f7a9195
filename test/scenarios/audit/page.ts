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
refusal, answer otherwise, have no log, or tell its log. How: \`test/scenarios/audit/auditor.ts\`. A part that no scenario
uses fails the test: it is removed, or a scenario is written.

The rights that are no function's are broken by \`test/scenarios/iam-services.test.ts\`:

| right | broken by | what shows |
| --- | --- | --- |
| each function's role trusts Lambda | another principal | Lambda cannot assume the role; the invocation is refused |
| each machine's role trusts Step Functions | another principal | the machine is not made or changed |
| each machine's role delivers its log | each action, the resource | the machine is not made or changed; the action is named |
| each machine's role invokes functions | the action, each function's ARN | the execution fails; action and ARN are named |
| S3 and EventBridge invoke functions | another principal, SourceArn, SourceAccount | the function does not run |
| API Gateway invokes functions | another principal, SourceArn | the call is refused; action's function is named |
| Lambda puts ask-instance into the VPC | each action, each resource | the function is not changed; the action is named |
| the buckets refuse what comes without TLS | action, each resource, the condition | what was refused passes (in the judge: the region counts every call as TLS) |

EventBridge's rules call functions by those functions' own permissions: none has a target role, and no state machine
starts another one (\`.sync\`), so that no role allows \`events:PutRule\` or the like.

${shown.length} of ${audited.length} parts are shown to be needed.

${functions.map((name) => sectionOf(name, audited)).join('\n')}`;
}

/** How the page names a part; the scenario that shows it may change with any timing, the part may not. */
export function partsOnPage(page: string): Set<string> {
  const shown = new Set<string>();
  let name = '';
  for (const line of page.split('\n')) {
    name = /^## (.+)$/.exec(line)?.[1] ?? name;
    const [, statement, part] = /^\| ([^|]+) \| (\w+ `[^|]+`) \|/.exec(line) ?? [];
    if (part !== undefined) shown.add(`${name}, ${statement}: ${part}`);
  }
  return shown;
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
