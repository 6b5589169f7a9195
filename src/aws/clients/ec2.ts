import { EC2Client } from '@aws-sdk/client-ec2';
import { withPatience } from './patience.ts';
import { patientSettings } from './settings.ts';

export function ec2Client(): EC2Client {
  return withPatience(new EC2Client(patientSettings()));
}
