import { EC2Client } from '@aws-sdk/client-ec2';
import { clientSettings } from './settings.ts';

export function ec2Client(): EC2Client {
  return new EC2Client(clientSettings());
}
