import { AwsError } from '../service.ts';

/**
 * Refuses a parameter that the region does not know, rather than ignore it and behave as if it had not been
 * given.
 * @param known names of the members that the operation heeds, or may ignore without a difference.
 */
export function onlySupported(
  operation: string,
  input: object,
  known: readonly string[],
  code = 'UnsupportedOperation',
): void {
  for (const [name, value] of Object.entries(input)) {
    if (value === undefined || known.includes(name)) continue;
    if (Array.isArray(value) && value.length === 0) continue;
    throw new AwsError(code, `The local region does not support the parameter ${name} of ${operation}.`);
  }
}
