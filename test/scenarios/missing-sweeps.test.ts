/** Nobody sees that the sweeper rests, for it is what would have seen it: an alarm of the stack does. In virtual time. */
import { afterEach, describe, expect, it } from 'vitest';
import { Fleet, minute } from './kit/fleet.ts';
import { notPackaged } from './kit/fleet-in-virtual-time.ts';

describe.skipIf(notPackaged !== undefined)('the alarm on missing sweeps', { timeout: 120_000 }, () => {
  let fleet: Fleet;
  afterEach(async () => {
    await fleet?.world.close();
  });

  async function state(): Promise<string> {
    const { MetricAlarms } = await fleet.world.call('monitoring', 'DescribeAlarms', {});
    return MetricAlarms.find((alarm: { MetricName: string }) => alarm.MetricName === 'Invocations')
      .StateValue;
  }

  it('is quiet while fleets are swept, and rings some 20 minutes after nobody calls the sweeper', async () => {
    fleet = await Fleet.create();
    await fleet.world.seconds(10 * minute);
    expect(await state()).toBe('OK');
    const { Rules } = await fleet.world.call('events', 'ListRules', {});
    const { Name } = Rules.find(
      (rule: { ScheduleExpression?: string }) => rule.ScheduleExpression === 'rate(1 minute)',
    );
    await fleet.world.call('events', 'DisableRule', { Name });
    await fleet.world.seconds(9 * minute);
    expect(await state()).toBe('OK');
    await fleet.world.seconds(13 * minute);
    expect(await state()).toBe('ALARM');
    await fleet.world.call('events', 'EnableRule', { Name });
    await fleet.world.seconds(6 * minute);
    expect(await state()).toBe('OK');
  });
});
