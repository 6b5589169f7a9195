import { SFNClient } from '@aws-sdk/client-sfn';
import { clientSettings } from './settings.ts';

export function stepFunctionsClient(): SFNClient {
  return new SFNClient(clientSettings());
}
