/**
 * Lineage, both ways: from an instance or an AMI back to the upload and the commit, and from a digest forward to
 * everything that was made of it and runs it.
 */
import type { Running, RunningInstance } from '../aws/running.ts';
import type { Table } from '../aws/table.ts';
import type { LineageView } from '../contracts/api-views.ts';
import { fleetName, parseRolloutId, rolloutId, sha256Hex } from '../contracts/ids.ts';
import {
  type ArtifactItem,
  artifactItem,
  type ImageItem,
  imageItem,
  type ReleaseItem,
  type RolloutItem,
  refItem,
  releaseItem,
  rolloutItem,
  type UploadItem,
  uploadItem,
} from '../contracts/items.ts';
import { FlotillaError } from '../errors.ts';
import { keys, prefixes } from '../lineage/keys.ts';
import { releaseId } from '../lineage/refs.ts';
import { cursor } from './paging.ts';
import { readAhead } from './parallel.ts';
import type { Paging } from './read-fleet.ts';
import { releaseView, rolloutView, uploadView } from './views.ts';

type What = LineageView['what'];

/** Where to begin: one thing that we keep. */
interface Start {
  readonly what: What;
  readonly to: string;
  readonly instance?: RunningInstance;
}

/** What was found so far; the key is the thing's id. */
interface Found {
  readonly artifacts: Map<string, ArtifactItem>;
  readonly images: Map<string, ImageItem>;
  readonly releases: Map<string, ReleaseItem>;
  readonly rollouts: Map<string, RolloutItem>;
  readonly uploads: Map<string, UploadItem>;
}

export interface LineageDeps {
  readonly table: Table;
  readonly running: Running;
}

/**
 * @param paging of a fleet's releases: a fleet may have had thousands, too many for one answer.
 * @throws FlotillaError LineageNotFound
 */
export async function readLineage(
  id: string,
  deps: LineageDeps,
  stack: string,
  paging: Paging,
): Promise<LineageView> {
  const starts = await startsOf(id, deps);
  const first = starts[0];
  if (first === undefined) {
    throw new FlotillaError('LineageNotFound', `Nothing is known under ${JSON.stringify(id)}.`, { id });
  }
  const walk = new Walk(deps.table, paging);
  for (const start of starts) await walk.from(start.what, start.to);
  const { artifacts, images, releases, rollouts, uploads } = walk.found;
  const found = artifacts.size + images.size + releases.size + rollouts.size + uploads.size;
  if (found === 0 && paging.after === undefined) {
    throw new FlotillaError('LineageNotFound', `Nothing is known under ${JSON.stringify(id)}.`, { id });
  }
  const imageIds = [...images.values()].flatMap((image) => image.imageId ?? []);
  const running = await deps.running.ofImages(stack, imageIds);
  const asked = [...releases.keys()];
  return {
    id,
    what: first.instance === undefined ? first.what : 'instance',
    ...(first.instance === undefined ? {} : { instance: instanceView(first.instance) }),
    uploads: [...uploads.values()].map(uploadView),
    artifacts: [...artifacts.values()].map(artifactView),
    images: [...images.values()].map(imageView),
    releases: [...releases.values()].map(releaseView),
    rollouts: [...rollouts.values()].map(rolloutView),
    // Of a release only its own instances are told, although others may run the same image.
    instances: running.flatMap(({ id: instance, state, fleet, release }) =>
      fleet !== undefined && release !== undefined && asked.includes(`${fleet}/${release}`)
        ? [{ id: instance, state, fleet, release }]
        : [],
    ),
    ...(walk.next === undefined ? {} : { next: walk.next }),
  };
}

