/** docs/local-region.md names what the region has, no more and no less. */
import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createRegion, type Region } from '../../local/region.ts';
import { resourceTypes } from '../../local/stack/types.ts';

const page = readFileSync(
  join(dirname(fileURLToPath(import.meta.url)), '..', '..', 'docs', 'local-region.md'),
  'utf8',
);

/** Operations by service, from headings like "### DynamoDB (`dynamodb`)" and the tables below them. */
function documented(): Map<string, string[]> {
  const found = new Map<string, string[]>();
  for (const section of page.split(/^### /m).slice(1)) {
    const id = /^[^\n]*\(`([a-z0-9]+)`\)/.exec(section)?.[1];
    if (id === undefined) continue;
    const rows = [
      ...section.matchAll(/^\| \[(\w+)\]\(https:\/\/docs\.aws\.amazon\.com\/\S+\/API_(\w+)\.html\) \|/gm),
    ];
    for (const [, name, linked] of rows) expect(linked).toBe(name);
    found.set(
      id,
      rows.map(([, name]) => name ?? ''),
    );
  }
  return found;
}

describe('the page of the local region', () => {
  let region: Region;
  beforeAll(async () => {
    region = await createRegion({ seed: 1 });
  });
  afterAll(() => region.close());

  test('has a section for each service', () => {
    expect([...documented().keys()].sort()).toEqual([...region.services.keys()].sort());
  });

  test('names each operation of each service', () => {
    const pages = documented();
    for (const [id, service] of region.services)
      expect([...(pages.get(id) ?? [])].sort(), id).toEqual(Object.keys(service.operations).sort());
  });

  test('names each type of resource that a template may have', () => {
    const named = [...page.matchAll(/`(AWS::\w+::\w+)`/g)].map(([, name]) => name ?? '');
    expect(named.sort()).toEqual(Object.keys(resourceTypes).sort());
  });
});
