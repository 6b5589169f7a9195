/** The doors of a stack in virtual time: the API's functions as API Gateway calls them, and the upload bucket. */
import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { DynamoDBDocumentClient } from '@aws-sdk/lib-dynamodb';
import { openTable, type Table } from '../../../src/aws/table.ts';
import type { FleetSpecInput } from '../../../src/contracts/fleet-spec.ts';
import { type UploadItem, uploadItem } from '../../../src/contracts/items.ts';
import { lists } from '../../../src/lineage/keys.ts';
import { addBundle } from '../../../tour/stand-in.ts';
import { makeGoElf } from '../../unit/image/elf-maker.ts';
import { FleetInVirtualTime } from './fleet-in-virtual-time.ts';
import { inRegionSettings, onClockOf } from './in-region.ts';

export interface Answered {
  readonly status: number;
  // biome-ignore lint/suspicious/noExplicitAny: what the API answered; each test says what it expects of it
  readonly body: any;
}

/** Who calls the API here. */
export const person = 'arn:aws:iam::000000000000:user/ada';

/** A small program that is told from others by its module. */
export function program(name: string): Buffer {
  const path = `example.com/${name}`;
  return makeGoElf(`path\t${path}\nmod\t${path}\tv1.0.0\n`);
}

export class Doors {
  readonly world: FleetInVirtualTime;
  readonly table: Table;
  readonly uploadBucket: string;
  readonly storeBucket: string;

  private constructor(world: FleetInVirtualTime, table: Table, buckets: readonly string[]) {
    this.world = world;
    this.table = table;
    const named = (part: string) => buckets.find((name) => name.includes(part)) ?? '';
    this.uploadBucket = named('uploads');
    this.storeBucket = named('store');
  }

  /** A stack with the stand-in kernel in its store, and the fleet `web`. */
  static async open(
    spec: Partial<FleetSpecInput> = {},
    parameters: Record<string, string> = {},
    seed?: number,
    dataDir?: string,
  ): Promise<Doors> {
    const world = await FleetInVirtualTime.create({
      parameters,
      ...(seed === undefined ? {} : { seed }),
      ...(dataDir === undefined ? {} : { dataDir }),
    });
    // Whichever region the world has at the moment.
    const now: Parameters<typeof inRegionSettings>[0] = {
      get context() {
        return world.region.context;
      },
      handle: (request) => world.region.handle(request),
      createOperator: () => world.region.createOperator(),
    };
    const client = DynamoDBDocumentClient.from(onClockOf(now, new DynamoDBClient(inRegionSettings(now))), {
      marshallOptions: { removeUndefinedValues: true },
    });
    const { Buckets } = await world.call('s3', 'ListBuckets', {});
    const names = Buckets.map(({ Name }: { Name: string }) => Name);
    const doors = new Doors(world, openTable('flotilla', client), names);
    await addBundle(world.region, doors.storeBucket);
    await doors.apply(spec);
    return doors;
  }

  /** One request as API Gateway hands it on. `route` is `POST /fleets/web/rollouts`, with the values in it. */
  async api(route: string, body?: object): Promise<Answered> {
    const [method = '', address = ''] = route.split(' ');
    const { pathname, searchParams } = new URL(address, 'http://api');
    const answer = (await this.world.invoke(functionOf(method, pathname), {
      version: '2.0',
      rawPath: pathname,
      queryStringParameters: Object.fromEntries(searchParams),
      headers: { 'content-type': 'application/json' },
      requestContext: {
        http: { method, path: pathname, sourceIp: '127.0.0.1' },
        authorizer: { iam: { userArn: person } },
        stage: '$default',
        requestId: 'request',
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      isBase64Encoded: false,
    })) as { statusCode: number; body: string };
    return { status: answer.statusCode, body: JSON.parse(answer.body) };
  }

  async apply(spec: Partial<FleetSpecInput> = {}, fleet = 'web'): Promise<Answered> {
    const body: FleetSpecInput = {
      rule: { hosts: [`${fleet}.example.com`] },
      healthCheck: { path: '/health', deadlineSeconds: 120, gracePeriodSeconds: 20 },
      rollout: { steps: [{ weight: 100, bakeSeconds: 0 }], keepWarmSeconds: 600, drainSeconds: 20 },
      ...spec,
    };
    const answer = await this.api(`PUT /fleets/${fleet}`, body);
    if (answer.status >= 300) throw new Error(JSON.stringify(answer.body));
    return answer;
  }

  /** @returns the version that S3 made of it. */
  async upload(key: string, bytes: Uint8Array): Promise<string> {
    const { VersionId } = await this.world.call('s3', 'PutObject', {
      Bucket: this.uploadBucket,
      Key: key,
      Body: bytes,
    });
    return VersionId;
  }

  async uploads(): Promise<readonly UploadItem[]> {
    return (await this.table.list(lists.uploads, uploadItem)).items;
  }

  /** Lets time pass until `look` gives something. */
  async until<T>(look: () => Promise<T | undefined>, withinSeconds = 1200): Promise<T> {
    for (let passed = 0; passed < withinSeconds; passed += 5) {
      const found = await look();
      if (found !== undefined) return found;
      await this.world.seconds(5);
    }
    throw new Error(`nothing after ${withinSeconds} s`);
  }

  /** The end of an upload's way, as its item tells it. */
  uploadEnded(key: string, versionId: string): Promise<UploadItem> {
    return this.until(async () =>
      (await this.uploads()).find(
        (one) => one.key === key && one.versionId === versionId && one.endedAt !== undefined,
      ),
    );
  }

  // biome-ignore lint/suspicious/noExplicitAny: as in Answered
  rolloutEnded(id: string): Promise<any> {
    return this.until(async () => {
      const { body } = await this.api(`GET /rollouts/${id}`);
      return body.ended === true ? body : undefined;
    });
  }

  /** Waits until a rollout is in a phase. */
  phase(id: string, phase: string): Promise<unknown> {
    return this.until(async () => {
      const { body } = await this.api(`GET /rollouts/${id}`);
      return body.phase === phase ? body : undefined;
    }, 600);
  }

  // biome-ignore lint/suspicious/noExplicitAny: as in Answered
  async fleet(fleet = 'web'): Promise<any> {
    return (await this.api(`GET /fleets/${fleet}`)).body;
  }

  /** Uploads a program, and waits until it is live. */
  async deploy(name: string, fleet = 'web'): Promise<UploadItem> {
    const key = `${fleet}/${name}`;
    const upload = await this.uploadEnded(key, await this.upload(key, program(name)));
    if (upload.rollout === undefined) throw new Error(`${key}: ${JSON.stringify(upload)}`);
    const end = await this.rolloutEnded(`${fleet}-${upload.rollout}`);
    if (end.status !== 'succeeded') throw new Error(JSON.stringify(end));
    return upload;
  }

  close(): Promise<void> {
    return this.world.close();
  }
}

function functionOf(method: string, path: string): string {
  if (method === 'GET') return 'api-read';
  if (path.endsWith('/uploads')) return 'api-uploads';
  return method === 'POST' ? 'api-rollouts' : 'api-fleets';
}