/** What an id stands for. Look-ups come first: they hold what AWS has long forgotten. */
async function startsOf(id: string, { table, running }: LineageDeps): Promise<Start[]> {
  const refs = await table.queryAll(keys.ref(id, '', '').pk, '', refItem);
  const whatOf = (toType: What): What => {
    if (id.startsWith('snap-')) return 'snapshot';
    if (id.startsWith('ami-')) return 'image';
    return toType;
  };
  if (/^i-[0-9a-f]{8,17}$/.test(id)) {
    const instance = await running.instance(id);
    const byRef = refs.find((ref) => ref.toType === 'release')?.to;
    const byTag =
      instance?.fleet !== undefined && instance.release !== undefined
        ? `${instance.fleet}/${instance.release}`
        : undefined;
    const to = byRef ?? byTag;
    if (to === undefined) return [];
    const ended = { id, state: 'terminated', imageId: '', launchedAt: undefined };
    const [fleet, release] = to.split('/');
    return [{ what: 'release', to, instance: instance ?? { ...ended, fleet, release } }];
  }
  // An artifact's digest leads to its uploads and images as well; the artifact alone reaches all of those.
  const strongest =
    refs.find((ref) => ref.toType === 'artifact') ?? refs.find((ref) => ref.toType === 'image');
  if (strongest !== undefined) {
    const same = refs.filter((ref) => ref.toType === strongest.toType);
    return same.map((ref) => ({ what: whatOf(ref.toType), to: ref.to }));
  }
  if (refs.length > 0) return refs.map((ref) => ({ what: whatOf(ref.toType), to: ref.to }));
  if (/^[a-z][a-z0-9-]*\/v[1-9]\d*$/.test(id)) return [{ what: 'release', to: id }];
  if (/^[0-9a-f]{32}$/.test(id)) return [{ what: 'upload', to: id }];
  if (sha256Hex.safeParse(id).success) return [{ what: 'artifact', to: id }];
  // `web-12` may be a rollout of web, or a fleet of that name: whichever there is.
  return [
    ...(parseRolloutId(id) === undefined ? [] : [{ what: 'rollout' as const, to: id }]),
    ...(fleetName.safeParse(id).success ? [{ what: 'fleet' as const, to: id }] : []),
  ];
}

/** Of a fleet: each takes a handful of reads, one after the other. */
const releasesAtOnce = 10;

/** Collects what hangs together. Each thing is read once. */
class Walk {
  readonly found: Found = {
    artifacts: new Map(),
    images: new Map(),
    releases: new Map(),
    rollouts: new Map(),
    uploads: new Map(),
  };
  /** Of a fleet with more releases than were asked for: where to read on. */
  next: string | undefined;
  readonly #table: Table;
  readonly #paging: Paging;
  /** By fleet: read once, however many of its releases are met. */
  readonly #rollouts = new Map<string, Promise<RolloutItem[]>>();

  constructor(table: Table, paging: Paging) {
    this.#table = table;
    this.#paging = paging;
  }

  async from(what: What, to: string): Promise<void> {
    switch (what) {
      case 'artifact':
        return await this.#artifactAndItsImages(to);
      case 'image':
      case 'snapshot':
        return await this.#imageAndItsReleases(to);
      case 'release':
        return await this.#release(to, true);
      case 'rollout':
        return await this.#rollout(to);
      case 'upload':
        return await this.#upload(to);
      case 'fleet':
        return await this.#fleet(to);
      case 'instance': // an instance begins at its release
        return;
    }
  }

  async #artifactAndItsImages(sha256: string): Promise<void> {
    await this.#artifact(sha256);
    for (const { to } of await this.#refs(sha256, 'image')) await this.#imageAndItsReleases(to);
  }

