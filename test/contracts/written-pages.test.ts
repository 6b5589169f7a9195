import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { pages } from '../../infra/pages/all.ts';

describe('a page that is written from the code', () => {
  it.each(Object.entries(pages))(
    'says what the code says: docs/%s (node infra/write-pages.ts)',
    (name, page) => {
      expect(readFileSync(new URL(`../../docs/${name}`, import.meta.url), 'utf8')).toBe(page());
    },
  );
});
