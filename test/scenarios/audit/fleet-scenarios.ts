/** What the audit has fleets and live images do. */

import { program } from '../kit/doors.ts';
import { makeListener } from '../kit/listener.ts';
import { empty, ended, free, manyRollouts, type Scenario, sent } from './words.ts';

export const fleetScenarios: readonly Scenario[] = [
  {
    name: 'a fleet from its beginning to its end',
    async run(doors) {
      const { network } = doors.world.region.parts.ec2;
      await doors.apply(
        {
          instances: {
            subnets: network.subnets.map(({ subnetId }) => subnetId),
            securityGroups: [network.securityGroupId],
          },
        },
        'shop',
      );
      await doors.deploy('till', 'shop');
      const testListenerArn = await makeListener(doors.world);
      await doors.apply(
        {
          rule: {
            hosts: ['shop.example.com'],
            paths: ['/shop'],
            testListenerArn,
          },
          healthCheck: { path: '/healthz', deadlineSeconds: 120, gracePeriodSeconds: 20 },
          rollout: {
            steps: [{ weight: 100 }],
            drainSeconds: 5,
            keepWarmSeconds: 600,
            smokeTest: { path: '/shop' },
          },
        },
        'shop',
      );
      await free(doors, 'shop');
      await free(doors);
      await manyRollouts(doors, 'shop');
      const built = (await doors.uploads()).find(({ imageId }) => imageId !== undefined);
      for (const fleet of ['shop', 'web'])
        await doors.api(`POST /fleets/${fleet}/rollouts`, { image: built?.imageId, force: true, plan: true });
      await ended(doors, await sent(doors, 'shop/bell', program('bell')));
      await doors.world.seconds(120);
      await doors.until(async () => {
        const { status, body } = await doors.api('DELETE /fleets/shop?force=true&confirm=shop');
        // A right that was missing at the very end leaves nothing to remove.
        return body.outcome === 'removed' || status === 404 ? true : undefined;
      });
    },
  },
  {
    name: 'a live image that changed, one that a person vetoes, and one whose map is gone',
    async run(doors) {
      await free(doors);
      await doors.deploy('changed');
      const { live } = await doors.fleet();
      const { body } = await doors.api(`GET /lineage/${live.imageId}`);
      const [{ snapshotId }] = body.images;
      doors.world.region.faults.inject({ kind: 'corrupt-block', snapshot: snapshotId, offset: 524_288 });
      await doors.world.seconds(1);
      await doors.world.invoke('verify-images', {});
      await doors.api(`POST /images/${live.imageId}/unveto`, {});
      await doors.api(`POST /images/${live.imageId}/veto`, { reason: 'the audit says so' });
      await free(doors);
      await doors.deploy('without-map');
      await empty(doors, 'images/');
      await doors.world.invoke('verify-images', {});
    },
  },
];
