/** A target whose answer cannot change is not asked again; nobody could tell it from one that is asked at each interval. */
import fc from 'fast-check';
import { expect, it } from 'vitest';
import type { ScriptedAnswer } from '../../../../local/machines/machine.ts';
import { ScriptedMachine } from '../../../../local/machines/scripted.ts';
import { FleetRegion } from './fleet-region.ts';

interface Change {
  readonly afterMs: number;
  readonly target: number;
  readonly answer: boolean | ScriptedAnswer;
}

/** When which target was seen to be in which state. A function as the answer is asked each time: that is polling. */
async function seen(changes: readonly Change[], asFunction: boolean): Promise<string[]> {
  const as = (answer: Change['answer']) => ({ healthy: asFunction ? () => answer : answer });
  const fleet = await FleetRegion.create(() => as(true));
  const { ec2, elbv2 } = fleet.region.parts;
  const templateId = await fleet.template('web');
  const blue = await fleet.targetGroup('blue');
  await fleet.rule(10, { [blue]: 100 });
  await fleet.group('web', templateId, { TargetGroupARNs: [blue], DesiredCapacity: 2 });
  const told: string[] = [];
  elbv2.checks.onChange((_group, { id, health }) =>
    told.push(`${fleet.clock.now()} ${id} ${health.State} ${health.Reason} ${health.Description}`),
  );
  await fleet.seconds(30);
  for (const { afterMs, target, answer } of changes) {
    await fleet.clock.advance(afterMs);
    const machine = [...ec2.instances.all.values()][target]?.machine;
    if (machine instanceof ScriptedMachine) machine.become(as(answer));
  }
  await fleet.seconds(60);
  await fleet.region.close();
  // Within one moment the order of targets is nobody's.
  return told.sort();
}

it('health changes at the same moments, whether targets are asked each time or when they may have changed', async () => {
  const change = fc.record({
    afterMs: fc.integer({ min: 1, max: 17_000 }),
    target: fc.nat(1),
    answer: fc.constantFrom<Change['answer']>(true, false, 404, 'refused', 'timeout'),
  });
  await fc.assert(
    fc.asyncProperty(fc.array(change, { minLength: 1, maxLength: 8 }), async (changes) => {
      expect(await seen(changes, false)).toEqual(await seen(changes, true));
    }),
    {
      numRuns: 12,
      examples: [
        // At the very moment of a check, twice: what was due then has seen what was before.
        [
          [
            { afterMs: 8_999, target: 0, answer: true },
            { afterMs: 1, target: 0, answer: false },
          ],
        ],
        // While a check waits for its answer.
        [
          [
            { afterMs: 306, target: 0, answer: false },
            { afterMs: 9_948, target: 0, answer: 'timeout' },
            { afterMs: 3_746, target: 0, answer: true },
            { afterMs: 1, target: 0, answer: true },
          ],
        ],
      ],
    },
  );
}, 120_000);
