import { CloudWatchClient } from '@aws-sdk/client-cloudwatch';
import { withPatience } from './patience.ts';
import { patientSettings } from './settings.ts';

export function cloudWatchClient(): CloudWatchClient {
  return withPatience(new CloudWatchClient(patientSettings()));
}
