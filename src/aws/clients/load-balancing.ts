import { ElasticLoadBalancingV2Client } from '@aws-sdk/client-elastic-load-balancing-v2';
import { withCalls } from '../calls.ts';
import { withPatience } from './patience.ts';
import { patientSettings } from './settings.ts';

export function loadBalancingClient(): ElasticLoadBalancingV2Client {
  return withCalls('elasticloadbalancing', withPatience(new ElasticLoadBalancingV2Client(patientSettings())));
}
