import { SFNClient } from '@aws-sdk/client-sfn';
import { withCalls } from '../calls.ts';
import { withPatience } from './patience.ts';
import { patientSettings } from './settings.ts';

export function stepFunctionsClient(): SFNClient {
  return withCalls('states', withPatience(new SFNClient(patientSettings())));
}
