/** What the audit has uploads and builds do. */
import { program } from '../kit/doors.ts';
import { addKernel } from '../kit/kernels.ts';
import {
  empty,
  ended,
  everything,
  removeSnapshots,
  removeVersion,
  type Scenario,
  sent,
  stopAll,
} from './words.ts';

export const buildScenarios: readonly Scenario[] = [
  {
    name: 'an upload by a URL of the API',
    async run(doors, auditor) {
      const bytes = program('presigned');
      const { body } = await doors.api('POST /fleets/web/uploads', {
        name: 'presigned',
        sizeBytes: bytes.length,
      });
      const { pathname, search, host } = new URL(body.url);
      let version = '';
      const put = async () => {
        const answer = await doors.world.region.handle({
          method: 'PUT',
          url: pathname + search,
          headers: { host, 'content-length': String(bytes.length), ...body.headers },
          body: bytes,
        });
        version = String(answer.headers['x-amz-version-id']);
        return { failed: answer.status !== 200, payload: String(answer.body), log: '' };
      };
      const { failed, payload } = await auditor.onBehalfOf('api-uploads', put);
      if (failed) throw new Error(payload);
      await ended(doors, await doors.uploadEnded('web/presigned', version));
      // Gone before the function looks who put it there.
      auditor.before = async (name) => {
        if (name === 'receive-upload') await removeVersion(doors, 'web/presigned', version);
      };
      await put();
      await doors.uploadEnded('web/presigned', version);
    },
  },
  {
    name: 'uploads that are refused',
    async run(doors) {
      await sent(doors, 'web/text', Buffer.from('no program'));
      await doors.apply({ ...everything, image: { kernel: '9.9.9' } });
      await sent(doors, 'web/no-kernel', program('no-kernel'));
      await addKernel(doors, '9.1.0', [{ name: 'klibs/ntp', bytes: Buffer.from('a module') }]);
      await doors.apply({ ...everything, image: { kernel: '9.1.0', klibs: ['ntp'] } });
      await ended(doors, await sent(doors, 'web/kernel', program('kernel')));
      await doors.apply(everything);
    },
  },
  {
    name: 'an upload that is gone before it is looked at',
    async run(doors) {
      const versionId = await doors.upload('web/gone', program('gone'));
      await doors.world.call('s3', 'DeleteObject', {
        Bucket: doors.uploadBucket,
        Key: 'web/gone',
        VersionId: versionId,
      });
      await doors.uploadEnded('web/gone', versionId);
    },
  },
  {
    name: 'what a build needs is gone before one of its steps',
    async run(doors, auditor) {
      const gone: Record<string, (key: string, version: string) => Promise<void>> = {
        // A difference to an image before it is verified; it is the first, as its parent's digests go, too.
        'verify-snapshot': () => empty(doors, 'digests/'),
        'start-snapshot': () => empty(doors, 'recipes/'),
        'write-blocks': () => empty(doors, 'recipes/'),
        'write-blocks ': (key, version) => removeVersion(doors, key, version),
        'complete-snapshot': () => empty(doors, 'digests/'),
        'complete-snapshot ': () => removeSnapshots(doors),
      };
      for (const [step, remove] of Object.entries(gone)) {
        const key = `web/gone-${step.replace(' ', '-2')}`;
        const version = await doors.upload(key, program(key));
        auditor.before = async (name) => {
          if (name === step.trim()) await remove(key, version);
        };
        await doors.uploadEnded(key, version);
        auditor.before = async () => {};
      }
    },
  },
  {
    name: 'builds that are stopped, and whose upload is gone',
    async run(doors, auditor) {
      // Each is told of once, so that each of the sweeper's last calls needs one of its own.
      for (const number of [1, 2, 3, 4, 5, 6]) {
        const key = `web/stopped-and-gone-${number}`;
        const version = await doors.upload(key, program(key));
        let stopped = false;
        auditor.before = async (name) => {
          if (name !== 'inspect-artifact' || stopped) return;
          stopped = true;
          await removeVersion(doors, key, version);
          await stopAll(doors, 'build-image');
        };
        await doors.uploadEnded(key, version);
      }
    },
  },
  {
    name: 'builds that break off after each of their steps',
    async run(doors) {
      for (const step of ['write-blocks', 'complete-snapshot', 'register-image', 'record-image']) {
        doors.world.fault = (name) => (name === step ? 'crash' : undefined);
        await sent(doors, `web/after-${step}`, program(`after-${step}`));
        doors.world.fault = () => undefined;
      }
    },
  },
  {
    name: 'builds that are stopped in each of their steps',
    async run(doors) {
      for (const step of ['write-blocks', 'check-image']) {
        let stopped = false;
        doors.world.fault = (name) => {
          if (name === step && !stopped) {
            stopped = true;
            void stopAll(doors, 'build-image');
          }
          return undefined;
        };
        const key = `web/stopped-${step}`;
        const versionId = await doors.upload(key, program(key));
        await doors.uploadEnded(key, versionId);
        doors.world.fault = () => undefined;
      }
    },
  },
  {
    name: 'an upload whose execution could not be started when it came',
    async run(doors) {
      const { faults } = doors.world.region;
      const denied = { action: 'states:StartExecution', code: 'InvalidName', by: 'receive-upload' };
      faults.inject({ kind: 'fail', ...denied, times: 1_000 });
      const versionId = await doors.upload('web/late', program('late'));
      await doors.world.seconds(600);
      faults.clear();
      await ended(doors, await doors.uploadEnded('web/late', versionId));
    },
  },
  {
    name: 'builds whose leftovers the next one finds',
    async run(doors) {
      for (const step of ['complete-snapshot', 'check-image']) {
        const key = `web/left-${step}`;
        doors.world.fault = (name) =>
          name === step || name === 'abandon-image' || name === 'sweep-builds' ? 'crash' : undefined;
        await sent(doors, key, program(key));
        doors.world.fault = () => undefined;
        await ended(doors, await sent(doors, key, program(key)));
      }
    },
  },
  {
    name: 'smoke boots: one that passes, one that fails, and one that is stopped',
    async run(doors, auditor) {
      const { ec2 } = doors.world.region.parts;
      const scripted = ec2.instances.machines;
      const booting = { ...everything, image: { smokeBoot: { deadlineSeconds: 30 } } };
      await doors.apply({ ...booting, deployOnUpload: false });
      // Spot first, then On-Demand: each has resources of its own.
      await sent(doors, 'web/boots', program('boots'));
      ec2.outages.withhold({ market: 'spot' });
      ec2.instances.machines = () => ({ healthy: false, console: ['not well'] });
      await sent(doors, 'web/boots-not', program('boots-not'));
      ec2.outages.release({ market: 'spot' });
      // Ended once each, so that each of the sweeper's last calls needs one of its own; a launch that nobody heard of
      // is looked for by its tags.
      for (const step of ['launch', 'launch', 'launch', 'check', 'check', 'check', 'check', 'check']) {
        const key = `web/boot-stopped-${(await doors.uploads()).length}`;
        let stopped = false;
        auditor.before = async (name) => {
          if (name !== `${step}-smoke-boot` || stopped) return;
          stopped = true;
          if (step === 'launch')
            doors.world.region.faults.inject({
              kind: 'crash',
              function: 'flotilla-launch-smoke-boot',
              when: 'after',
              action: 'ec2:RunInstances',
            });
          await stopAll(doors, 'build-image');
        };
        await doors.uploadEnded(key, await doors.upload(key, program(key)));
        auditor.before = async () => {};
        doors.world.region.faults.clear();
      }
      // Whoever ends a boot of which no answer ever came looks for it by its tags, too.
      for (const key of ['web/boot-unheard', 'web/boot-unheard-again']) {
        for (let count = 0; count < 60; count += 1)
          doors.world.region.faults.inject({
            kind: 'lose-answer',
            by: 'launch-smoke-boot',
            action: 'ec2:RunInstances',
            nth: 1,
          });
        await doors.uploadEnded(key, await doors.upload(key, program(key)));
        doors.world.region.faults.clear();
      }
      ec2.instances.machines = scripted;
      await doors.apply(everything);
    },
  },
  {
    name: 'the same bytes twice at once',
    async run(doors) {
      const bytes = program('twice');
      const versions = [];
      for (const key of ['web/twice-a', 'web/twice-b']) versions.push(await doors.upload(key, bytes));
      for (const [at, key] of ['web/twice-a', 'web/twice-b'].entries())
        await doors.uploadEnded(key, versions[at] ?? '');
    },
  },
  {
    name: 'an artifact for a fleet of the other architecture, and one that is gone',
    async run(doors) {
      await doors.apply({ architecture: 'arm64', instances: { types: ['t4g.micro'] } }, 'arm');
      for (const key of ['web/one', 'web/two']) {
        const one = (await doors.uploads()).find((upload) => upload.key === key);
        if (key === 'web/two') {
          await removeVersion(doors, key, one?.versionId ?? '');
          await empty(doors, 'kernels/latest-arm64.json');
        }
        await doors.api('POST /fleets/arm/rollouts', { artifact: one?.artifactSha256 });
      }
    },
  },
];
