import { LambdaClient } from '@aws-sdk/client-lambda';
import { withCalls } from '../calls.ts';
import { requestHandler } from './settings.ts';

export function lambdaClient(): LambdaClient {
  // As with quotas: what is not read in time is told as such.
  return withCalls('lambda', new LambdaClient({ requestHandler, maxAttempts: 2 }));
}
