/** Wildcards in EC2's filters. https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/Using_Filtering.html */
import { expect, it } from 'vitest';
import { passes } from '../../../local/services/ec2/filters.ts';

const matches = (pattern: string, value: string): boolean =>
  passes([{ Name: 'description', Values: [pattern] }], () => value);

it.each([
  ['database', ['database'], ['databases', 'my database', 'Database']],
  ['*database*', ['database', 'my databases'], ['data base']],
  ['database?', ['database', 'databases'], ['databases2']],
  ['database????', ['database', 'database-old', 'database 12'], ['database-older']],
  ['?atabase', ['database', 'atabase'], ['a database']],
  ['a?b*c', ['abc', 'axbc', 'a-b and c'], ['a--bc', 'abcd']],
  ['*', ['', 'two\nlines'], []],
  ['?', ['', 'é', '😀'], ['ab']],
  ['\\*amazon\\?\\\\', ['*amazon?\\'], ['*amazon?', 'an amazon?\\', '*amazon\\']],
  ['C:\\temp\\?', ['C:\\temp?'], ['C:\\temp', 'C:temp?']],
  ['\\\\*', ['\\', '\\share'], ['*', '']],
  ['a.b', ['a.b'], ['axb']],
  ['(a|b)+[c]?', ['(a|b)+[c]', '(a|b)+[c]!'], ['ac']],
])('%j', (pattern, found, others) => {
  expect(found.filter((value) => !matches(pattern, value))).toEqual([]);
  expect(others.filter((value) => matches(pattern, value))).toEqual([]);
});

// Tried one after the other, the ways to match this would take for ever.
it('comes to an end with many wildcards', () => {
  expect(matches('?a*'.repeat(80), 'a'.repeat(250))).toBe(true);
  expect(matches(`${'?a*'.repeat(80)}b`, 'a'.repeat(250))).toBe(false);
});
