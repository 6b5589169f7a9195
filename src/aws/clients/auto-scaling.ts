import { AutoScalingClient } from '@aws-sdk/client-auto-scaling';
import { withCalls } from '../calls.ts';
import { withPatience } from './patience.ts';
import { patientSettings } from './settings.ts';

export function autoScalingClient(): AutoScalingClient {
  return withCalls('autoscaling', withPatience(new AutoScalingClient(patientSettings())));
}
