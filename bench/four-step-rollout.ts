/** What a four-step rollout of a healthy fleet costs, in virtual time: counts, which no machine's speed changes. */
import { costOf, type ExecutionCost } from '../test/scenarios/kit/execution-cost.ts';
import { Fleet } from '../test/scenarios/kit/fleet.ts';

const hour = 3_600;

/**
 * A rollout of the second release, each of whose steps bakes so long.
 * @throws Error where one of the two does not succeed
 */
export async function measureFourSteps(bakeSeconds: number, seed: number): Promise<ExecutionCost> {
  const steps = [10, 25, 50, 100].map((weight) => ({ weight, bakeSeconds }));
  const fleet = await Fleet.create({ rollout: { steps, drainSeconds: 20 } }, { seed });
  // In hours of baking the sweepers alone make more calls than a log keeps.
  fleet.world.region.log.keepAll();
  try {
    const answers = [];
    for (const name of ['one', 'two']) {
      const answer = await fleet.ask(await fleet.image(name));
      const end = await fleet.ended(answer, 5 * bakeSeconds + hour);
      if (end.status !== 'SUCCEEDED') throw new Error(`The rollout of ${name}: ${JSON.stringify(end)}`);
      answers.push(answer);
    }
    const arn = answers.at(-1)?.executionArn ?? '';
    return await costOf(fleet.world.region, `bakes of ${bakeSeconds} s`, arn);
  } finally {
    await fleet.world.close();
  }
}
