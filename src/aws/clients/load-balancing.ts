import { ElasticLoadBalancingV2Client } from '@aws-sdk/client-elastic-load-balancing-v2';
import { clientSettings } from './settings.ts';

export function loadBalancingClient(): ElasticLoadBalancingV2Client {
  return new ElasticLoadBalancingV2Client(clientSettings());
}
