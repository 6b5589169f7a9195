/** What the audit has the stack do: between them the scenarios drive every function into each of its branches. */
import { createHash } from 'node:crypto';
import type { MachineScript } from '../../../local/machines/scripted.ts';
import { type KernelBundle, kernelKeys } from '../../../src/contracts/kernel-bundle.ts';
import { kernelDigest } from '../../../src/image/identity.ts';
import { standInKernel } from '../../../src/image/kernel-bundle.ts';
import { Doors, person, program } from '../kit/doors.ts';
import type { Auditor } from './auditor.ts';

export interface Scenario {
  readonly name: string;
  run(doors: Doors, auditor: Auditor): Promise<void>;
}

/** Doors whose fleet does everything that a fleet can be told to. */
export function openDoors(): Promise<Doors> {
  return Doors.open(everything);
}

const everything = {
  scaling: { cpuPercent: 50, requestsPerTarget: 100 },
  instances: { profile: 'program', minimum: 1, desired: 2, maximum: 3 },
  rollout: {
    steps: [{ weight: 50, bakeSeconds: 60 }, { weight: 100 }],
    alarms: [{ name: 'errors', missingData: 'quiet' as const }],
    keepWarmSeconds: 600,
    drainSeconds: 0,
  },
};

async function addKernel(doors: Doors, version: string): Promise<void> {
  const files = [...standInKernel().files, { name: 'klibs/ntp', bytes: Buffer.from('a module') }];
  const put = (Key: string, body: Uint8Array | string) =>
    doors.world.call('s3', 'PutObject', { Bucket: doors.storeBucket, Key, Body: Buffer.from(body) });
  const described = files.map(({ name, bytes }) => ({
    name,
    sizeBytes: bytes.length,
    sha256: createHash('sha256').update(bytes).digest('hex'),
  }));
  const bundle: KernelBundle = {
    version,
    architecture: 'x86_64',
    digest: kernelDigest(described),
    files: described,
  };
  for (const { name, bytes } of files) await put(kernelKeys.file(version, name), bytes);
  await put(kernelKeys.bundle(version), JSON.stringify(bundle));
}

const alarm = (doors: Doors, StateValue: 'OK' | 'ALARM') =>
  doors.world.call('monitoring', 'SetAlarmState', {
    AlarmName: 'errors',
    StateValue,
    StateReason: 'the audit says so',
  });

/** Uploads, and waits for the end of the image's way. */
const sent = async (doors: Doors, key: string, bytes: Uint8Array) =>
  doors.uploadEnded(key, await doors.upload(key, bytes));

const ended = async (
  doors: Doors,
  { fleet, rollout }: { fleet?: string | undefined; rollout?: number | undefined },
) => doors.rolloutEnded(`${fleet}-${rollout}`);

const free = (doors: Doors) =>
  doors.until(async () => ((await doors.fleet()).lease === null ? true : undefined));

