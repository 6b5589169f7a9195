import { CloudWatchClient } from '@aws-sdk/client-cloudwatch';
import { clientSettings } from './settings.ts';

export function cloudWatchClient(): CloudWatchClient {
  return new CloudWatchClient(clientSettings());
}
