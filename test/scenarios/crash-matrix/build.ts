/** Every fault at every call of a build, in virtual time: how the builds ended, and what was not as it must be. */
import { allCases, openDoors, tryCase, wordsOf } from '../kit/build-matrix.ts';
import type { Part } from './options.ts';

/** A region takes so many builds before the next one begins with nothing. */
const casesARegion = 20;

/** Prints how the builds ended. @returns whether all was as it must be */
export async function buildMatrix(part: Part): Promise<boolean> {
  const all = (await allCases()).filter((one) => wordsOf(one).includes(part.only));
  const cases = all.filter((_, index) => index % part.every === 0).slice(part.from, part.from + part.cases);
  console.log(`${cases.length} of ${all.length} cases`);
  const ends = new Map<string, number>();
  let wrongCases = 0;
  for (let at = 0; at < cases.length; at += casesARegion) {
    const doors = await openDoors();
    for (const one of cases.slice(at, at + casesARegion)) {
      const { end, wrong } = await tryCase(doors, one);
      ends.set(end, (ends.get(end) ?? 0) + 1);
      if (wrong.length === 0) continue;
      wrongCases += 1;
      console.log(`${wordsOf(one)} (${end})\n${wrong.map((words) => `    ${words}\n`).join('')}`);
    }
    await doors.close();
    console.error(`${Math.min(at + casesARegion, cases.length)} of ${cases.length}`);
  }
  for (const [end, count] of ends) console.log(`${String(count).padStart(6)}  ${end}`);
  const { user } = process.cpuUsage();
  console.log(`${cases.length} cases, ${wrongCases} of them wrong, ${Math.round(user / 1e6)} s of CPU`);
  return wrongCases === 0;
}
