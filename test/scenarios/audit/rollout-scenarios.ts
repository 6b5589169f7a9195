/** What the audit has rollouts do. */
import type { MachineScript } from '../../../local/machines/scripted.ts';
import { createFunction } from '../../support/functions.ts';
import { putAlarm } from '../kit/alarm.ts';
import { person, program } from '../kit/doors.ts';
import {
  alarm,
  ended,
  everything,
  free,
  orderInside,
  orderUntold,
  type Scenario,
  sent,
  stopAll,
  sweeping,
} from './words.ts';

export const rolloutScenarios: readonly Scenario[] = [
  {
    name: 'a first release',
    async run(doors) {
      await putAlarm(doors.world, 'errors');
      await alarm(doors, 'OK');
      await doors.deploy('one');
      for (const path of ['/', '/fleets', '/fleets/web/releases', '/fleets/web/rollouts', '/uploads'])
        await doors.api(`GET ${path}`);
      const { live } = await doors.fleet();
      await doors.api(`GET /lineage/${live.imageId}`);
    },
  },
  {
    name: 'a second release, and back while the first is warm',
    async run(doors) {
      // A fleet asks once how many vCPUs a type has: another one, now that no look beside it is refused.
      const instances = { ...everything.instances, types: ['t3.micro'] };
      await doors.apply({ ...everything, instances });
      await doors.deploy('two');
      // The release that goes live again has a policy that the spec has no more.
      await doors.apply({ ...everything, scaling: { cpuPercent: 50 } });
      const { body } = await doors.api('POST /fleets/web/rollback', {});
      await doors.rolloutEnded(body.rollout);
      await doors.apply(everything);
    },
  },
  {
    name: 'a candidate that a hook is asked of, and that grows with its share',
    async run(doors) {
      await free(doors);
      const source = "export const handler = async () => ({ verdict: 'go' });";
      const Resource = await createFunction(doors.world.region, 'hook', source);
      await doors.world.call('lambda', 'TagResource', { Resource, Tags: { 'flotilla:hook': 'flotilla' } });
      const hooks = { beforeTraffic: Resource };
      await doors.apply({ ...everything, rollout: { ...everything.rollout, capacity: 'follow', hooks } });
      await doors.deploy('growing');
      await free(doors);
      const { live } = await doors.fleet();
      await doors.api('POST /fleets/web/rollouts', { image: live.imageId, force: true, plan: true });
      await doors.apply(everything);
    },
  },
  {
    name: 'gates that are long enough to count requests',
    async run(doors) {
      const shifted = [{ weight: 50, bakeSeconds: 300 }, { weight: 100 }];
      const promoted = [{ weight: 100, bakeSeconds: 300 }];
      // A rollout goes on where it may not count: each part of the right is missed in one of its own.
      for (const [index, steps] of [shifted, promoted, shifted, promoted].entries()) {
        await free(doors);
        await doors.apply({ ...everything, rollout: { ...everything.rollout, steps } });
        await doors.deploy(`counted-${index}`);
      }
      await doors.apply(everything);
    },
  },
  {
    name: 'a retirement',
    async run(doors) {
      await doors.world.seconds(15 * 60);
    },
  },
  {
    name: 'orders at gates',
    async run(doors) {
      for (const verb of ['abort', 'promote']) {
        await free(doors);
        const upload = await sent(doors, `web/${verb}`, program(verb));
        const id = `web-${upload.rollout}`;
        await doors.phase(id, 'baking');
        await doors.api(`POST /rollouts/${id}/${verb}`, {});
        await doors.rolloutEnded(id);
      }
    },
  },
  {
    name: 'an order before there is a gate',
    async run(doors) {
      await free(doors);
      const [one] = await doors.uploads();
      for (const verb of ['abort', 'promote']) {
        await free(doors);
        const { body } = await doors.api('POST /fleets/web/rollouts', { image: one?.imageId });
        await doors.api(`POST /rollouts/${body.rollout}/${verb}`, {});
        await doors.rolloutEnded(body.rollout);
      }
    },
  },
  {
    name: 'an order that its gate was not told of',
    async run(doors) {
      await free(doors);
      const steps = [{ weight: 50, bakeSeconds: 600 }, { weight: 100 }];
      await doors.apply({ ...everything, rollout: { ...everything.rollout, steps } });
      const upload = await sent(doors, 'web/untold', program('untold'));
      await doors.phase(`web-${upload.rollout}`, 'baking');
      await orderUntold(doors, upload.rollout ?? 0, 'promote');
      await ended(doors, upload);
      await doors.apply(everything);
    },
  },
  {
    name: 'an order in the moment before there is a gate',
    async run(doors, auditor) {
      await free(doors);
      for (const verb of ['abort', 'abort', 'promote']) {
        await free(doors);
        const upload = await sent(
          doors,
          `web/early-${verb}`,
          program(`early-${verb}-${doors.world.clock.now()}`),
        );
        const id = `web-${upload.rollout}`;
        let given = false;
        auditor.before = async (name) => {
          if (name !== 'hold-at-gate' || given) return;
          given = true;
          await orderInside(doors, id, verb);
        };
        await doors.rolloutEnded(id);
        auditor.before = async () => {};
      }
    },
  },
  {
    name: 'an alarm while the former release is warm',
    async run(doors) {
      await free(doors);
      const [errors] = everything.rollout.alarms;
      const alarms = [{ ...errors, name: 'errors', whileWarm: 'roll-back' as const }];
      await doors.apply({ ...everything, rollout: { ...everything.rollout, alarms } });
      // Once for the action and once for its resource: what could not be started then, the sweeper starts.
      for (const name of ['regretted', 'regretted-too']) {
        await doors.deploy(name);
        await free(doors);
        await alarm(doors, 'ALARM');
        await doors.world.seconds(90);
        await free(doors);
        await alarm(doors, 'OK');
      }
      await doors.apply(everything);
    },
  },
  {
    name: 'weights that somebody set by hand',
    async run(doors) {
      await free(doors);
      const { fixed, weights } = await doors.fleet();
      await doors.world.call('elasticloadbalancing', 'ModifyRule', {
        RuleArn: fixed.ruleArn,
        Actions: [
          {
            Type: 'forward',
            ForwardConfig: {
              TargetGroups: [
                { TargetGroupArn: fixed.blueArn, Weight: weights.blue === 0 ? 1 : 99 },
                { TargetGroupArn: fixed.greenArn, Weight: weights.blue === 0 ? 99 : 1 },
              ],
            },
          },
        ],
      });
      await doors.apply(everything);
    },
  },
  {
    name: 'a promotion whose record is answered late',
    async run(doors) {
      await free(doors);
      // What a function hands to the next is read again when it is older than a moment.
      doors.world.region.faults.inject({
        kind: 'delay',
        by: 'promote-release',
        action: 'dynamodb:TransactWriteItems',
        seconds: 3,
      });
      await doors.deploy('recorded-late');
    },
  },
  {
    name: 'a third release while the first is warm',
    async run(doors) {
      await free(doors);
      await doors.deploy('third');
      await doors.deploy('fourth');
    },
  },
  {
    name: 'an alarm during a bake',
    async run(doors) {
      await free(doors);
      const upload = await sent(doors, 'web/alarmed', program('alarmed'));
      await doors.phase(`web-${upload.rollout}`, 'baking');
      await alarm(doors, 'ALARM');
      await ended(doors, upload);
      await alarm(doors, 'OK');
    },
  },
  {
    name: 'a candidate that is never healthy, and some that fall ill',
    async run(doors) {
      const { instances } = doors.world.region.parts.ec2;
      const before = instances.machines;
      let ill = true;
      let known = '';
      // What is launched from now on of an image that is not known yet is ill when told so.
      const script: MachineScript = { healthy: () => !ill, console: ['no database'] };
      const live = (await doors.fleet()).live.imageId;
      instances.machines = ({ ImageId = '' }) => {
        known = ImageId;
        return known === live ? {} : script;
      };
      await free(doors);
      await ended(doors, await sent(doors, 'web/never', program('never')));
      for (const [name, steps] of Object.entries({
        shift: [{ weight: 50, bakeSeconds: 25 }, { weight: 100 }],
        promote: [{ weight: 100, bakeSeconds: 25 }],
        sweep: [{ weight: 50, bakeSeconds: 600 }, { weight: 100 }],
      })) {
        await free(doors);
        await doors.apply({ ...everything, rollout: { ...everything.rollout, steps } });
        ill = false;
        // The sweeper may come between: only without it is it surely the state meant that finds the candidate ill.
        if (name !== 'sweep') await sweeping(doors, 'DisableRule');
        const upload = await sent(doors, `web/ill-${name}`, program(`ill-${name}`));
        await doors.phase(`web-${upload.rollout}`, 'baking');
        ill = true;
        await ended(doors, upload);
        if (name !== 'sweep') await sweeping(doors, 'EnableRule');
      }
      instances.machines = before;
      await free(doors);
      await doors.apply(everything);
    },
  },
  {
    name: 'an execution that is stopped',
    async run(doors) {
      await free(doors);
      const upload = await sent(doors, 'web/halted', program('halted'));
      await doors.phase(`web-${upload.rollout}`, 'baking');
      await stopAll(doors, 'swap-fleet');
      await ended(doors, upload);
    },
  },
  {
    name: 'a retirement that is stopped',
    async run(doors) {
      await free(doors);
      await doors.deploy('unretired');
      await doors.world.seconds(30);
      // It waits, and holds nothing: the sweeper starts another one when the time has come.
      await stopAll(doors, 'retire-release');
      let stopped = false;
      doors.world.fault = (name) => {
        if (name === 'remove-group' && !stopped) {
          stopped = true;
          void stopAll(doors, 'retire-release');
        }
        return undefined;
      };
      await doors.world.seconds(1200);
      doors.world.fault = () => undefined;
    },
  },
  {
    name: "deployments that wait for each other, and that take each other's place",
    async run(doors) {
      for (const whenBusy of ['queue', 'supersede'] as const) {
        await free(doors);
        await doors.apply({ ...everything, rollout: { ...everything.rollout, whenBusy } });
        const first = await sent(doors, `web/${whenBusy}-1`, program(`${whenBusy}-1`));
        await doors.phase(`web-${first.rollout}`, 'baking');
        const second = await sent(doors, `web/${whenBusy}-2`, program(`${whenBusy}-2`));
        if (whenBusy === 'queue') await doors.api(`POST /rollouts/web-${second.rollout}/abort`, {});
        await ended(doors, first);
        await ended(doors, second);
      }
      // Asked for once more while the one that was overtaken is still being undone: the second is taken from the queue.
      await free(doors);
      const [held, next, last] = [
        await sent(doors, 'web/overtaken', program('overtaken')),
        (await doors.uploads()).find(({ key }) => key === 'web/queue-1'),
        (await doors.uploads()).find(({ key }) => key === 'web/queue-2'),
      ];
      await doors.phase(`web-${held.rollout}`, 'baking');
      for (const upload of [next, last])
        await doors.world.invoke('request-rollout', {
          fleet: 'web',
          target: { kind: 'image', identity: upload?.identity },
          by: { principal: person, through: 'api' },
        });
      await ended(doors, held);
      await free(doors);
      await doors.apply(everything);
    },
  },
  {
    name: 'an execution that is stopped, and its event lost',
    async run(doors) {
      await free(doors);
      const upload = await sent(doors, 'web/lost', program('lost'));
      await doors.phase(`web-${upload.rollout}`, 'baking');
      doors.world.fault = (name) => (name === 'recover-rollout' ? 'crash' : undefined);
      await stopAll(doors, 'swap-fleet');
      await ended(doors, upload);
      doors.world.fault = () => undefined;
    },
  },
  {
    name: 'deployments by image, artifact and new settings',
    async run(doors) {
      await free(doors);
      const one = (await doors.uploads()).find(({ key }) => key === 'web/one');
      await doors.api('POST /fleets/web/rollouts', { image: 'ami-0123456789abcdef0' });
      await doors.api('POST /fleets/web/rollouts', { artifact: 'e'.repeat(64) });
      await doors.apply({ ...everything, image: { environment: { COLOUR: 'green' } } });
      const { body } = await doors.api('POST /fleets/web/rollouts', { artifact: one?.artifactSha256 });
      const upload = await doors.until(async () => {
        const answer = await doors.api(`GET ${body.address}`);
        return answer.status === 200 && answer.body.ended ? answer.body : undefined;
      });
      await doors.rolloutEnded(upload.rollout);
      await doors.apply(everything);
    },
  },
  {
    name: 'a live group that somebody deletes during a rollout',
    async run(doors) {
      for (const ending of ['aborted', 'stopped'] as const) {
        await free(doors);
        const upload = await sent(doors, `web/${ending}-alone`, program(`${ending}-alone`));
        const id = `web-${upload.rollout}`;
        await doors.phase(id, 'baking');
        const { live } = await doors.fleet();
        const AutoScalingGroupName = live.groupName;
        await doors.world.call('autoscaling', 'DeleteAutoScalingGroup', {
          AutoScalingGroupName,
          ForceDelete: true,
        });
        if (ending === 'stopped') await stopAll(doors, 'swap-fleet');
        else await doors.api(`POST /rollouts/${id}/abort`, {});
        await ended(doors, upload);
      }
    },
  },
];