  async #artifact(sha256: string): Promise<void> {
    if (this.found.artifacts.has(sha256)) return;
    const artifact = await this.#table.get(keys.artifact(sha256), artifactItem);
    if (artifact === undefined) return;
    this.found.artifacts.set(sha256, artifact);
    for (const { to } of await this.#refs(sha256, 'upload')) {
      const upload = await this.#table.get(keys.upload(to), uploadItem);
      if (upload !== undefined) this.found.uploads.set(to, upload);
    }
  }

  async #image(identity: string): Promise<ImageItem | undefined> {
    const known = this.found.images.get(identity);
    if (known !== undefined) return known;
    const image = await this.#table.get(keys.image(identity), imageItem);
    if (image === undefined) return undefined;
    this.found.images.set(identity, image);
    await this.#artifact(image.artifactSha256);
    return image;
  }

  async #imageAndItsReleases(identity: string): Promise<void> {
    if ((await this.#image(identity)) === undefined) return;
    for (const { to } of await this.#refs(identity, 'release')) await this.#release(to, true);
  }

  async #release(id: string, withRollouts: boolean): Promise<void> {
    if (this.found.releases.has(id)) return;
    const [, fleet, digits] = /^(.+)\/v(\d+)$/.exec(id) ?? [];
    if (fleet === undefined || digits === undefined) return;
    const release = await this.#table.get(keys.release(fleet, Number(digits)), releaseItem);
    if (release === undefined) return;
    this.found.releases.set(id, release);
    await this.#image(release.identity);
    await this.#artifact(release.artifactSha256);
    if (!withRollouts) return;
    await this.#rolloutsOf(fleet, new Set([release.number]));
  }

  async #rolloutsOf(fleet: string, releases: ReadonlySet<number>): Promise<void> {
    const read =
      this.#rollouts.get(fleet) ?? this.#table.queryAll(keys.fleet(fleet).pk, prefixes.rollout, rolloutItem);
    this.#rollouts.set(fleet, read);
    for (const rollout of await read) {
      if (releases.has(rollout.release)) this.found.rollouts.set(rolloutId(fleet, rollout.number), rollout);
    }
  }

  async #rollout(id: string): Promise<void> {
    const parsed = parseRolloutId(id);
    if (parsed === undefined) return;
    const rollout = await this.#table.get(keys.rollout(parsed.fleet, parsed.number), rolloutItem);
    if (rollout === undefined) return;
    this.found.rollouts.set(id, rollout);
    await this.#release(releaseId(parsed.fleet, rollout.release), false);
  }

  async #upload(id: string): Promise<void> {
    const upload = await this.#table.get(keys.upload(id), uploadItem);
    if (upload === undefined) return;
    this.found.uploads.set(id, upload);
    if (upload.identity !== undefined) await this.#imageAndItsReleases(upload.identity);
    else if (upload.artifactSha256 !== undefined) await this.#artifact(upload.artifactSha256);
  }

  async #fleet(fleet: string): Promise<void> {
    const { limit, after } = this.#paging;
    const { items, next } = await this.#table.query(keys.fleet(fleet).pk, prefixes.release, releaseItem, {
      limit,
      newestFirst: true,
      ...cursor(after),
    });
    this.next = next;
    for (const release of items) this.found.releases.set(releaseId(fleet, release.number), release);
    const reading = readAhead(items, releasesAtOnce, async ({ identity, artifactSha256 }) => {
      await this.#image(identity);
      await this.#artifact(artifactSha256);
    });
    for await (const _ of reading); // each keeps what it found
    await this.#rolloutsOf(fleet, new Set(items.map(({ number }) => number)));
  }

  #refs(id: string, toType: string) {
    const { pk, sk } = keys.ref(id, toType, '');
    return this.#table.queryAll(pk, sk, refItem);
  }
}

function instanceView(instance: RunningInstance): NonNullable<LineageView['instance']> {
  const { id, state, launchedAt, fleet } = instance;
  return {
    id,
    state,
    ...(launchedAt === undefined ? {} : { launchedAt }),
    ...(fleet === undefined ? {} : { fleet }),
  };
}

function artifactView(item: ArtifactItem): LineageView['artifacts'][number] {
  const { sha256, kind, sizeBytes, architecture } = item;
  const { goVersion, module, moduleVersion, vcsRevision, vcsTime, vcsModified } = item;
  return {
    sha256,
    kind,
    sizeBytes,
    architecture,
    ...(goVersion === undefined ? {} : { goVersion }),
    ...(module === undefined ? {} : { module }),
    ...(moduleVersion === undefined ? {} : { moduleVersion }),
    ...(vcsRevision === undefined ? {} : { vcsRevision }),
    ...(vcsTime === undefined ? {} : { vcsTime }),
    ...(vcsModified === undefined ? {} : { vcsModified }),
  };
}

function imageView(item: ImageItem): LineageView['images'][number] {
  const { identity, state, kernel, attempt, imageId, snapshotId } = item;
  const { blocks, blocksWritten, parent, checksum, veto } = item;
  return {
    identity,
    state,
    kernel,
    attempt,
    ...(imageId === undefined ? {} : { imageId }),
    ...(snapshotId === undefined ? {} : { snapshotId }),
    ...(blocks === undefined ? {} : { blocks }),
    ...(parent === undefined ? {} : { parentSnapshotId: parent.snapshotId }),
    ...(blocksWritten === undefined ? {} : { blocksWritten }),
    ...(checksum === undefined ? {} : { checksum }),
    ...(veto === undefined ? {} : { veto }),
  };
}
