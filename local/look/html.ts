/** The region's page as HTML: no script, nothing from elsewhere. */
import { escapeXml } from '../wire/xml.ts';
import type { Look } from './page.ts';
import type { Row, Survey } from './survey.ts';

const style = `
:root{color-scheme:light dark;--ink:#1b1b1f;--paper:#fff;--line:#dcdce2;--soft:#f4f4f7;--warn:#8a4b00;--bad:#a40000;--good:#116329;--link:#0b57d0}
@media(prefers-color-scheme:dark){:root{--ink:#e8e8ee;--paper:#17171a;--line:#3c3c44;--soft:#222228;--warn:#ffbe6b;--bad:#ff8a8a;--good:#7ddc97;--link:#8ab4ff}}
body{font:15px/1.5 system-ui,sans-serif;margin:2rem auto;max-width:80rem;padding:0 1rem;color:var(--ink);background:var(--paper)}
h1{margin:0;font-size:1.6rem}h2{margin:2rem 0 .5rem;font-size:1.15rem}a{color:var(--link)}
.about{margin:.2rem 0 0;opacity:.75}.scroll{overflow-x:auto}
table{border-collapse:collapse;width:100%;font-size:.9rem}td,th{text-align:left;padding:.25rem .8rem .25rem 0;vertical-align:top;border-top:1px solid var(--line)}
th{font-weight:600;white-space:nowrap}td{overflow-wrap:anywhere;min-width:4rem}td.tight{white-space:nowrap;font-variant-numeric:tabular-nums}td.number{text-align:right;min-width:0}
details{border-top:1px solid var(--line);padding:.3rem 0}summary{cursor:pointer}summary small{opacity:.7}
pre{white-space:pre-wrap;overflow-wrap:anywhere;background:var(--soft);padding:.6rem;font-size:.85rem}
form{display:flex;flex-wrap:wrap;gap:.6rem 1rem;align-items:end;margin:.5rem 0 1rem}label{display:grid;font-size:.8rem}input,select,button{font:inherit;padding:.2rem .4rem}
.error td:nth-child(5),.FAILED,.TIMED_OUT{color:var(--warn)}.denied td:nth-child(5),.ABORTED{color:var(--bad)}.SUCCEEDED,.running,.InService{color:var(--good)}
.none{opacity:.7;margin:.2rem 0}`;

export function renderPage(look: Look, query: ReadonlyMap<string, string>): string {
  const { callsSinceStart, account, now, region } = look;
  const denied = look.calls.filter(({ outcome }) => outcome === 'denied').length;
  return [
    `<!doctype html><html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width">`,
    `<title>Local region ${escapeXml(region)}</title><style>${style}</style>`,
    `<h1>Local region ${escapeXml(region)}</h1>`,
    `<p class="about">Account ${escapeXml(account)} · ${escapeXml(now.slice(0, 19).replace('T', ' '))} UTC · ${callsSinceStart} calls, ${denied} of those below denied · <a href="/_region?format=json">as JSON</a></p>`,
    `<h2>What runs</h2>`,
    tableOf('executions', look.runs.executions ?? [], 'No execution runs.'),
    tableOf('instances', look.runs.instances ?? [], 'No instance is up.'),
    look.faults.length === 0 ? '' : `<h2>Faults that wait</h2>${faultTable(look)}`,
    `<h2>What exists</h2>`,
    ...Object.entries(look.exists).map(([name, rows]) => folded(name, rows)),
    ...Object.entries(look.services).map(
      ([id, what]) =>
        `<details><summary>${escapeXml(id)}</summary><pre>${escapeXml(JSON.stringify(what, null, 2))}</pre></details>`,
    ),
    ...look.executions.map(
      ({ arn, steps }) =>
        `<h2>Steps of ${escapeXml(arn.slice(arn.lastIndexOf(':') + 1))}</h2><p class="about">${escapeXml(arn)}; states with the seconds from the start in which they were entered and left</p><pre>${escapeXml(steps)}</pre>`,
    ),
    `<h2 id="calls">Calls</h2>`,
    filterForm(query),
    callTable(look),
    `</html>`,
  ].join('\n');
}

