import { ServiceQuotasClient } from '@aws-sdk/client-service-quotas';
import { withCalls } from '../calls.ts';
import { requestHandler } from './settings.ts';

export function serviceQuotasClient(): ServiceQuotasClient {
  // A quota that is not read in time is told as such; no rollout waits for it.
  return withCalls('servicequotas', new ServiceQuotasClient({ requestHandler, maxAttempts: 2 }));
}
