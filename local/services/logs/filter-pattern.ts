import { AwsError } from '../../service.ts';

/**
 * A filter pattern as a predicate: terms (all must be there), `?term` (any of them), `-term` (must not be
 * there), and phrases in double quotes. Patterns on JSON and on columns are refused.
 * https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/FilterAndPatternSyntax.html
 */
export function filterOf(pattern: string | undefined): (message: string) => boolean {
  if (pattern === undefined || pattern.trim() === '') return () => true;
  if (/^\s*[{[%]/.test(pattern)) {
    throw new AwsError(
      'InvalidParameterException',
      'The local region knows filter patterns of terms alone, not those on JSON, columns or regular expressions.',
    );
  }
  const all: string[] = [];
  const any: string[] = [];
  const none: string[] = [];
  for (const [, sign, quoted, plain] of pattern.matchAll(/([?-]?)(?:"((?:[^"\\]|\\.)*)"|(\S+))/g)) {
    const list = sign === '?' ? any : sign === '-' ? none : all;
    list.push(quoted?.replace(/\\(.)/g, '$1') ?? plain ?? '');
  }
  return (message) =>
    all.every((term) => message.includes(term)) &&
    (any.length === 0 || any.some((term) => message.includes(term))) &&
    !none.some((term) => message.includes(term));
}
