/** What the tour made: the object that `--json` prints, and the same in words. */
import type { Narrator } from './narrator.ts';

export interface Story {
  readonly fleet: string;
  readonly artifacts: readonly {
    readonly sha256: string;
    readonly kind: string;
    readonly goVersion: string | null;
    readonly module: string | null;
    readonly vcsRevision: string | null;
  }[];
  readonly images: readonly {
    readonly imageId: string;
    readonly snapshotId: string;
    readonly identity: string;
    readonly blocksWritten: number;
  }[];
  readonly releases: readonly { readonly number: number; readonly imageId: string; readonly state: string }[];
  readonly rollouts: readonly {
    readonly executionArn: string;
    readonly status: string;
    readonly seconds: number;
    readonly awsCalls: number;
  }[];
  readonly requests: { readonly sent: number; readonly ok: number; readonly failed: number };
  /** Weight in per cent. */
  readonly live: { readonly release: number; readonly weight: number };
}

/** The reasons why the story is not the one that was promised; empty where all held. */
export function whatDidNotHold(story: Story): string[] {
  const reasons: string[] = [];
  const [first, second] = story.releases;
  if (story.rollouts.length !== 2) reasons.push(`there were ${story.rollouts.length} rollouts, not two`);
  for (const rollout of story.rollouts) {
    if (rollout.status !== 'succeeded') reasons.push(`${rollout.executionArn} ended as ${rollout.status}`);
  }
  if (first === undefined || second === undefined) reasons.push('two releases should have been made');
  else {
    if (second.state !== 'live') reasons.push(`release v${second.number} is ${second.state}, not live`);
    if (first.imageId === second.imageId) reasons.push('both releases have the same image');
  }
  if (story.live.weight !== 100) reasons.push(`the live release has ${story.live.weight} % of the traffic`);
  if (story.requests.sent < 2000)
    reasons.push(`only ${story.requests.sent} requests were sent during the swap`);
  if (story.requests.failed > 0) reasons.push(`${story.requests.failed} requests failed`);
  if (story.requests.ok + story.requests.failed !== story.requests.sent)
    reasons.push('requests went missing');
  return reasons;
}

export function tellStory(story: Story, say: Narrator): void {
  say.chapter('What was made');
  for (const [i, release] of story.releases.entries()) {
    const image = story.images.find(({ imageId }) => imageId === release.imageId);
    const artifact = story.artifacts[i];
    say.print(`  Release v${release.number} of ${story.fleet} is ${release.state}.`);
    if (image !== undefined) {
      say.print(
        `    image     ${image.imageId}, from ${image.snapshotId} (${image.blocksWritten} blocks written)`,
      );
      say.print(`    identity  ${image.identity.slice(0, 16)}…`);
    }
    if (artifact !== undefined) {
      say.print(
        `    artifact  ${artifact.sha256.slice(0, 16)}…  ${artifact.module ?? artifact.kind}, ${artifact.goVersion ?? '?'}`,
      );
      say.print(`    commit    ${artifact.vcsRevision ?? 'not stamped (no repository here)'}`);
    }
  }
  for (const rollout of story.rollouts) {
    const name = rollout.executionArn.split(':').at(-1);
    say.print(
      `  Rollout ${name} ${rollout.status} in ${rollout.seconds} s with ${rollout.awsCalls} calls to AWS.`,
    );
  }
  const { sent, ok, failed } = story.requests;
  say.print(`  During the swap ${sent} requests were sent: ${ok} answered, ${failed} failed.`);
  say.print(`  Live now: v${story.live.release}, with ${story.live.weight} % of the traffic.`);
}
