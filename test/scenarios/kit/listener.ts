/** Another listener, for the rules that lead to candidates. */
import type { FleetInVirtualTime } from './fleet-in-virtual-time.ts';

/**
 * Makes a listener that by itself answers 404.
 * @param loadBalancerArn the default load balancer's unless told
 * @returns its ARN
 */
export async function makeListener(
  world: FleetInVirtualTime,
  port = 8081,
  loadBalancerArn: string = world.region.parts.elbv2.defaultLoadBalancer.arn,
): Promise<string> {
  const { Listeners } = await world.call('elasticloadbalancing', 'CreateListener', {
    LoadBalancerArn: loadBalancerArn,
    Protocol: 'HTTP',
    Port: port,
    DefaultActions: [{ Type: 'fixed-response', FixedResponseConfig: { StatusCode: '404' } }],
  });
  return Listeners[0].ListenerArn;
}
