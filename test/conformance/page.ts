/** The table as a page: docs/conformance.md. */
import { type Case, pageOf, type Sheet } from './case.ts';

/** Whether the AWS CLI plays a case, too: one of each operation, the first that does not say why not. */
export function byCli(sheet: Sheet, one: Case): boolean {
  const played = sheet.cases.find(
    ({ operation, notByCli }) => operation === one.operation && notByCli === undefined,
  );
  return played === one;
}

/** The page's text. */
export function conformancePage(sheets: readonly Sheet[]): string {
  const all = sheets.flatMap((sheet) => sheet.cases.map((one) => ({ sheet, one })));
  const operations = new Set(all.map(({ sheet, one }) => `${sheet.service}.${one.operation}`)).size;
  const cli = all.filter(({ sheet, one }) => byCli(sheet, one)).length;
  return `# Conformance of the local region

What AWS's pages say of the operations that Flotilla uses, as cases that other people's clients play against the
[local region](local-region.md), over real sockets: ${all.length} cases of ${operations} operations. Each is played by boto3 and by
the AWS SDK for JavaScript, ${cli} of them (marked \\*, one of each operation) by the AWS CLI, too. A test keeps the table
complete: every operation that the code uses has its cases, and every error that the code knows by name is met.

The cases are data, in \`test/conformance/cases\`. This page is made from them by
\`node bin/with-node.mjs test/conformance/write-page.ts\`, and \`npm test -- test/conformance\` plays them. Each
case leads to the page of AWS that it is taken from.
${sheets.map(section).join('')}`;
}

function section(sheet: Sheet): string {
  const rows = sheet.cases.map((one) => {
    const mark = byCli(sheet, one) ? ' \\*' : '';
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
