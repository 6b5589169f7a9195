/** How many invocations run at once. https://docs.aws.amazon.com/lambda/latest/dg/lambda-concurrency.html */
import type { ThrottleReason } from '@aws-sdk/client-lambda';
import type { StoredFunction } from './function-store.ts';
import { invalid } from './invalid.ts';
import { accountConcurrency } from './limits.ts';

/** Of the account's concurrency, for the functions that reserve none. */
const keptUnreserved = 100;

type Usage = Pick<StoredFunction, 'running' | 'reservedConcurrency'>;

function unreserved(functions: readonly Usage[]): number {
  return functions.reduce((left, one) => left - (one.reservedConcurrency ?? 0), accountConcurrency);
}

/**
 * Which limit one more invocation would exceed. A function uses what it reserved and no more, and no other function
 * uses that; those that reserve nothing share what is left.
 * https://docs.aws.amazon.com/lambda/latest/dg/configuration-concurrency.html
 */
export function throttleReason(asked: Usage, functions: readonly Usage[]): ThrottleReason | undefined {
  if (asked.reservedConcurrency !== undefined) {
    return asked.running >= asked.reservedConcurrency
      ? 'ReservedFunctionConcurrentInvocationLimitExceeded'
      : undefined;
  }
  const sharing = functions.filter((one) => one.reservedConcurrency === undefined);
  const running = sharing.reduce((sum, one) => sum + one.running, 0);
  return running >= unreserved(functions) ? 'ConcurrentInvocationLimitExceeded' : undefined;
}

/** As much can be reserved as leaves 100 unreserved. @throws InvalidParameterValueException */
export function checkReservation(wanted: number, asked: Usage, functions: readonly Usage[]): void {
  const others = functions.filter((one) => one !== asked);
  if (unreserved(others) - wanted >= keptUnreserved) return;
  throw invalid(
    `Specified ReservedConcurrentExecutions for function decreases account's UnreservedConcurrentExecution below its minimum value of [${keptUnreserved}].`,
  );
}
