/** A region with real processes, the command as a person types it, and a client that never stops asking. */
import { type ChildProcess, fork, spawn } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { DescribeExecutionCommand, SFNClient } from '@aws-sdk/client-sfn';
import { type ApiClient, openApi } from '../../cli/api-client.ts';
import type { FleetSpecInput } from '../../src/contracts/fleet-spec.ts';
import { buildExample, type Variant } from '../../tour/build-example.ts';
import { packageStack } from '../../tour/package-stack.ts';
import type { Traffic } from '../../tour/traffic.ts';
import { type LocalRegion, startLocal } from '../../tour/up.ts';

/** What a command left behind. */
export interface Said {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface Requests {
  /** The client reports four times a second. */
  readonly seen: () => Traffic;
  stop(): Promise<Traffic>;
}

const command = fileURLToPath(new URL('../../bin/flotilla.mjs', import.meta.url));
const trafficClient = fileURLToPath(new URL('../../tour/traffic.ts', import.meta.url));

export class Place {
  readonly local: LocalRegion;
  readonly api: ApiClient;
  readonly executions: SFNClient;
  readonly folder: string;
  readonly #children = new Set<ChildProcess>();

  private constructor(local: LocalRegion, folder: string) {
    this.local = local;
    this.folder = folder;
    const region = local.region.context.regionName;
    const { accessKeyId, secretAccessKey } = local.operator;
    const credentials = { accessKeyId, secretAccessKey };
    this.api = openApi(
      { apiUrl: local.apiUrl, region, endpoint: local.endpoint, credentials },
      { userAgent: 'flotilla-test' },
    );
    this.executions = new SFNClient({ endpoint: local.endpoint, region, credentials });
  }

  static async open(): Promise<Place> {
    const folder = await mkdtemp(join(tmpdir(), 'flotilla-broken-'));
    // The command finds the region by a note in this folder; a person's own regions stay out of it.
    process.env.XDG_RUNTIME_DIR = folder;
    await packageStack();
    return new Place(await startLocal({ port: 0 }), folder);
  }

  async close(): Promise<void> {
    for (const child of this.#children) child.kill('SIGKILL');
    this.executions.destroy();
    await this.local.close();
    await rm(this.folder, { recursive: true, force: true });
  }

  async applyFleet(fleet: string, spec: Omit<FleetSpecInput, 'rule'>): Promise<void> {
    await this.api.call('applyFleet', {
      params: { fleet },
      body: { rule: { paths: [`/${fleet}/*`] }, ...spec },
    });
  }

  async build(variant: Variant): Promise<string> {
    const file = join(this.folder, `hello-${variant.version}-${variant.trouble ?? 'sound'}`);
    await buildExample(file, variant);
    return file;
  }

  /** `flotilla …` in a process of its own. */
  flotilla(...words: readonly string[]): Promise<Said> {
    const { AWS_ENDPOINT_URL: _1, FLOTILLA_API_URL: _2, NODE_OPTIONS: _3, ...env } = process.env;
    const child = spawn(process.execPath, [command, ...words], {
      env: { ...env, XDG_RUNTIME_DIR: this.folder },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    this.#children.add(child);
    let stdout = '';
    let stderr = '';
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      stdout += text;
    });
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      stderr += text;
    });
    return new Promise((resolve, reject) => {
      child.on('error', reject);
      child.on('close', (code) => {
        this.#children.delete(child);
        resolve({ code, stdout, stderr });
      });
    });
  }

  /** A client of the fleet's own, in a process of its own: each request once, no retries. */
  ask(fleet: string, perSecond: number): Requests {
    const child = fork(trafficClient, [`${this.local.balancerUrl}/${fleet}/`, String(perSecond)], {
      stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
      execArgv: [],
    });
    this.#children.add(child);
    let seen: Traffic = { sent: 0, ok: 0, failed: 0, byRelease: {}, failures: [] };
    const ended = new Promise<Traffic>((resolve, reject) => {
      child.on('message', (message: { kind: 'progress' | 'end'; traffic: Traffic }) => {
        seen = message.traffic;
        if (message.kind === 'end') resolve(seen);
      });
      child.on('exit', (code) => {
        this.#children.delete(child);
        reject(new Error(`The client of ${fleet} ended with ${code}`));
      });
    });
    ended.catch(() => {}); // reported where it is awaited
    return {
      seen: () => seen,
      stop: () => {
        child.send('stop');
        return ended;
      },
    };
  }

  /** How the console shows the end of an execution. */
  async ending(executionArn: string): Promise<{ status: string; error: string; cause: string }> {
    const { status, error, cause } = await this.executions.send(
      new DescribeExecutionCommand({ executionArn }),
    );
    return { status: status ?? '', error: error ?? '', cause: cause ?? '' };
  }

  /** Everything of the fleet that stands in the region, as an operator would find it. */
  async groupsOf(fleet: string): Promise<string[]> {
    const answer = (await this.local.region.call('autoscaling', 'DescribeAutoScalingGroups', {})) as {
      AutoScalingGroups?: { AutoScalingGroupName: string }[];
    };
    return (answer.AutoScalingGroups ?? [])
      .map(({ AutoScalingGroupName }) => AutoScalingGroupName)
      .filter((name) => name.startsWith(`flt-${fleet}-`));
  }

  /** Keeps what was said where a person can read it: FLOTILLA_KEEP names a folder. */
  async keep(name: string, text: string): Promise<void> {
    const folder = process.env.FLOTILLA_KEEP;
    if (folder !== undefined) await writeFile(join(folder, name), text);
  }
}
