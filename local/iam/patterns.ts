/** The wildcards of policies: `*` for any text, `?` for one character. */

export type Matcher = (text: string) => boolean;

/**
 * One text with wildcards; `\u0000*` and its like stand for a character that is none (`${*}`).
 * https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_resource.html
 */
export function textMatcher(pattern: string, ignoreCase = false): Matcher {
  if (pattern === '*') return () => true;
  if (!/[*?]/.test(pattern)) {
    if (!ignoreCase) return (text) => text === pattern;
    const lower = pattern.toLowerCase();
    return (text) => text.toLowerCase() === lower;
  }
  const source = pattern
    .replace(/[.+^${}()|[\]\\]/g, '\\$&')
    .replaceAll(/(?<!\0)\*/g, '.*')
    .replaceAll(/(?<!\0)\?/g, '.')
    .replaceAll(/\0([*?])/g, '\\$1');
  const expression = new RegExp(`^${source}$`, ignoreCase ? 'is' : 's');
  return (text) => expression.test(text);
}

/** The six parts of an ARN; the last may hold colons. */
function partsOf(arn: string): readonly string[] {
  const parts = arn.split(':');
  return [...parts.slice(0, 5), parts.slice(5).join(':')];
}

/**
 * An ARN with wildcards, part by part: a `*` reaches over slashes, not into the next part.
 * https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_condition_operators.html#Conditions_ARN
 */
export function arnMatcher(pattern: string): Matcher {
  if (pattern === '*') return () => true;
  if (!pattern.startsWith('arn:')) return textMatcher(pattern);
  const matchers = partsOf(pattern).map((part) => textMatcher(part));
  return (arn) => {
    const parts = partsOf(arn);
    return matchers.every((matcher, index) => matcher(parts[index] ?? ''));
  };
}

/** Whether a text is an ARN or a pattern of one: six parts. */
export function isArn(text: string): boolean {
  return /^arn:[^:]+:[^:]+:[^:]*:[^:]*:./s.test(text);
}

const compiled = new Map<string, Matcher>();

/** The same for a pattern that is not kept ready. */
export function matches(pattern: string, text: string, ignoreCase = false): boolean {
  const key = ignoreCase ? `i${pattern}` : `c${pattern}`;
  let matcher = compiled.get(key);
  if (matcher === undefined) {
    matcher = textMatcher(pattern, ignoreCase);
    compiled.set(key, matcher);
  }
  return matcher(text);
}
