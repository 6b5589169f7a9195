import { CloudWatchClient } from '@aws-sdk/client-cloudwatch';
import { withCalls } from '../calls.ts';
import { withPatience } from './patience.ts';
import { patientSettings } from './settings.ts';

export function cloudWatchClient(): CloudWatchClient {
  return withCalls('cloudwatch', withPatience(new CloudWatchClient(patientSettings())));
}
