/**
 * The failure card: one page on which a person reads why a rollout failed. The same shape in the API's answer, in the
 * event that others subscribe to, and (as text) in the command and in the execution's cause.
 */
import * as z from 'zod';
import { fleetName } from './ids.ts';

const ordinal = z.number().int().min(1);

/** One instance whose health checks did not pass, in the load balancer's words. */
export const failedCheck = z.object({
  instance: z.string(),
  state: z.string().describe('A value of TargetHealthStateEnum.'),
  answer: z.string().describe('`Health checks failed with these codes: [503]`'),
});
export type FailedCheck = z.infer<typeof failedCheck>;

/** One scaling activity that failed. */
export const failedLaunch = z.object({
  activity: z.string().describe('Its id, to be found in the Auto Scaling console.'),
  at: z.iso.datetime(),
  what: z.string().describe('`Launching a new EC2 instance`'),
  why: z.string().describe("Auto Scaling's status message: the quota, the capacity, or the AMI."),
});
export type FailedLaunch = z.infer<typeof failedLaunch>;

/** An alarm that rang, with what it had measured. */
export const alarmEvidence = z.object({
  name: z.string(),
  reason: z.string().describe("CloudWatch's sentence."),
  metric: z.string().optional().describe('`AWS/ApplicationELB HTTPCode_Target_5XX_Count`'),
  statistic: z.string().optional(),
  periodSeconds: z.number().optional(),
  comparison: z.enum(['>', '>=', '<', '<=', 'outside']).optional(),
  threshold: z.number().optional(),
  datapoints: z.array(z.number()).optional().describe('Oldest first.'),
  triggeredBy: z.array(z.string()).optional().describe('Of a composite alarm: the alarms that rang.'),
});
export type AlarmEvidence = z.infer<typeof alarmEvidence>;

/** What a function found, as it stands in the details of its error and of the rollout's item. */
export const evidence = z.object({
  reasons: z.array(z.string()).optional().catch(undefined),
  /** `GET /healthz on port 8080, every 5 s`. */
  healthCheck: z.string().optional().catch(undefined),
  checks: z.array(failedCheck).optional().catch(undefined),
  launches: z.array(failedLaunch).optional().catch(undefined),
  alarms: z.array(alarmEvidence).optional().catch(undefined),
  /** Whose console was read, or who answered the smoke test. */
  instance: z.string().optional().catch(undefined),
  console: z.string().optional().catch(undefined),
  /** Of the smoke test. */
  url: z.string().optional().catch(undefined),
  answer: z.string().optional().catch(undefined),
});
export type Evidence = z.infer<typeof evidence>;

export const failureCard = z.object({
  id: z.string().describe('`web-12`'),
  fleet: fleetName,
  rollout: ordinal,
  release: ordinal,
  status: z.enum(['failed', 'aborted', 'needs-attention']),
  cause: z.object({
    name: z.string().describe('One name of a closed list, or what AWS called it.'),
    title: z.string(),
    reasons: z.array(z.string()),
  }),
  healthCheck: z.string().optional().describe('What was asked: `GET /healthz on port 8080, every 5 s`.'),
  checks: z.array(failedCheck).describe('Who failed it, with what answer.'),
  launches: z.array(failedLaunch),
  alarms: z.array(alarmEvidence),
  smokeTest: z.object({ instance: z.string(), url: z.string(), answer: z.string() }).nullable(),
  console: z.object({ instance: z.string(), lines: z.array(z.string()) }).nullable(),
  undone: z.array(z.string()).describe('What was taken back, in sentences, in that order.'),
  live: z
    .object({ release: ordinal, imageId: z.string().optional(), weight: z.number().int().min(0) })
    .nullable()
    .describe('What serves the fleet; null where nothing does.'),
  next: z.string().describe('What to do, in a sentence.'),
  executionArn: z.string(),
});
export type FailureCard = z.infer<typeof failureCard>;

/** With the page as text, as the command prints it. */
export const failureCardView = failureCard.extend({ text: z.string() });
