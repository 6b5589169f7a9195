import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { pages } from '../../infra/pages/all.ts';

/** JSON is compared by what it says: the formatter may break its lines elsewhere. */
const meant = (name: string, text: string): unknown => (name.endsWith('.json') ? JSON.parse(text) : text);

describe('a page that is written from the code', () => {
  it.each(Object.entries(pages))(
    'says what the code says: docs/%s (node infra/write-pages.ts)',
    (name, page) => {
      const written = readFileSync(new URL(`../../docs/${name}`, import.meta.url), 'utf8');
      expect(meant(name, written)).toEqual(meant(name, page()));
    },
  );
});
