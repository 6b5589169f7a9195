/** Schedules that fast-check makes up, one after the other on two fleets of one region. */
import fc from 'fast-check';
import { Fleet } from '../fleet.ts';
import { Invariants, wordsOfViolation } from '../invariants.ts';
import { makeListener } from '../listener.ts';
import { rests } from '../rollout-matrix/acts.ts';
import { matrixSpec } from '../rollout-matrix/scenarios.ts';
import { alarmName, type Happening, imagesOf, perform, schedule } from './deeds.ts';

/** What broke something, and how to see it again. */
export interface Broken {
  readonly seed: number;
  /** fast-check's path to the schedule, among those of the seed. */
  readonly path: string;
  readonly happenings: readonly Happening[];
  readonly violations: readonly string[];
}

export interface Campaign {
  readonly schedules: number;
  readonly broken: Broken | undefined;
}

const spec = {
  ...matrixSpec,
  rollout: {
    ...matrixSpec.rollout,
    steps: [{ weight: 25, bakeSeconds: 20 }, { weight: 60, bakeSeconds: 10 }, { weight: 100 }],
    alarms: [{ name: alarmName, missingData: 'quiet' as const }],
  },
};

/**
 * The second fleet's instances may be taken back, a test listener leads to its candidates, and a person has to approve
 * its releases: at random that seldom comes in time, so that the first fleet is asked for none, or nothing would ever be
 * promoted.
 */
const onSpot = (testListenerArn: string) => ({
  ...spec,
  rule: { hosts: ['shop.example.com'], testListenerArn },
  instances: { ...spec.instances, spotPercent: 100 },
  rollout: {
    ...spec.rollout,
    steps: [
      { weight: 25, bakeSeconds: 20 },
      { weight: 60, bakeSeconds: 10, approval: true, approvalSeconds: 60 },
      { weight: 100 },
    ],
    smokeTest: { path: '/health', status: 200 },
  },
});

type Applied = Parameters<Fleet['apply']>[0];

/** Whatever happens, the fleets rest within this time. */
const restSeconds = 4 * 3_600;
const quietSeconds = 150;
/** Faults that strike a function or an event, and no call of whoever plays the schedule. */
const endsOthers = new Set(['crash', 'drop-event', 'double-event']);

class Stage {
  readonly fleets: readonly [Fleet, Fleet];
  readonly specs: readonly [Applied, Applied];
  readonly watch: Invariants;

  private constructor(
    fleets: readonly [Fleet, Fleet],
    specs: readonly [Applied, Applied],
    watch: Invariants,
  ) {
    this.fleets = fleets;
    this.specs = specs;
    this.watch = watch;
  }

  static async open(seed: number): Promise<Stage> {
    const first = await Fleet.create(spec, { seed });
    await first.alarm(alarmName);
    await first.alarm(alarmName, 'OK');
    const tested = onSpot(await makeListener(first.world));
    const second = await first.beside('shop', tested);
    return new Stage([first, second], [spec, tested], await Invariants.over([first, second]));
  }

  /** @returns what was broken, in words */
  async play(happenings: readonly Happening[]): Promise<string[]> {
    const { fleets, specs, watch } = this;
    const [first] = fleets;
    const { world } = first;
    const illness = { cured: false };
    const images = await imagesOf(happenings, fleets, illness);
    for (const { after, deed } of happenings) {
      if (after > 0) await world.seconds(after);
      await perform(deed, fleets, images.get(deed) ?? []);
    }
    // Whoever broke or held something takes it back; what the fleets do about it is theirs. What ends a function or an
    // event may still come, as it can come to nobody else.
    const { faults } = world.region;
    for (const { id, fault } of faults.list()) if (!endsOthers.has(fault.kind)) faults.remove(id);
    await first.alarm(alarmName, 'OK');
    const began = world.clock.now();
    do {
      await world.seconds(20);
      for (const fleet of fleets) await letGo(fleet);
      if ((world.clock.now() - began) / 1000 > restSeconds) return ['the fleets never rest'];
    } while (!(await rests(fleets[0])) || !(await rests(fleets[1])));
    faults.clear();
    // One that fell ill after it had been promoted is live, and would be for ever.
    illness.cured = true;
    const ledByHand = happenings.some(({ deed }) => deed.do === 'lead the test rule by hand');
    for (const index of [0, 1] as const) await setRight(fleets[index], specs[index], ledByHand);
    // Until Auto Scaling has replaced what died.
    await world.seconds(quietSeconds);
    return watch.atRest().map(wordsOfViolation);
  }

  close(): Promise<void> {
    return this.fleets[0].world.close();
  }
}

/** A paused rollout waits for a person without end. */
async function letGo(fleet: Fleet): Promise<void> {
  const { gate } = await fleet.item();
  if (gate?.waitsFor === 'resume') await fleet.order('abort').catch(() => undefined);
}

/**
 * Weights that a person set stay until a person sets them right, by applying the fleet again. A test rule that no
 * person touched is left as the rollouts left it: that is to be judged.
 */
async function setRight(fleet: Fleet, applied: Applied, ledByHand: boolean): Promise<void> {
  const { weights, fixed } = await fleet.item();
  const present = await fleet.weights();
  const tested = ledByHand && fixed.test !== undefined ? await fleet.weights(fixed.test.ruleArn) : undefined;
  const led = tested !== undefined && tested.blue + tested.green > 0;
  if (led || present.blue !== weights.blue) await fleet.apply(applied);
}

/**
 * Plays `count` schedules that follow from the seed, or the one at `path` alone; the first that breaks something ends
 * it, because the region is not to be trusted after it.
 */
export async function playSchedules(seed: number, count: number, path?: string): Promise<Campaign> {
  const stage = await Stage.open(seed);
  let played = 0;
  let violations: readonly string[] = [];
  try {
    const details = await fc.check(
      fc.asyncProperty(schedule, async (happenings) => {
        played += 1;
        violations = await stage.play(happenings).catch((error: Error) => [String(error.stack)]);
        return violations.length === 0;
      }),
      { seed, numRuns: count, endOnFailure: true, ...(path === undefined ? {} : { path }) },
    );
    if (!details.failed) return { schedules: played, broken: undefined };
    return {
      schedules: played,
      broken: {
        seed,
        path: details.counterexamplePath ?? '',
        happenings: details.counterexample?.[0] ?? [],
        violations,
      },
    };
  } finally {
    await stage.close().catch(() => undefined);
  }
}
