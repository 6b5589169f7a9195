/** The ways in which an image comes to be, each as somebody asks for it: by an upload, or by other settings alone. */
import { createHash } from 'node:crypto';
import { type UploadItem, uploadItem } from '../../../../src/contracts/items.ts';
import { errorCatalogue } from '../../../../src/errors.ts';
import { keys } from '../../../../src/lineage/keys.ts';
import { uploadId } from '../../../../src/lineage/upload.ts';
import { type Answered, Doors, program } from '../doors.ts';

/**
 * The first image of a fleet, in full; one over a parent, of which only what differs is put; and one of an artifact
 * that is there, with another value in its environment.
 */
export const builds = ['in full', 'over a parent', 'by config set'] as const;
export type Build = (typeof builds)[number];

/** How it ended that somebody asked for an image. */
export interface Asked {
  /** What it became, ended; undefined where there is none, or it never ended. */
  readonly upload?: UploadItem | undefined;
  /** What the API called its refusal. */
  readonly refused?: string;
  /** What it should not have answered. */
  readonly wrong: readonly string[];
}

/** An image that somebody wants, and what it has to hold. */
export interface Order {
  readonly program: Buffer;
  readonly environment: Readonly<Record<string, string>>;
  /** Asks for it, and waits for its end. */
  ask(): Promise<Asked>;
  /** Asks for the same again, of which something may be there. */
  askAgain(): Promise<Asked>;
}

const parentKey = 'web/parent';

/** A stack whose fleet deploys nothing by itself: here ends the way of an upload with its image. It has built one. */
export async function openDoors(): Promise<Doors> {
  const doors = await Doors.open({ deployOnUpload: false });
  const { upload } = await uploading(doors, parentKey).ask();
  if (upload?.state !== 'built') throw new Error(`the build without a fault: ${JSON.stringify(upload)}`);
  return doors;
}

/** What has to be there first is made at once. */
export async function orderOf(doors: Doors, build: Build, name: string): Promise<Order> {
  switch (build) {
    case 'in full':
      await doors.apply({ deployOnUpload: false }, name);
      return uploading(doors, `${name}/${name}`);
    case 'over a parent':
      return uploading(doors, `web/${name}`);
    case 'by config set':
      return changing(doors, name);
  }
}

function uploading(doors: Doors, key: string): Order {
  const bytes = program(key);
  const ask = async (): Promise<Asked> => {
    const versionId = await doors.upload(key, bytes);
    const id = uploadId({ bucket: doors.uploadBucket, key, versionId });
    return { upload: await ended(doors, id), wrong: [] };
  };
  return { program: bytes, environment: {}, ask, askAgain: ask };
}

/** As `flotilla config set MARK=name --fleet web` asks: the value first, then a rollout of the artifact that is there. */
function changing(doors: Doors, name: string): Order {
  const environment = { MARK: name };
  const bytes = program(parentKey);
  const artifact = createHash('sha256').update(bytes).digest('hex');
  const change = () => sent(doors, 'PATCH /fleets/web/environment', { set: environment });
  const rollout = (plan: boolean) => sent(doors, 'POST /fleets/web/rollouts', { artifact, plan });

  const build = async (): Promise<Asked> => {
    const before = new Set((await doors.uploads()).map(({ id }) => id));
    const answer = await rollout(false);
    if (answer.status >= 300) {
      // What the caller was not told may be on its way.
      await doors.world.seconds(60);
      const one = (await doors.uploads()).find(({ id }) => !before.has(id));
      return { ...refusal(answer), upload: one && (await ended(doors, one.id)) };
    }
    const id = /^\/uploads\/(\w+)$/.exec(answer.body.address)?.[1];
    if (answer.status !== 202 || answer.body.outcome !== 'building' || id === undefined)
      return { wrong: [`asked for the rollout, the API says ${JSON.stringify(answer.body)}`] };
    return { upload: await ended(doors, id), wrong: [] };
  };
  return {
    program: bytes,
    environment,
    ask: async () => {
      const changed = await change();
      if (changed.status >= 300) return refusal(changed);
      const { wrong, ...asked } = await build();
      return { ...asked, wrong: [...(await unchanged(doors, changed, environment)), ...wrong] };
    },
    askAgain: async () => {
      const changed = await change();
      if (changed.status >= 300) return refusal(changed);
      const wrong = await unchanged(doors, changed, environment);
      // Where the image is there, a rollout would follow, which is not for this matrix: its plan says as much.
      const { body } = await rollout(true);
      if (body.outcome !== 'planned')
        return { wrong: [...wrong, `asked for the plan, the API says ${JSON.stringify(body)}`] };
      if (body.plan === undefined) {
        const asked = await build();
        return { ...asked, wrong: [...wrong, ...asked.wrong] };
      }
      const built = (await doors.uploads()).filter(
        ({ key, state }) => key === parentKey && state === 'built',
      );
      const newest = built.sort((a, b) => (a.receivedAt < b.receivedAt ? 1 : -1))[0];
      return { upload: newest, wrong };
    },
  };
}

/** A request, and what API Gateway answers where the function gives no answer. */
async function sent(doors: Doors, route: string, body: object): Promise<Answered> {
  try {
    return await doors.api(route, body);
  } catch {
    return { status: 500, body: { message: 'Internal Server Error' } };
  }
}

function refusal({ status, body }: Answered): Asked {
  const isOurs = body.name in errorCatalogue;
  const isGateways = status === 500 && body.message === 'Internal Server Error';
  return {
    refused: body.name ?? 'no answer',
    wrong: isOurs || isGateways ? [] : [`the API answers ${status}: ${JSON.stringify(body)}`],
  };
}

/** A change that the API calls done is in what it answers, and in what it answers whoever asks next. */
async function unchanged(
  doors: Doors,
  { body }: Answered,
  environment: Readonly<Record<string, string>>,
): Promise<string[]> {
  const said = [body.fleet, await doors.fleet()];
  return said
    .filter((fleet) => fleet.spec.image.environment.MARK !== environment.MARK)
    .map((fleet) => `the environment was set, and is ${JSON.stringify(fleet.spec.image.environment)}`);
}

async function ended(doors: Doors, id: string): Promise<UploadItem | undefined> {
  for (let passed = 0; passed < 4 * 3600; passed += passed < 120 ? 10 : 120) {
    await doors.world.seconds(passed < 120 ? 10 : 120);
    const item = await doors.table.get(keys.upload(id), uploadItem);
    if (item?.endedAt !== undefined) return item;
    if (item === undefined && passed > 1800) return undefined;
  }
  return undefined;
}
