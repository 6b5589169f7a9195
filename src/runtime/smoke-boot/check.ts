/** One look at the instance of a smoke boot: what it answered last, whether it still runs, and what to ask it next. */
import * as z from 'zod';
import type { BootInstances } from '../../aws/boot-instances.ts';
import type { Instances } from '../../aws/instances.ts';
import type { Table } from '../../aws/table.ts';
import type { SmokeBootItem } from '../../contracts/items.ts';
import { FlotillaError } from '../../errors.ts';
import { matchesStatus } from '../../image/smoke-boot.ts';
import type { Answer, Question } from '../ask-instance.ts';
import { bootEnded, bootId, readBoot } from './lease.ts';

/** What one look hands to the next. */
export const bootLooks = z.strictObject({
  /** Good answers in a row. */
  healthy: z.number().int().min(0),
  /** What was answered, or happened, last. */
  last: z.string(),
});
export type BootLooks = z.infer<typeof bootLooks>;

export type BootVerdict = { readonly looks: BootLooks } & (
  | { readonly verdict: 'healthy' | 'waiting' }
  | { readonly verdict: 'ask'; readonly question: Question }
);

/** Lines and characters of the console that go into a failure; all of it is kept in the store. */
const consoleLines = 20;
const consoleCharacters = 3_000;
/** A health check may wait for two minutes; ask-instance ends before. */
const longestAnswerSeconds = 50;

function heard({ question }: SmokeBootItem, before: BootLooks, answer: Answer | null): BootLooks {
  if (answer === null) return before;
  if (answer.kind === 'none') return { healthy: 0, last: answer.reason };
  const good = matchesStatus(question.statusCodes, answer.status);
  return { healthy: good ? before.healthy + 1 : 0, last: `answered ${answer.status}` };
}

/** @throws FlotillaError SmokeBootFailed with the end of the console, once it is known that it is not healthy */
export async function checkBoot(
  {
    identity,
    executionArn,
    looks: before,
    answer,
  }: {
    readonly identity: string;
    readonly executionArn: string;
    readonly looks: BootLooks;
    readonly answer: Answer | null;
  },
  deps: { readonly table: Table; readonly instances: BootInstances; readonly consoles: Instances },
  now: Date,
): Promise<BootVerdict> {
  const id = bootId(identity, executionArn);
  const boot = await readBoot(deps.table, identity, id);
  if (boot?.state !== 'open' || boot.instanceId === undefined) throw bootEnded({ identity, id });
  const { instanceId, question } = boot;
  const looks = heard(boot, before, answer);
  const instance = await deps.instances.describe(instanceId);
  const fail = async (what: string) => {
    const lines = await deps.consoles.consoleTail(instanceId, consoleLines);
    return new FlotillaError('SmokeBootFailed', what, {
      imageId: boot.imageId,
      instance: instanceId,
      market: boot.places[boot.place]?.market,
      question: `:${question.port}${question.path}`,
      console: lines.length === 0 ? undefined : lines.join('\n').slice(-consoleCharacters),
    });
  };
  if (instance?.prospect === 'hopeless') {
    throw await fail(`The instance is ${instance.state}: ${instance.reason || 'EC2 says not why'}`);
  }
  if (looks.healthy >= question.healthyThreshold) return { verdict: 'healthy', looks };
  if (now.toISOString() >= boot.deadline) {
    const seconds = (Date.parse(boot.deadline) - Date.parse(boot.openedAt)) / 1000;
    throw await fail(`It was not healthy within ${seconds} s: ${looks.last}`);
  }
  if (instance?.prospect !== 'reached' || instance.address === undefined) {
    return {
      verdict: 'waiting',
      looks: { healthy: 0, last: `the instance is ${instance?.state ?? 'unknown'}` },
    };
  }
  const { port, path } = question;
  const timeoutSeconds = Math.min(question.timeoutSeconds, longestAnswerSeconds);
  return { verdict: 'ask', looks, question: { address: instance.address, port, path, timeoutSeconds } };
}
