import { EC2Client } from '@aws-sdk/client-ec2';
import { withCalls } from '../calls.ts';
import { withPatience } from './patience.ts';
import { patientSettings } from './settings.ts';

export function ec2Client(): EC2Client {
  return withCalls('ec2', withPatience(new EC2Client(patientSettings())));
}
