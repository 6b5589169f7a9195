import { AutoScalingClient } from '@aws-sdk/client-auto-scaling';
import { withPatience } from './patience.ts';
import { patientSettings } from './settings.ts';

export function autoScalingClient(): AutoScalingClient {
  return withPatience(new AutoScalingClient(patientSettings()));
}
