import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { conditionsOverlap, patternsIntersect, sameCondition } from '../../../src/fleet/conditions.ts';

/** As the load balancer matches: the plain meaning of a pattern, to check the clever one against. */
function matches(pattern: string, text: string): boolean {
  const source = [...pattern].map((c) =>
    c === '*' ? '.*' : c === '?' ? '.' : `\\u${c.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
  return new RegExp(`^${source.join('')}$`).test(text);
}

describe('two patterns', () => {
  it.each([
    ['/api/*', '/api/users', true],
    ['/api/*', '/app/*', false],
    ['/*', '/anything', true],
    ['*.example.com', 'web.*', true],
    ['a?c', 'abc', true],
    ['a?c', 'ac', false],
    ['*', '', true],
    ['', '?', false],
    ['*a*', '*b*', true],
    ['a*b', 'b*a', false],
  ])('%s and %s: %s', (left, right, expected) => {
    expect(patternsIntersect(left, right)).toBe(expected);
    expect(patternsIntersect(right, left)).toBe(expected);
  });

  it('have a text in common exactly when one can be found', () => {
    const pattern = fc.string({ unit: fc.constantFrom('a', 'b', '*', '?'), maxLength: 5 });
    const texts = [''];
    // A common text of two patterns of five needs at most ten characters; eight of two letters find all here.
    for (let i = 0; texts.length < 2 ** 9 - 1; i++) texts.push(`${texts[i]}a`, `${texts[i]}b`);
    fc.assert(
      fc.property(pattern, pattern, (left, right) => {
        const found = texts.some((text) => matches(left, text) && matches(right, text));
        if (found) expect(patternsIntersect(left, right)).toBe(true);
        // The shortest common text is no longer than the fixed characters of both.
        else if (left.replaceAll('*', '').length + right.replaceAll('*', '').length <= 8)
          expect(patternsIntersect(left, right)).toBe(false);
      }),
      { numRuns: 300 },
    );
  });
});

describe('two rules', () => {
  it('overlap where both hosts and paths meet', () => {
    const api = { hosts: ['api.example.com'], paths: ['/v1/*'] };
    expect(conditionsOverlap(api, { hosts: ['API.example.com'], paths: [] })).toBe(true);
    expect(conditionsOverlap(api, { hosts: [], paths: ['/v1/users'] })).toBe(true);
    expect(conditionsOverlap(api, { hosts: ['api.example.com'], paths: ['/v2/*'] })).toBe(false);
    expect(conditionsOverlap(api, { hosts: ['web.example.com'], paths: ['/v1/*'] })).toBe(false);
    expect(conditionsOverlap({ hosts: [], paths: ['/v1/*'] }, api)).toBe(true);
  });

  it('overlap where one of many hosts meets one of many', () => {
    const one = { hosts: ['a.example.com', 'B.example.com'], paths: ['/x', '/y'] };
    expect(conditionsOverlap(one, { hosts: ['c.example.com', 'b.example.com'], paths: ['/z', '/y'] })).toBe(
      true,
    );
    expect(conditionsOverlap(one, { hosts: ['c.example.com'], paths: ['/y'] })).toBe(false);
    expect(conditionsOverlap(one, { hosts: ['b.example.com'], paths: ['/Y'] })).toBe(false);
  });

  it('are the same in whatever order they name things, and paths keep their case', () => {
    expect(sameCondition({ hosts: ['b', 'A'], paths: ['/x'] }, { hosts: ['a', 'B'], paths: ['/x'] })).toBe(
      true,
    );
    expect(sameCondition({ hosts: [], paths: ['/x'] }, { hosts: [], paths: ['/X'] })).toBe(false);
    expect(sameCondition({ hosts: [], paths: ['/x', '/y'] }, { hosts: [], paths: ['/y', '/x'] })).toBe(true);
    expect(sameCondition({ hosts: ['/x'], paths: [] }, { hosts: [], paths: ['/x'] })).toBe(false);
  });
});
