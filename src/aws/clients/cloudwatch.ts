import { CloudWatchClient } from '@aws-sdk/client-cloudwatch';
import { withCalls } from '../calls.ts';
import { withPatience } from './patience.ts';
import { briefSettings, patientSettings } from './settings.ts';

export function cloudWatchClient(): CloudWatchClient {
  return withCalls('cloudwatch', withPatience(new CloudWatchClient(patientSettings())));
}

/** For metrics: what they tell holds nobody up. */
export function briefCloudWatchClient(): CloudWatchClient {
  return withCalls('cloudwatch', new CloudWatchClient(briefSettings()));
}
