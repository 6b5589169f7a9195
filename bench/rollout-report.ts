/** What rollouts cost and how long they take, as tables for people. */
import type { ExecutionCost } from '../test/scenarios/kit/execution-cost.ts';
import type { FirstTraffic } from './first-traffic.ts';
import type { RolloutsAtOnce } from './rollouts-at-once.ts';

export interface RolloutMeasurements {
  readonly fourSteps: readonly ExecutionCost[];
  readonly firstTraffic: FirstTraffic;
  readonly atOnce: RolloutsAtOnce;
}

type Table = (rows: readonly (readonly string[])[]) => string;

export function rolloutReport(
  { fourSteps, firstTraffic, atOnce }: RolloutMeasurements,
  table: Table,
): string[] {
  const { aws, ours } = firstTraffic;
  const sum = (parts: readonly { readonly seconds: number }[]): string =>
    parts.reduce((total, { seconds }) => total + seconds, 0).toFixed(1);
  const { bucket, burst, perSecond } = atOnce.tightest;
  return [
    'A four-step rollout of a healthy fleet',
    '  In virtual time. Requests of our functions, DynamoDB included, and transitions: at most 60 each are wanted, however',
    '  long it bakes. polls: requests of check-health, made at the interval until the candidate is healthy.',
    '',
    table([
      ['', 'requests', 'transitions', 'polls', 'interval s', 'seconds'],
      ...fourSteps.map(({ what, calls, transitions, healthPolls, seconds }) => [
        what,
        String(calls),
        String(transitions),
        String(healthPolls?.calls ?? 0),
        String(healthPolls?.intervalSeconds ?? ''),
        seconds.toFixed(0),
      ]),
    ]),
    '',
    'From upload to first traffic',
    `  In virtual time, ${firstTraffic.seconds.toFixed(1)} s (at most 60 are wanted): ${sum(aws)} s of AWS, as the region takes it to last, and ${sum(ours)} s of ours`,
    '  (at most 5): our polls and waits; functions take no time there but what they wait for.',
    '',
    table([
      ['', "AWS's s", 'our s'],
      ...aws.map(({ what, seconds }) => [what, seconds.toFixed(1), '']),
      ...ours.map(({ what, seconds }) => [what, '', seconds.toFixed(1)]),
    ]),
    '',
    `${atOnce.rollouts} rollouts at once`,
    `  In virtual time, all asked for in one moment, at ${atOnce.share === 1 ? '' : `${atOnce.share} of `}AWS's published rates. refused: calls that were throttled and made`,
    '  again. best: for each second t of the course of one that has the account to itself, t is when all can have come to,',
    `  (rollouts × tokens(t) − burst) / rate, and the rest of the course after it; the largest of these sums. Tightest is the`,
    `  bucket "${bucket}" (burst ${burst}, ${perSecond}/s, ${atOnce.tokensEach} tokens for each rollout). ratio: seconds / best; at most 1.2 is wanted.`,
    '',
    table([
      ['succeeded', 'refused', 'alone s', 'best s', 'seconds', 'ratio'],
      [
        `${atOnce.succeeded} of ${atOnce.rollouts}`,
        String(atOnce.refused),
        atOnce.aloneSeconds.toFixed(0),
        atOnce.bestSeconds.toFixed(0),
        atOnce.seconds.toFixed(0),
        atOnce.ratio.toFixed(2),
      ],
    ]),
    ...atOnce.failed.map((error) => `  failed: ${error}`),
  ];
}
