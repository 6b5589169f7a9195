/** Patience with throttling, on a client of the SDK's whose connection is a script and whose clock is the test's. */
import {
  DescribeRulesCommand,
  DescribeTargetHealthCommand,
  ElasticLoadBalancingV2Client,
  ModifyRuleCommand,
} from '@aws-sdk/client-elastic-load-balancing-v2';
import { HttpResponse } from '@smithy/core/protocols';
import { afterEach, beforeAll, beforeEach, expect, it, vi } from 'vitest';
import { bePatientUntil, withPatience } from '../../../src/aws/clients/patience.ts';
import { PromptRetries, triesWithinMilliseconds } from '../../../src/aws/clients/prompt-retries.ts';

const ruleArn = 'arn:aws:elasticloadbalancing:us-east-1:000000000000:listener-rule/app/a/1/2/3';
const began = Date.parse('2026-01-01T00:00:00Z');

/** Each try: the operation, and milliseconds since the test began. */
let tries: { readonly action: string; readonly at: number }[];
let underWay = 0;
let mostUnderWay = 0;

// The SDK loads some of itself at the first call, which no clock of a test waits for.
beforeAll(async () => {
  tries = [];
  await clientOf(() => undefined).send(readRule);
});
beforeEach(() => {
  vi.useFakeTimers({ now: began });
  tries = [];
  underWay = 0;
  mostUnderWay = 0;
});
afterEach(() => {
  vi.useRealTimers();
});

const xml = (name: string, inner: string): string =>
  `<${name}Response xmlns="http://elasticloadbalancing.amazonaws.com/doc/2015-12-01/"><${name}Result>${inner}</${name}Result></${name}Response>`;

const refusal = (code: string): string =>
  `<ErrorResponse xmlns="http://elasticloadbalancing.amazonaws.com/doc/2015-12-01/"><Error><Type>Sender</Type><Code>${code}</Code><Message>Rate exceeded</Message></Error></ErrorResponse>`;

/** @param answer the error's code, or nothing where the call is let through */
function clientOf(answer: (action: string) => string | undefined): ElasticLoadBalancingV2Client {
  const encode = (text: string) => new TextEncoder().encode(text);
  return withPatience(
    new ElasticLoadBalancingV2Client({
      region: 'us-east-1',
      credentials: { accessKeyId: 'AKIDEXAMPLE', secretAccessKey: 'secret' },
      retryStrategy: new PromptRetries(4, 'left to patience'),
      requestHandler: {
        metadata: { handlerProtocol: 'http/1.1' },
        async handle(request: { body: string }) {
          const action = new URLSearchParams(request.body).get('Action') ?? '';
          tries.push({ action, at: Date.now() - began });
          underWay += 1;
          mostUnderWay = Math.max(mostUnderWay, underWay);
          await new Promise((resolve) => setTimeout(resolve, 20));
          underWay -= 1;
          const code = answer(action);
          const body = code === undefined ? xml(action, '') : refusal(code);
          return {
            response: new HttpResponse({
              statusCode: code === undefined ? 200 : 400,
              headers: { 'content-type': 'text/xml' },
              body: encode(body),
            }),
          };
        },
      },
    }),
  );
}

/** Lets time pass until it has ended. */
async function outcomeOf(promise: Promise<unknown>): Promise<string> {
  const ended = promise.then(
    () => 'answered',
    (error: Error) => error.name,
  );
  await vi.runAllTimersAsync();
  return ended;
}

const readRule = new DescribeRulesCommand({ RuleArns: [ruleArn] });
const readTargets = new DescribeTargetHealthCommand({ TargetGroupArn: 'arn:tg' });
const changeRule = new ModifyRuleCommand({ RuleArn: ruleArn });

it('asks on for what it reads until it is let through', async () => {
  bePatientUntil(began + 32_000);
  const client = clientOf(() => (Date.now() < began + 20_000 ? 'Throttling' : undefined));
  expect(await outcomeOf(client.send(readRule))).toBe('answered');
  expect(tries.length).toBeGreaterThan(3);
});

it('asks seldom where it was let through with nothing yet, and soon where it has begun', async () => {
  const perSecond = async (beganWithAnAnswer: boolean): Promise<number> => {
    const start = Date.now();
    bePatientUntil(start + 400_000);
    let open = beganWithAnAnswer;
    const client = clientOf(() => (open ? undefined : 'Throttling'));
    if (beganWithAnAnswer) await outcomeOf(client.send(readRule));
    open = false;
    tries = [];
    await outcomeOf(client.send(readTargets));
    return tries.length / 400;
  };
  const arriving = await perSecond(false);
  const begun = await perSecond(true);
  // Evenly drawn delays of at most eight seconds, and of at most one.
  expect(arriving).toBeGreaterThan(1 / 8);
  expect(arriving).toBeLessThan(1 / 2);
  expect(begun).toBeGreaterThan(1);
});

it('asks one thing at a time once it is throttled', async () => {
  bePatientUntil(began + 60_000);
  const client = clientOf(() => (Date.now() < began + 10_000 ? 'Throttling' : undefined));
  const all = Promise.all([client.send(readRule), client.send(readTargets), client.send(readTargets)]);
  await vi.advanceTimersByTimeAsync(30);
  expect(mostUnderWay).toBe(3);
  mostUnderWay = 0;
  expect(await outcomeOf(all)).toBe('answered');
  expect(mostUnderWay).toBe(1);
});

it('gives up when the invocation can wait no longer, with what AWS said', async () => {
  bePatientUntil(began + 32_000);
  const client = clientOf(() => 'Throttling');
  expect(await outcomeOf(client.send(readRule))).toBe('Throttling');
  const last = tries.at(-1)?.at ?? 0;
  expect(last).toBeGreaterThan(20_000);
  expect(last).toBeLessThanOrEqual(32_000);
});

it('begins no try of a change after the time for which a look at the fence counts', async () => {
  bePatientUntil(began + 60_000);
  const client = clientOf(() => 'Throttling');
  expect(await outcomeOf(client.send(changeRule))).toBe('Throttling');
  expect(tries.length).toBeGreaterThan(8);
  expect(tries.at(-1)?.at).toBeLessThanOrEqual(triesWithinMilliseconds);
});

it('has no patience with any other answer', async () => {
  bePatientUntil(began + 60_000);
  const client = clientOf(() => 'RuleNotFound');
  expect(await outcomeOf(client.send(readRule))).toBe('RuleNotFoundException');
  expect(tries).toHaveLength(1);
});

it('stops asking where the refusal turns into another error', async () => {
  bePatientUntil(began + 60_000);
  const client = clientOf(() => (tries.length < 4 ? 'Throttling' : 'RuleNotFound'));
  expect(await outcomeOf(client.send(readRule))).toBe('RuleNotFoundException');
  expect(tries).toHaveLength(4);
});
