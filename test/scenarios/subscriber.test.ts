/** Somebody who subscribed to failures (docs/events.md): a rule on the account's bus, and a function of their own. */
import { expect, it } from 'vitest';
import { createFunction } from '../support/functions.ts';
import { Fleet } from './kit/fleet.ts';
import { notPackaged } from './kit/fleet-in-virtual-time.ts';

it.skipIf(notPackaged !== undefined)(
  "a subscriber's rule on failures hands the card to the subscriber's function, and no success",
  async () => {
    const fleet = await Fleet.create({
      instances: { minimum: 1, desired: 1, maximum: 2 },
      rollout: { steps: [{ weight: 100 }], drainSeconds: 0, keepWarmSeconds: 600 },
    });
    const { world } = fleet;
    const pager =
      'export const handler = async (event) => { console.log("page " + JSON.stringify(event)); };';
    const Arn = await createFunction(world.region, 'pager', pager);
    const { RuleArn } = await world.call('events', 'PutRule', {
      Name: 'page-on-failure',
      EventPattern: JSON.stringify({
        source: ['flotilla'],
        'detail-type': ['Flotilla Rollout Outcome'],
        detail: { status: ['failed', 'needs-attention'] },
      }),
    });
    await world.call('lambda', 'AddPermission', {
      FunctionName: 'pager',
      StatementId: 'events',
      Action: 'lambda:InvokeFunction',
      Principal: 'events.amazonaws.com',
      SourceArn: RuleArn,
    });
    await world.call('events', 'PutTargets', { Rule: 'page-on-failure', Targets: [{ Id: 'pager', Arn }] });

    expect(await fleet.deploy(await fleet.image('one'))).toMatchObject({ status: 'SUCCEEDED' });
    const ill = await fleet.image('two', { healthy: 503, console: ['no ledger'] });
    expect(await fleet.deploy(ill)).toMatchObject({ error: 'CandidateUnhealthy' });
    await world.seconds(10);
    const pages = world.region.parts.logs
      .messages('/aws/lambda/pager')
      .flatMap((line) => /page (\{.*\})/.exec(line)?.[1] ?? [])
      .map((text) => JSON.parse(text));
    expect(pages).toMatchObject([
      {
        source: 'flotilla',
        detail: {
          id: 'web-2',
          status: 'failed',
          card: {
            cause: { name: 'CandidateUnhealthy' },
            live: { release: 1, weight: 100 },
            text: expect.stringContaining('| no ledger'),
          },
        },
      },
    ]);
    await world.close();
  },
);
