/** The wildcards of policies: `*` for any text, `?` for one character. */

const compiled = new Map<string, RegExp>();

export function matches(pattern: string, text: string, ignoreCase = false): boolean {
  if (pattern === '*') return true;
  const wild = pattern.includes('*') || pattern.includes('?');
  if (!wild) return ignoreCase ? pattern.toLowerCase() === text.toLowerCase() : pattern === text;
  const key = ignoreCase ? `i${pattern}` : `c${pattern}`;
  let expression = compiled.get(key);
  if (expression === undefined) {
    const source = pattern
      .replace(/[.+^${}()|[\]\\]/g, '\\$&')
      .replaceAll('*', '.*')
      .replaceAll('?', '.');
    expression = new RegExp(`^${source}$`, ignoreCase ? 'is' : 's');
    compiled.set(key, expression);
  }
  return expression.test(text);
}
