/** What the people of a scenario do, who do not know what is about to break. */
import type { MachineScript } from '../../../../local/machines/scripted.ts';
import type { RolloutTarget } from '../../../../src/contracts/request.ts';
import type { Verb } from '../../../../src/fleet/orders.ts';
import type { Fleet } from '../fleet.ts';

const images = new WeakMap<Fleet['world'], number>();

/** An image that no fleet of the region has had. */
export function nextImage(
  fleet: Fleet,
  script: MachineScript = {},
): Promise<Extract<RolloutTarget, { kind: 'image' }>> {
  const number = (images.get(fleet.world) ?? 0) + 1;
  images.set(fleet.world, number);
  return fleet.image(`image-${number}`, script);
}

/** Asks for a rollout; once more where the answer was an error, as people do. */
export async function insist(fleet: Fleet, target: RolloutTarget): Promise<void> {
  await fleet.ask(target).catch(() => fleet.ask(target).catch(() => undefined));
}

type Machine = 'swap-fleet' | 'retire-release';

function isRunning({ world }: Fleet, machine: Machine): boolean {
  return world.region.parts.states
    .executions()
    .some(({ status, init }) => status === 'RUNNING' && init.arn.includes(`-${machine}:`));
}

/** Something runs, or waits for the sweeper to start it. */
async function isBusy(fleet: Fleet, machine: Machine): Promise<boolean> {
  return isRunning(fleet, machine) || (await fleet.item()).queue.length > 0;
}

/** Longer than any scenario takes with one fault in it. */
const longestSeconds = 1_800;

/** Lets time pass until no execution runs, and none waits. @throws Error where one runs for ever */
export async function allEnded(fleet: Fleet, machine: Machine = 'swap-fleet'): Promise<void> {
  for (let passed = 0; passed < longestSeconds; passed += 5) {
    await fleet.world.seconds(5);
    if (!(await isBusy(fleet, machine))) return;
  }
  throw new Error(`an execution of ${machine} runs for ever`);
}

/** Lets time pass until a rollout bakes. @returns whether it came to that */
export async function baking(fleet: Fleet): Promise<boolean> {
  for (let passed = 0; passed < longestSeconds; passed += 5) {
    await fleet.world.seconds(5);
    if ((await fleet.item()).gate?.waitsFor === 'time') return true;
    if (!(await isBusy(fleet, 'swap-fleet'))) return false;
  }
  return false;
}

/**
 * Somebody who pauses the first bake, resumes, and approves whatever waits for it, until no execution runs.
 * @throws Error where one runs for ever
 */
export async function led(fleet: Fleet): Promise<void> {
  const order = (verb: Verb): Promise<unknown> => fleet.order(verb).catch(() => undefined);
  let paused = false;
  for (let passed = 0; passed < longestSeconds; passed += 5) {
    await fleet.world.seconds(5);
    const { gate } = await fleet.item();
    if (gate?.waitsFor === 'time' && !paused) {
      await order('pause');
      paused = true;
    } else if (gate?.waitsFor === 'resume') await order('resume');
    else if (gate?.waitsFor === 'approval') await order('approve');
    else if (!(await isBusy(fleet, 'swap-fleet'))) return;
  }
  throw new Error('an execution of swap-fleet runs for ever');
}

/** Whether a fleet rests, as far as its item and the executions say. */
export async function rests(fleet: Fleet): Promise<boolean> {
  const { lease, candidate, warm, queue, pins } = await fleet.item();
  const busy = lease !== null || candidate !== null || warm !== null || queue.length > 0 || pins.length > 0;
  return !busy && !isRunning(fleet, 'swap-fleet') && !isRunning(fleet, 'retire-release');
}

/** Lets time pass until the fleet rests. @throws Error where it never does */
export async function resting(fleet: Fleet): Promise<void> {
  for (let passed = 0; passed < longestSeconds; passed += 10) {
    await fleet.world.seconds(10);
    if (await rests(fleet)) return;
  }
  throw new Error(`${fleet.name} never rests`);
}

/** As somebody would in the console, without a thought of what it leaves. */
export function stopAll({ world }: Fleet): void {
  const { states } = world.region.parts;
  for (const { status, init } of states.executions())
    if (status === 'RUNNING') states.stop(init.arn, 'Matrix.Stopped', 'as the scenario wants it');
}
