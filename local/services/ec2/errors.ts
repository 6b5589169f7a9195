/** Error codes of EC2: https://docs.aws.amazon.com/AWSEC2/latest/APIReference/errors-overview.html */
import { AwsError } from '../../service.ts';

export function missing(parameter: string): AwsError {
  return new AwsError('MissingParameter', `The request must contain the parameter ${parameter}`);
}

export function invalidValue(message: string): AwsError {
  return new AwsError('InvalidParameterValue', message);
}

export function badToken(): AwsError {
  return new AwsError('InvalidNextToken', 'The specified pagination token is not valid.');
}

/** Ids are the prefix and eight or seventeen hexadecimal digits. @throws AwsError of the code */
export function checkId(id: string, prefix: string, code: string): void {
  if (!new RegExp(`^${prefix}-(?:[0-9a-f]{8}|[0-9a-f]{17})$`).test(id))
    throw new AwsError(code, `Invalid id: "${id}"`);
}

/** @throws MissingParameter */
export function required<T>(value: T | undefined, parameter: string): T {
  if (value === undefined || value === '') throw missing(parameter);
  return value;
}

/** "You have exceeded an Amazon EC2 resource limit": AWS tells no code of their own for AMIs and templates. */
export function limitExceeded(message: string): AwsError {
  return new AwsError('ResourceLimitExceeded', message);
}
