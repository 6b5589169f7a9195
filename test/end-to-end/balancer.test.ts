/** Real processes out of real images behind the real proxy, in wall time. */
import { spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Region } from '../../local/region.ts';
import { createRegion } from '../../local/region.ts';
import {
  call,
  type EchoImage,
  forward,
  healthy,
  makeGroup,
  makeImage,
  makeTargetGroup,
  until,
} from './echo-image.ts';

let region: Region;
let first: EchoImage;
let second: EchoImage;
let blue: string;
let green: string;
let rule: string;

interface Told {
  readonly version: string;
  readonly pid: number;
  readonly argv: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  readonly headers: Readonly<Record<string, string>>;
}

async function ask(path = '/', headers: Record<string, string> = {}): Promise<Told> {
  const answer = await fetch(`${region.parts.elbv2.url()}${path}`, { headers });
  if (!answer.ok) throw new Error(`${answer.status} ${await answer.text()}`);
  return (await answer.json()) as Told; // what the program of the image tells
}

async function shift(weights: Readonly<Record<string, number>>): Promise<void> {
  await call(region, 'elasticloadbalancing', 'ModifyRule', { RuleArn: rule, Actions: [forward(weights)] });
}

beforeAll(async () => {
  region = await createRegion({ seed: 11 });
  // What this file asks is what the region knows, not when each copy of it knows.
  region.context.lag.off();
  await region.listen();
  [first, second] = await Promise.all([makeImage(region, 'one'), makeImage(region, 'two')]);
  [blue, green] = [await makeTargetGroup(region, 'blue'), await makeTargetGroup(region, 'green')];
  const made = await call(region, 'elasticloadbalancing', 'CreateRule', {
    ListenerArn: region.parts.elbv2.defaultListener.arn,
    Priority: 1,
    Conditions: [{ Field: 'path-pattern', Values: ['/*'] }],
    Actions: [forward({ [blue]: 100, [green]: 0 })],
  });
  rule = made.Rules[0].RuleArn;
  await makeGroup(region, 'v1', first.imageId, blue);
  await until(async () => (await healthy(region, blue)) === 2);
}, 40_000);

afterAll(async () => {
  await region.close();
});

describe('an instance', () => {
  it('runs the program of its image with what the manifest and its tags say, and nothing else', async () => {
    const told = await ask();
    expect(told.version).toBe('one');
    expect(told.argv).toEqual(['--quiet']);
    expect(Object.keys(told.env).sort()).toEqual([
      'FLOTILLA_FLEET',
      'FLOTILLA_RELEASE',
      'GREETING',
      'HOST',
      'PORT',
    ]);
    expect(told.env).toMatchObject({ FLOTILLA_FLEET: 'echo', FLOTILLA_RELEASE: 'v1', HOST: '127.0.0.1' });
  });

  it('leaves its last words on the console when its program ends, and is replaced', async () => {
    // The answer is lost with the machine that should have given it.
    await expect(ask('/quit')).rejects.toThrow('502');
    const stopped = () =>
      [...region.parts.ec2.instances.all.values()].find(
        (one) => one.state !== 'running' && one.state !== 'pending',
      );
    await until(() => stopped() !== undefined);
    const gone = stopped()?.instanceId;
    const { Output } = await call(region, 'ec2', 'GetConsoleOutput', { InstanceId: gone });
    const [first, ...more] = Buffer.from(Output, 'base64').toString().split('\n');
    // Where health is asked, also of a program that listens elsewhere and says nothing.
    expect(first).toMatch(/^\[flotilla\] health is asked at 127\.0\.0\.1:\d+; .* HOST and PORT$/);
    expect(more).toContainEqual(expect.stringContaining('listening, version one'));
    await until(async () => (await healthy(region, blue, [gone])) === 2);
    await until(() => region.parts.ec2.instances.all.get(gone ?? '')?.state === 'terminated');
  }, 30_000);
});

