import { AutoScalingClient } from '@aws-sdk/client-auto-scaling';
import { clientSettings } from './settings.ts';

export function autoScalingClient(): AutoScalingClient {
  return new AutoScalingClient(clientSettings());
}
