/** What rollouts cost and how long they take, as tables for people. */
import type { ExecutionCost } from '../test/scenarios/kit/execution-cost.ts';
import type { FirstTraffic } from './first-traffic.ts';
import type { RolloutsAtOnce } from './rollouts-at-once.ts';

export interface RolloutMeasurements {
  readonly fourSteps: readonly ExecutionCost[];
  readonly firstTraffic: FirstTraffic;
  readonly atOnce: RolloutsAtOnce;
}

const [requestsAtMost, transitionsAtMost] = [60, 60];
const [firstTrafficAtMost, ofOursAtMost] = [60, 5];
const ratioAtMost = 1.2;

const total = (parts: readonly { readonly seconds: number }[]): number =>
  parts.reduce((sum, { seconds }) => sum + seconds, 0);

/**
 * The goals that were missed, in words. They are counts and virtual time, the same on every machine. The ratio of
 * rollouts at a share of AWS's rates is too coarse to be judged.
 */
export function missedGoals({ fourSteps, firstTraffic, atOnce }: RolloutMeasurements): string[] {
  return [
    ...fourSteps
      .filter(({ calls, transitions }) => calls > requestsAtMost || transitions > transitionsAtMost)
      .map(({ what, calls, transitions }) => `${what}: ${calls} requests, ${transitions} transitions`),
    ...(firstTraffic.seconds > firstTrafficAtMost || total(firstTraffic.ours) > ofOursAtMost
      ? [`first traffic after ${firstTraffic.seconds} s, ${total(firstTraffic.ours)} s of them ours`]
      : []),
    ...atOnce.failed.map((error) => `a rollout among others failed: ${error}`),
    ...(atOnce.share === 1 && atOnce.ratio > ratioAtMost ? [`rollouts at once: ratio ${atOnce.ratio}`] : []),
  ];
}

type Table = (rows: readonly (readonly string[])[]) => string;

export function rolloutReport(
  { fourSteps, firstTraffic, atOnce }: RolloutMeasurements,
  table: Table,
): string[] {
  const { aws, ours } = firstTraffic;
  const sum = (parts: readonly { readonly seconds: number }[]): string => total(parts).toFixed(1);
  const { bucket, burst, perSecond } = atOnce.tightest;
  return [
    'A four-step rollout of a healthy fleet',
    `  In virtual time. Requests of our functions, DynamoDB included, and transitions: at most ${requestsAtMost} each are wanted, however`,
    '  long it bakes. polls: requests of check-health, made at the interval until the candidate is healthy. watches: requests',
    '  of the sweeper meanwhile, which looks after every fleet once a minute, and at a gate after the candidate too.',
    '',
    table([
      ['', 'requests', 'transitions', 'polls', 'each s', 'watches', 'each s', 'seconds'],
      ...fourSteps.map(({ what, calls, transitions, healthPolls, watches, seconds }) => [
        what,
        String(calls),
        String(transitions),
        String(healthPolls?.calls ?? 0),
        String(healthPolls?.intervalSeconds ?? ''),
        String(watches.calls),
        String(watches.intervalSeconds),
        seconds.toFixed(0),
      ]),
    ]),
    '',
    'From upload to first traffic',
    `  In virtual time, ${firstTraffic.seconds.toFixed(1)} s (at most ${firstTrafficAtMost} are wanted): ${sum(aws)} s of AWS, as the region takes it to last, and ${sum(ours)} s of ours`,
    `  (at most ${ofOursAtMost}): our polls and waits; functions take no time there but what they wait for.`,
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
    `  bucket "${bucket}" (burst ${burst}, ${perSecond}/s, ${atOnce.tokensEach} tokens for each rollout). ratio: seconds / best; at most ${ratioAtMost} is wanted.`,
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