describe('the load balancer', () => {
  it('says for whom it asks, and streams both ways', async () => {
    const { headers } = await ask('/', { 'x-forwarded-for': '192.0.2.1' });
    expect(headers['x-forwarded-for']).toBe('192.0.2.1, 127.0.0.1');
    expect(headers['x-forwarded-proto']).toBe('http');
    expect(headers.host).toBe(new URL(region.parts.elbv2.url()).host);
    const body = Buffer.alloc(3_000_000, 'x');
    const answer = await fetch(`${region.parts.elbv2.url()}/echo`, { method: 'POST', body });
    expect((await answer.arrayBuffer()).byteLength).toBe(body.length);
  });

  it('passes an upgraded connection', async () => {
    const { hostname, port } = new URL(region.parts.elbv2.url());
    const text = await new Promise<string>((resolve, reject) => {
      const asking = request({ hostname, port, headers: { connection: 'Upgrade', upgrade: 'echo' } });
      asking.on('upgrade', (_answer, socket) => {
        socket.once('data', (data: Buffer) => {
          resolve(data.toString());
          socket.destroy();
        });
        socket.write('ping');
      });
      asking.on('error', reject);
      asking.end();
    });
    expect(text).toBe('ping');
  });

  it('answers 404 where no rule fits and 503 where no target is', async () => {
    const empty = await makeTargetGroup(region, 'empty');
    const made = await call(region, 'elasticloadbalancing', 'CreateRule', {
      ListenerArn: region.parts.elbv2.defaultListener.arn,
      Priority: 2,
      Conditions: [{ Field: 'host-header', HostHeaderConfig: { Values: ['empty.example'] } }],
      Actions: [forward({ [empty]: 1 })],
    });
    const pair = [
      { RuleArn: made.Rules[0].RuleArn, Priority: 1 },
      { RuleArn: rule, Priority: 2 },
    ];
    await call(region, 'elasticloadbalancing', 'SetRulePriorities', { RulePriorities: pair });
    const { hostname, port } = new URL(region.parts.elbv2.url());
    const status = await new Promise((resolve) => {
      request({ hostname, port, headers: { host: 'empty.example' } }, (answer) => {
        answer.resume();
        resolve(answer.statusCode);
      }).end();
    });
    expect(status).toBe(503);
  });

  it('loses no request while traffic moves and the old release is drained and removed', async () => {
    await makeGroup(region, 'v2', second.imageId, green);
    await until(async () => (await healthy(region, green)) === 2);
    const seen: Record<string, number> = {};
    const failures: string[] = [];
    let on = true;
    const client = async (): Promise<void> => {
      while (on) {
        try {
          const { version } = await ask();
          seen[version] = (seen[version] ?? 0) + 1;
        } catch (error) {
          failures.push(String(error));
        }
        await new Promise((resolve) => setTimeout(resolve, 2));
      }
    };
    const clients = Array.from({ length: 4 }, client);
    await until(() => (seen.one ?? 0) > 100);
    const slow = ask('/slow');
    const mark = seen.one ?? 0;
    await until(() => (seen.one ?? 0) > mark + 40);
    await shift({ [blue]: 50, [green]: 50 });
    await until(() => (seen.two ?? 0) > 50);
    await shift({ [blue]: 0, [green]: 100 });
    await call(region, 'autoscaling', 'UpdateAutoScalingGroup', {
      AutoScalingGroupName: 'v1',
      DesiredCapacity: 0,
    });
    await until(async () => {
      const found = await call(region, 'autoscaling', 'DescribeAutoScalingGroups', {
        AutoScalingGroupNames: ['v1'],
      });
      return found.AutoScalingGroups[0].Instances.length === 0;
    });
    on = false;
    await Promise.all(clients);
    expect(failures).toEqual([]);
    expect((await slow).version).toBe('one');
    expect((await ask()).version).toBe('two');
    expect(seen.one).toBeGreaterThan(100);
    const counted = await call(region, 'monitoring', 'GetMetricStatistics', {
      Namespace: 'AWS/ApplicationELB',
      MetricName: 'RequestCount',
      Dimensions: [{ Name: 'LoadBalancer', Value: region.parts.elbv2.defaultLoadBalancer.fullName }],
      StartTime: new Date(Date.now() - 600_000),
      EndTime: new Date(Date.now() + 60_000),
      Period: 60,
      Statistics: ['Sum'],
    });
    const total = counted.Datapoints.reduce((sum: number, point: { Sum: number }) => sum + point.Sum, 0);
    expect(total).toBeGreaterThanOrEqual((seen.one ?? 0) + (seen.two ?? 0));
  }, 60_000);
});

describe('a snapshot', () => {
  it('decides what runs: with one byte changed, other bytes run', async () => {
    await region.parts.ebs.snapshots.flipByte(second.snapshotId, second.versionOffset);
    const group = await call(region, 'autoscaling', 'DescribeAutoScalingGroups', {
      AutoScalingGroupNames: ['v2'],
    });
    const gone = group.AutoScalingGroups[0].Instances.map((one: { InstanceId: string }) => one.InstanceId);
    for (const id of gone) region.parts.ec2.outages.kill(id);
    await until(async () => {
      const all = await healthy(region, green);
      return all === 2 && (await healthy(region, green, gone)) === 2;
    });
    const { version } = await ask();
    expect(version).not.toBe('two');
    expect(version.endsWith('wo')).toBe(true);
  }, 30_000);
});

describe('the region', () => {
  it('leaves no process and no file behind when it is killed', async () => {
    const data = mkdtempSync(join(tmpdir(), 'flotilla-killed-'));
    const script = fileURLToPath(new URL('./region-to-kill.ts', import.meta.url));
    const child = spawn(process.execPath, ['--no-warnings', script, data], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    const line = await new Promise<string>((resolve, reject) => {
      child.stdout.once('data', (data: Buffer) => resolve(data.toString()));
      child.once('exit', () => reject(new Error('The region ended by itself')));
    });
    const { pid, folder } = JSON.parse(line) as { pid: number; folder: string }; // region-to-kill.ts prints this
    expect(existsSync(`/proc/${pid}`)).toBe(true);
    expect(existsSync(folder)).toBe(true);
    child.kill('SIGKILL');
    await until(() => !alive(pid) && !existsSync(folder), 10_000);
    rmSync(data, { recursive: true });
  }, 40_000);
});

/** False for a process that is gone, or only waits for its parent to notice. */
function alive(pid: number): boolean {
  try {
    return !/^State:\s+Z/m.test(readFileSync(`/proc/${pid}/status`, 'utf8'));
  } catch {
    return false;
  }
}
