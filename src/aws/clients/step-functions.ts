import { SFNClient } from '@aws-sdk/client-sfn';
import { withPatience } from './patience.ts';
import { patientSettings } from './settings.ts';

export function stepFunctionsClient(): SFNClient {
  return withPatience(new SFNClient(patientSettings()));
}
