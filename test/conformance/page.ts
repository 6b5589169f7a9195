/** The table as a page: docs/conformance.md. */
import { type Case, pageOf, type Sheet } from './case.ts';

/** The page's text. */
export function conformancePage(sheets: readonly Sheet[]): string {
  const all = sheets.flatMap((sheet) => sheet.cases.map((one) => ({ sheet, one })));
  const operations = new Set(all.map(({ sheet, one }) => `${sheet.service}.${one.operation}`)).size;
  const cli = all.filter(({ one }) => one.notByCli === undefined).length;
  return `# Conformance of the local region

What AWS's pages say of the operations that Flotilla uses, and of some more, as cases that other people's clients play
against the [local region](local-region.md), over real sockets: ${all.length} cases of ${operations} operations. Each is played by boto3 and by
the AWS SDK for JavaScript, and ${cli} by the AWS CLI, too: all but those marked \\*, which it cannot ask, or refuses by itself. A
test keeps the table complete: every operation that the code uses has its cases, and every error that the code knows by
name is met.

The cases are data, in \`test/conformance/cases\`. This page is made from them by
\`node bin/with-node.mjs test/conformance/write-page.ts\`, and \`npm test -- test/conformance\` plays them. Each
case leads to the page of AWS that it is taken from.
${sheets.map(section).join('')}`;
}

function section(sheet: Sheet): string {
  const rows = sheet.cases.map((one) => {
    const mark = one.notByCli === undefined ? '' : ' \\*';
    return `| ${one.operation}${mark} | [${one.says}](${pageOf(sheet, one)}) | ${answerOf(one)} |`;
  });
  return `
## ${sheet.title}

| operation | what AWS says of it | answer |
| --- | --- | --- |
${rows.join('\n')}
`;
}

function answerOf(one: Case): string {
  if (one.fails === undefined) return '';
  const { code, status } = one.fails;
  return `${[code]
    .flat()
    .map((name) => `\`${name}\``)
    .join(' or ')}, ${status}`;
}
