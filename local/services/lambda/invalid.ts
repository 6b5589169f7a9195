import { AwsError } from '../../service.ts';

/** What Lambda does not take. */
export function invalid(message: string): AwsError {
  return new AwsError('InvalidParameterValueException', message);
}
