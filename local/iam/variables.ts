/**
 * Variables in policies, `${aws:username}` and its like; `${*}`, `${?}` and `${$}` stand for the characters
 * themselves. Only documents of version 2012-10-17 have them.
 * https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_variables.html
 */
import type { ConditionContext } from './conditions.ts';

const variable = /\$\{([^}]+)\}/g;

export function hasVariables(text: string): boolean {
  return text.includes('${');
}

/** The condition keys that a text asks for. */
export function keysIn(text: string): readonly string[] {
  return [...text.matchAll(variable)]
    .map(([, inner = '']) => inner.split(',')[0]?.trim() ?? '')
    .filter((key) => !['*', '?', '$'].includes(key));
}

/**
 * The text with its variables filled in; undefined where the request has no value, or several, and no default
 * (`${aws:username, 'nobody'}`) is given.
 */
export function filledIn(text: string, context: ConditionContext): string | undefined {
  let missing = false;
  const filled = text.replaceAll(variable, (_, inner: string) => {
    if (inner === '$') return '$';
    if (inner === '*' || inner === '?') return `\0${inner}`;
    const [, key = inner, fallback] = /^\s*([^,]+?)\s*(?:,\s*'([^']*)'\s*)?$/.exec(inner) ?? [];
    const found = context[key.toLowerCase()];
    const value = typeof found === 'string' ? found : fallback;
    if (value === undefined) missing = true;
    // A wildcard in the value is a character like any other.
    return (value ?? '').replaceAll(/[*?]/g, '\0$&');
  });
  return missing ? undefined : filled;
}
