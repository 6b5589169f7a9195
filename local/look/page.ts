/** `GET /_region`: what exists and what was called, for a person or as JSON. It changes nothing. */
import type { Context } from '../context.ts';
import type { Iam } from '../iam/iam.ts';
import type { Service } from '../service.ts';
import type { Front } from '../wire/front-door.ts';
import { namesNoBucket, queryPairs, splitUrl } from '../wire/http.ts';
import { escapeXml } from '../wire/xml.ts';
import type { CallLog, LoggedCall } from './log.ts';

interface Look {
  readonly region: string;
  readonly account: string;
  readonly now: string;
  readonly exists: Readonly<Record<string, unknown>>;
  readonly callsSinceStart: number;
  /** Newest first. */
  readonly calls: readonly (Omit<LoggedCall, 'at'> & { readonly when: string })[];
}

/** How many calls the page shows. */
const shown = 500;

/**
 * The region's own page. `?format=json` or `Accept: application/json` gives data; `?who=` and `?q=` filter the
 * calls by caller and by any text, `?denied` keeps the denials.
 */
export function createLook(
  context: Context,
  iam: Iam,
  services: ReadonlyMap<string, Service>,
  log: CallLog,
): Front {
  return {
    matches: (request) => namesNoBucket(request) && splitUrl(request.url).path === '/_region',
    handle: async (request) => {
      if (request.method !== 'GET')
        return { status: 405, headers: { allow: 'GET', 'content-type': 'text/plain' }, body: 'Read only.\n' };
      const query = new Map(queryPairs(splitUrl(request.url).query, true));
      const exists: Record<string, unknown> = { iam: iam.look() };
      for (const service of services.values()) exists[service.id] = service.look?.() ?? 'runs';
      const calls = log
        .list({ who: query.get('who'), q: query.get('q') })
        .filter((call) => !query.has('denied') || call.outcome === 'denied')
        .slice(-shown)
        .reverse()
        .map(({ at, ...call }) => ({ when: new Date(at).toISOString(), ...call }));
      const look: Look = {
        region: context.regionName,
        account: context.accountId,
        now: new Date(context.clock.now()).toISOString(),
        exists,
        callsSinceStart: log.total,
        calls,
      };
      const json = query.get('format') === 'json' || request.headers.accept?.includes('application/json');
      return json
        ? {
            status: 200,
            headers: { 'content-type': 'application/json' },
            body: JSON.stringify(look, null, 2),
          }
        : { status: 200, headers: pageHeaders, body: page(look, query) };
    },
  };
}

const pageHeaders = {
  'content-type': 'text/html; charset=utf-8',
  'content-security-policy':
    "default-src 'none'; style-src 'unsafe-inline'; form-action 'self'; frame-ancestors 'none'",
  'cache-control': 'no-store',
};

const style =
  'body{font:15px/1.5 system-ui,sans-serif;margin:2rem auto;max-width:75rem;padding:0 1rem;color:#1b1b1f;background:#fff}' +
  'table{border-collapse:collapse;width:100%}td,th{text-align:left;padding:.2rem .6rem .2rem 0;vertical-align:top;border-top:1px solid #ddd}' +
  'td{overflow-wrap:anywhere}td:nth-child(1),td:nth-child(3),td:nth-child(6){white-space:nowrap;font-variant-numeric:tabular-nums}td:nth-child(6){text-align:right}pre{white-space:pre-wrap;overflow-wrap:anywhere;background:#f5f5f7;padding:.6rem}' +
  '.error{color:#8a4b00}.denied{color:#a40000}@media(prefers-color-scheme:dark){body{color:#e8e8ee;background:#17171a}pre{background:#232328}td,th{border-color:#444}.error{color:#ffbe6b}.denied{color:#ff8a8a}}';

function page(look: Look, query: ReadonlyMap<string, string>): string {
  const rows = look.calls.map((call) => {
    const said = call.errorCode === undefined ? 'ok' : `${call.errorCode}: ${call.message}`;
    const cells = [
      call.when.slice(11, 23),
      call.who.replace(/^arn:aws:\w+::\d+:/, ''),
      call.action,
      call.resource,
      said,
      `${call.ms}`,
    ];
    return `<tr class="${call.outcome}">${cells.map((cell) => `<td>${escapeXml(cell)}</td>`).join('')}</tr>`;
  });
  const field = (name: string, label: string): string =>
    `<label>${label} <input name="${name}" value="${escapeXml(query.get(name) ?? '')}"></label> `;
  const parts = Object.entries(look.exists).map(
    ([id, what]) =>
      `<details><summary>${escapeXml(id)}</summary><pre>${escapeXml(JSON.stringify(what, null, 2))}</pre></details>`,
  );
  return (
    `<!doctype html><html lang="en"><meta charset="utf-8"><title>Local region ${escapeXml(look.region)}</title><style>${style}</style>` +
    `<h1>Local region ${escapeXml(look.region)}</h1><p>Account ${look.account}, ${look.now}, ${look.callsSinceStart} calls. ` +
    `<a href="/_region?format=json">As JSON</a></p><h2>What exists</h2>${parts.join('')}<h2>Calls</h2>` +
    `<form>${field('who', 'Who')}${field('q', 'Text')}<label><input type="checkbox" name="denied"${query.has('denied') ? ' checked' : ''}> denied only</label> <button>Filter</button></form>` +
    `<table><thead><tr><th>When<th>Who<th>What<th>On<th>Outcome<th>ms</thead><tbody>${rows.join('')}</tbody></table></html>`
  );
}