/** Executions lead to the calls that they caused. */
function cell(column: string, value: string | number, row: Row): string {
  const text = escapeXml(String(value));
  if (column === 'arn') return '';
  if (column === 'name' && row.arn !== undefined)
    return `<td class="tight"><a href="/_region?execution=${encodeURIComponent(String(row.arn))}">${text}</a></td>`;
  if (column === 'status' || column === 'state') return `<td class="tight ${text}">${text}</td>`;
  return `<td${typeof value === 'number' ? ' class="number"' : ''}>${text}</td>`;
}

function tableOf(name: string, rows: Survey[string], none: string): string {
  const [first] = rows;
  if (first === undefined) return `<p class="none">${escapeXml(none)}</p>`;
  // A column that says nothing about any row only takes room.
  const columns = Object.keys(first).filter((column) => rows.some((row) => row[column] !== ''));
  const head = columns.filter((column) => column !== 'arn').map((column) => `<th>${escapeXml(column)}</th>`);
  const body = rows.map(
    (row) => `<tr>${columns.map((column) => cell(column, row[column] ?? '', row)).join('')}</tr>`,
  );
  return `<div class="scroll"><table aria-label="${escapeXml(name)}"><thead><tr>${head.join('')}</tr></thead><tbody>${body.join('')}</tbody></table></div>`;
}

function folded(name: string, rows: Survey[string]): string {
  if (rows.length === 0) return '';
  return `<details><summary>${escapeXml(name)} <small>${rows.length}</small></summary>${tableOf(name, rows, '')}</details>`;
}

function faultTable({ faults }: Look): string {
  const rows = faults.map(({ id, kind, left, struck, passing, ...rest }) => ({
    fault: id,
    kind,
    what: Object.entries(rest)
      .filter(([name]) => name !== 'nth' && name !== 'times')
      .map(([name, value]) => `${name} ${String(value)}`)
      .join(', '),
    'lets pass': passing,
    left,
    struck,
  }));
  return tableOf('faults', rows, '');
}

function filterForm(query: ReadonlyMap<string, string>): string {
  const field = (name: string, label: string, value = query.get(name) ?? ''): string =>
    `<label>${label}<input name="${name}" value="${escapeXml(value)}"></label>`;
  const wanted = query.get('outcome') || (query.has('denied') ? 'denied' : '');
  const outcomes = ['', 'ok', 'error', 'denied'].map(
    (one) =>
      `<option value="${one}"${one === wanted ? ' selected' : ''}>${one === '' ? 'any' : one}</option>`,
  );
  return (
    `<form action="/_region#calls">${field('who', 'Who')}${field('q', 'Any text')}` +
    `${field('rollout', 'Rollout or execution', query.get('rollout') || query.get('execution') || '')}` +
    `<label>Outcome<select name="outcome">${outcomes.join('')}</select></label><button>Filter</button> <a href="/_region#calls">All</a></form>`
  );
}

function callTable({ calls }: Look): string {
  if (calls.length === 0) return `<p class="none">No such call is remembered.</p>`;
  const rows = calls.map((call) => {
    const said = call.errorCode === undefined ? 'ok' : `${call.errorCode}: ${call.message}`;
    const struck = call.fault === undefined ? '' : ` (fault: ${call.fault})`;
    const cells = [
      `<td class="tight">${escapeXml(call.when.slice(11, 23))}</td>`,
      `<td title="${escapeXml(call.who)}">${escapeXml(shortName(call.who))}</td>`,
      `<td class="tight">${escapeXml(call.action)}</td>`,
      `<td title="${escapeXml(call.resource)}">${escapeXml(shortArn(call.resource))}</td>`,
      `<td>${escapeXml(said + struck)}</td>`,
      `<td class="tight number">${call.ms}</td>`,
    ];
    return `<tr class="${call.outcome}">${cells.join('')}</tr>`;
  });
  return `<div class="scroll"><table aria-label="calls"><thead><tr><th>When</th><th>Who</th><th>What</th><th>On</th><th>Outcome</th><th>ms</th></tr></thead><tbody>${rows.join('')}</tbody></table></div>`;
}

/** `flotilla-shift-traffic`, `user/operator`: who it was, without the session's role. */
function shortName(arn: string): string {
  const name = arn.replace(/^arn:aws:\w+::\d+:/, '');
  return name.startsWith('assumed-role/') ? name.slice(name.lastIndexOf('/') + 1) : name;
}

/** An ARN without what is the same in all of the account's. */
function shortArn(arn: string): string {
  return arn.replace(/^arn:aws:([\w-]+):[\w-]*:\d*:/, '$1 ');
}
