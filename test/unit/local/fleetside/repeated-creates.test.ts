/** Creates of Elastic Load Balancing that are repeated: with the same settings, and with others. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { FleetRegion } from './fleet-region.ts';

const elb = 'elasticloadbalancing';

let fleet: FleetRegion;
beforeEach(async () => {
  fleet = await FleetRegion.create();
});
afterEach(() => fleet.region.close());

describe('a target group that is created again', () => {
  const create = (more: object = {}) =>
    fleet.call(elb, 'CreateTargetGroup', {
      ...{ Name: 'again', Protocol: 'HTTP', Port: 8080 },
      ...{ VpcId: fleet.region.parts.ec2.network.vpcId, ...more },
    });

  it('is the same, whether its settings are named or left to their defaults', async () => {
    const first = await create();
    const again = await create({ HealthCheckPath: '/', Matcher: { HttpCode: '200' } });
    expect(again.TargetGroups).toEqual(first.TargetGroups);
    expect(await create()).toEqual(first);
  });

  it('collides where a setting is left out that is not at its default', async () => {
    await create({ HealthCheckPath: '/ready' });
    await expect(create()).rejects.toMatchObject({ code: 'DuplicateTargetGroupName' });
  });
});
