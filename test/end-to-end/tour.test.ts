/** What `npm start -- --exit --json` runs, as a person runs it: the whole path in wall time, and nothing left behind. */
import { spawn } from 'node:child_process';
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Story } from '../../tour/story.ts';

const root = join(import.meta.dirname, '..', '..');

const inRepository = statSync(join(root, '.git'), { throwIfNoEntry: false })?.isDirectory() === true;

describe('the tour', () => {
  let scratch: string;
  let story: Story;
  let code: number | null;
  let told: string;

  beforeAll(async () => {
    scratch = await mkdtemp(join(tmpdir(), 'flotilla-test-tour-'));
    // TMPDIR of its own, so that what is left behind can be seen.
    const child = spawn('node', ['bin/with-node.mjs', 'tour/main.ts', '--exit', '--json'], {
      cwd: root,
      env: { ...process.env, TMPDIR: scratch, XDG_RUNTIME_DIR: scratch },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    const out: Buffer[] = [];
    const err: Buffer[] = [];
    child.stdout.on('data', (chunk: Buffer) => out.push(chunk));
    child.stderr.on('data', (chunk: Buffer) => err.push(chunk));
    code = await new Promise((resolve) => child.on('close', resolve));
    told = Buffer.concat(err).toString();
    const lastLine = Buffer.concat(out).toString().trimEnd().split('\n').at(-1) ?? '';
    expect(lastLine, told).toMatch(/^\{/);
    story = JSON.parse(lastLine) as Story;
  }, 300_000);

  afterAll(() => rm(scratch, { recursive: true, force: true }));

  it('ends with 0, since everything held', () => {
    expect(code, told).toBe(0);
  });

  it('makes two releases from two artifacts and two images, the second live and the first warm', () => {
    expect(story.releases.map(({ number, state }) => `v${number} ${state}`)).toEqual(['v1 warm', 'v2 live']);
    expect(new Set(story.artifacts.map(({ sha256 }) => sha256)).size).toBe(2);
    expect(story.images.map(({ imageId }) => imageId)).toEqual(story.releases.map(({ imageId }) => imageId));
    expect(new Set(story.images.map(({ identity }) => identity)).size).toBe(2);
    for (const [index, image] of story.images.entries()) {
      expect(image.snapshotId).toMatch(/^snap-[0-9a-f]{17}$/);
      // A program of some 6 MB in blocks of 512 KiB, with the boot and root file systems' metadata.
      // The second is written as a difference to the first: the program's changed blocks, and the log.
      expect(image.blocksWritten).toBeGreaterThan(index === 0 ? 10 : 1);
      expect(image.blocksWritten).toBeLessThan(40);
    }
  });

  it('knows the module, the Go version and the commit of what runs', () => {
    for (const artifact of story.artifacts) {
      expect(artifact).toMatchObject({ kind: 'go-elf', module: 'flotilla.example/hello' });
      expect(artifact.goVersion).toMatch(/^go1\./);
      // Go tells the commit where it finds a repository: not in an unpacked archive, nor in a linked worktree.
      if (inRepository) expect(artifact.vcsRevision).toMatch(/^[0-9a-f]{40}$/);
      else expect(artifact.vcsRevision).toBeNull();
    }
  });

  it('loses no request of at least 2,000 during the swap', () => {
    expect(story.requests.sent).toBeGreaterThanOrEqual(2000);
    expect(story.requests).toEqual({ sent: story.requests.sent, ok: story.requests.sent, failed: 0 });
    expect(story.live).toEqual({ release: 2, weight: 100 });
  });

  it('counts what each rollout asked of AWS', () => {
    for (const rollout of story.rollouts) {
      expect(rollout.status).toBe('succeeded');
      expect(rollout.seconds).toBeGreaterThan(0);
      expect(rollout.awsCalls).toBeGreaterThan(5);
    }
  });

  it('leaves no file and no process', () => {
    expect(readdirSync(scratch).filter((name) => readdirOrFile(join(scratch, name)) > 0)).toEqual([]);
    const alive = readdirSync('/proc').filter((name) => /^\d+$/.test(name) && mentions(name, scratch));
    expect(alive).toEqual([]);
  });
});

/** Files below a path: an empty folder for notes may stay. */
function readdirOrFile(path: string): number {
  try {
    return readdirSync(path, { recursive: true }).length;
  } catch {
    return 1;
  }
}

function mentions(pid: string, text: string): boolean {
  try {
    return (
      readFileSync(`/proc/${pid}/environ`).includes(text) ||
      readFileSync(`/proc/${pid}/cmdline`).includes(text)
    );
  } catch {
    return false; // gone since, or somebody else's
  }
}