export const scenarios: readonly Scenario[] = [
  {
    name: 'a first release',
    async run(doors) {
      await doors.world.call('monitoring', 'PutMetricAlarm', {
        AlarmName: 'errors',
        Namespace: 'web',
        MetricName: 'errors',
        Statistic: 'Sum',
        Period: 60,
        EvaluationPeriods: 1,
        Threshold: 1,
        ComparisonOperator: 'GreaterThanOrEqualToThreshold',
      });
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
      await doors.deploy('two');
      const { body } = await doors.api('POST /fleets/web/rollback', {});
      await doors.rolloutEnded(body.rollout);
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
        // The sweeper may come between: only without it is it surely the promotion that finds the candidate ill.
        if (name === 'promote') await sweeping(doors, 'DisableRule');
        const upload = await sent(doors, `web/ill-${name}`, program(`ill-${name}`));
        await doors.phase(`web-${upload.rollout}`, 'baking');
        ill = true;
        await ended(doors, upload);
        if (name === 'promote') await sweeping(doors, 'EnableRule');
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
      await addKernel(doors, '9.1.0');
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
  {
    name: 'a fleet from its beginning to its end',
    async run(doors, auditor) {
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
      await doors.apply(
        {
          rule: { hosts: ['shop.example.com'], paths: ['/shop'] },
          healthCheck: { path: '/healthz', deadlineSeconds: 120, gracePeriodSeconds: 20 },
          rollout: {
            steps: [{ weight: 100 }],
            drainSeconds: 5,
            keepWarmSeconds: 600,
            smokeTest: { path: '/' },
          },
        },
        'shop',
      );
      // Nothing answers on the virtual clock, so that this rollout ends with its smoke test.
      await ended(doors, await sent(doors, 'shop/bell', program('bell')));
      // A group without instances has nobody to ask, and passes.
      auditor.before = async (name) => {
        if (name === 'smoke-test') await removeCandidates(doors, 'shop');
      };
      await ended(doors, await sent(doors, 'shop/empty', program('empty')));
      auditor.before = async () => {};
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

/** Stops what runs of a machine, as a person in the console might. */
async function stopAll({ world }: Doors, machine: string): Promise<void> {
  const { executions } = await world.call('states', 'ListExecutions', {
    stateMachineArn: `arn:aws:states:us-east-1:000000000000:stateMachine:flotilla-${machine}`,
    statusFilter: 'RUNNING',
  });
  for (const { executionArn } of executions)
    await world.call('states', 'StopExecution', { executionArn, cause: 'the audit says so' });
}

async function removeVersion(doors: Doors, Key: string, VersionId: string): Promise<void> {
  await doors.world.call('s3', 'DeleteObject', { Bucket: doors.uploadBucket, Key, VersionId });
}

/** Removes what lies under a prefix of the store. */
async function empty({ world, storeBucket: Bucket }: Doors, Prefix: string): Promise<void> {
  const { Contents = [] } = await world.call('s3', 'ListObjectsV2', { Bucket, Prefix });
  for (const { Key } of Contents) await world.call('s3', 'DeleteObject', { Bucket, Key });
}

/** Removes the snapshots that are being written. */
async function removeSnapshots({ world }: Doors): Promise<void> {
  const { Snapshots = [] } = await world.call('ec2', 'DescribeSnapshots', { OwnerIds: ['self'] });
  for (const { SnapshotId, State } of Snapshots)
    if (State === 'pending') await world.call('ec2', 'DeleteSnapshot', { SnapshotId });
}

/** Removes the newest group of a fleet, as a person in the console might. */
async function removeCandidates({ world }: Doors, fleet: string): Promise<void> {
  const { AutoScalingGroups = [] } = await world.call('autoscaling', 'DescribeAutoScalingGroups', {});
  const name = AutoScalingGroups.map((one: { AutoScalingGroupName: string }) => one.AutoScalingGroupName)
    .filter((one: string) => one.includes(`-${fleet}-`))
    .at(-1);
  if (name !== undefined)
    await world.call('autoscaling', 'DeleteAutoScalingGroup', {
      AutoScalingGroupName: name,
      ForceDelete: true,
    });
}

/** Gives an order while a function stands, on whose time the clock does not run. */
async function orderInside({ world }: Doors, id: string, verb: string): Promise<void> {
  const path = `/rollouts/${id}/${verb}`;
  const outcome = await world.region.parts.lambda.invoke('flotilla-api-rollouts', {
    version: '2.0',
    rawPath: path,
    queryStringParameters: {},
    headers: { 'content-type': 'application/json' },
    requestContext: {
      http: { method: 'POST', path, sourceIp: '127.0.0.1' },
      authorizer: { iam: { userArn: person } },
      stage: '$default',
      requestId: 'request',
    },
    body: '{}',
    isBase64Encoded: false,
  });
  if (outcome.failed) throw new Error(outcome.payload);
}

/** Lets the stack's schedules rest, or go on. */
async function sweeping(doors: Doors, operation: 'DisableRule' | 'EnableRule'): Promise<void> {
  const { Rules } = await doors.world.call('events', 'ListRules', {});
  for (const { Name, ScheduleExpression } of Rules)
    if (ScheduleExpression !== undefined) await doors.world.call('events', operation, { Name });
}
