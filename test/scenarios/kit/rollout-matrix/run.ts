/** One region after the other, in each a few runs of a scenario: without a fault to see its points, or with one each. */
import type { RolloutItem } from '../../../../src/contracts/items.ts';
import { Fleet } from '../fleet.ts';
import { Invariants, type Violation, wordsOfViolation } from '../invariants.ts';
import { nextImage, rests } from './acts.ts';
import {
  arm,
  type CallPoint,
  faultsAt,
  type MatrixCase,
  type Point,
  type StatePoint,
  watchStates,
} from './faults.ts';
import { matrixSpec, type Scenario, type ScenarioName, scenarios } from './scenarios.ts';

export interface CaseResult {
  readonly one: MatrixCase;
  /** How the newest rollout ended: `succeeded`, or the name of its error. */
  readonly end: string;
  /** Whether it came to the fault: another way of the rollout may not make the call again. */
  readonly struck: boolean;
  readonly violations: readonly string[];
}

/** What the scenario's fleet is and where it is, from run to run. */
class Stage {
  readonly scenario: Scenario;
  readonly watch: Invariants;
  fleet: Fleet;
  #fleets = 0;
  readonly #first: Fleet;

  private constructor(scenario: Scenario, first: Fleet, watch: Invariants) {
    this.scenario = scenario;
    this.watch = watch;
    this.fleet = first;
    this.#first = first;
  }

  static async open(name: ScenarioName, seed: number, packageDir?: string): Promise<Stage> {
    const scenario: Scenario = scenarios[name];
    const options = { seed, ...(packageDir === undefined ? {} : { packageDir }) };
    const first = await Fleet.create({ ...matrixSpec, ...scenario.spec }, options);
    const stage = new Stage(scenario, first, await Invariants.over([first]));
    await scenario.setUp?.(stage.fleet);
    if (scenario.newFleet === undefined) await stage.fleet.deploy(await nextImage(stage.fleet));
    return stage;
  }

  /** To where the scenario begins. */
  async begin(): Promise<void> {
    const { scenario } = this;
    if (scenario.newFleet !== undefined) {
      this.#fleets += 1;
      this.fleet = await this.#first.beside(`web${this.#fleets}`, { ...matrixSpec, ...scenario.spec });
      this.watch.narrowTo(this.fleet);
    }
    await scenario.begin?.(this.fleet);
  }

  close(): Promise<void> {
    return this.fleet.world.close();
  }
}

/** Every point of a scenario, as a run without a fault shows them. @throws Error where that run breaks something */
export async function pointsOf(name: ScenarioName, seed: number): Promise<Point[]> {
  const stage = await Stage.open(name, seed);
  try {
    await stage.begin();
    const { world } = stage.fleet;
    const states = new Map<string, StatePoint>();
    const calls: CallPoint[] = [];
    const counts = new Map<string, number>();
    const count = (what: string): number => {
      counts.set(what, (counts.get(what) ?? 0) + 1);
      return counts.get(what) ?? 0;
    };
    const { breaks } = stage.scenario;
    const end = watchStates(world, (_, machine, state) => {
      if (breaks !== undefined) return;
      const nth = count(`${machine} ${state}`);
      states.set(`${machine} ${state} ${nth}`, { kind: 'state', machine, state, nth });
    });
    const before = world.region.log.total;
    const run = await play(stage, undefined);
    end();
    if (run.violations.length > 0) throw new Error(`${name} without a fault: ${run.violations.join('\n')}`);
    for (const { who, action } of world.region.log
      .list()
      .slice(before - world.region.log.total)
      .slice(0, run.calls)) {
      const by = /flotilla-([a-z-]+)$/.exec(who)?.[1];
      if (by === undefined || !(breaks?.test(by) ?? !idle.test(by))) continue;
      calls.push({ kind: 'call', by, action, nth: count(`${by} ${action}`) });
    }
    return [...calls, ...states.values()];
  } finally {
    await stage.close();
  }
}

/** One run, in a region of its own, without a fault where none is given. @returns what it broke */
export async function tryOnce(
  name: ScenarioName,
  one: MatrixCase | undefined,
  seed: number,
  packageDir?: string,
): Promise<readonly Violation[]> {
  const stage = await Stage.open(name, seed, packageDir);
  try {
    await stage.begin();
    await play(stage, one);
    return stage.watch.violations;
  } finally {
    await stage.close();
  }
}

/** Functions that no rollout waits for, or that run each minute whether there is one or not. */
const idle = /^(?:sweep|sweep-builds|api-.*|verify-images)$/;

export function casesOf(scenario: ScenarioName, points: readonly Point[]): MatrixCase[] {
  return points.flatMap((point) => faultsAt(point).map((fault) => ({ scenario, fault, point })));
}

/**
 * Runs cases of one scenario one after the other in one region; a new one after a violation, so that none is blamed on
 * the next case.
 */
export async function tryCases(cases: readonly MatrixCase[], seed: number): Promise<CaseResult[]> {
  const results: CaseResult[] = [];
  let stage: Stage | undefined;
  for (const one of cases) {
    stage ??= await Stage.open(one.scenario as ScenarioName, seed);
    let result: CaseResult;
    try {
      await stage.begin();
      result = { one, ...(await play(stage, one)) };
    } catch (thrown) {
      result = { one, end: 'broken off', struck: true, violations: [String(thrown)] };
    }
    results.push(result);
    if (result.violations.length === 0) continue;
    await stage.close().catch(() => undefined);
    stage = undefined;
  }
  await stage?.close();
  return results;
}

/** Whatever is broken, a fleet rests within this time. */
const restSeconds = 3 * 3600;
/** After the last change, until the load balancer's nodes and Auto Scaling have followed. */
const quietSeconds = 30;

async function play(
  stage: Stage,
  one: MatrixCase | undefined,
): Promise<{ end: string; struck: boolean; violations: string[]; calls: number }> {
  const { fleet, scenario, watch } = stage;
  const { world } = fleet;
  const former = (await fleet.item()).live?.release ?? null;
  const armed = one === undefined ? undefined : arm(world, one);
  const callsBefore = world.region.log.total;
  const began = world.clock.now();
  const came = await scenario.act(fleet);
  const calls = world.region.log.total - callsBefore;
  const violations: string[] = [];
  const since = (): number => (world.clock.now() - began) / 1000;
  do {
    await world.seconds(10);
    await armed?.pass?.();
    if (since() > restSeconds) {
      violations.push('the fleet never rests');
      break;
    }
  } while (since() < (armed?.doneAfterSeconds ?? 0) + 60 || !(await rests(fleet)));
  const struck = armed?.struck() ?? false;
  armed?.disarm();
  await world.seconds(quietSeconds);
  const expected = {
    ...(scenario.staysLive === true && came !== false ? { live: former } : {}),
    ...(scenario.desired === 'any' ? {} : { desired: came === false ? 2 : (scenario.desired ?? 2) }),
  };
  violations.push(...watch.atRest({ [fleet.name]: expected }).map(wordsOfViolation));
  const end = endOf(await fleet.rollout((await fleet.item()).nextRollout - 1));
  if (violations.length === 0) await scenario.tidy?.(fleet);
  return { end, struck, violations, calls };
}

function endOf({ status, error }: RolloutItem): string {
  return status === 'failed' || status === 'aborted' ? (error?.name ?? status) : status;
}
