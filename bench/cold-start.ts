/** How long each function takes to be ready in a fresh environment, beside one that does nothing. */
import { zip } from '../infra/bundle.ts';
import type { Region } from '../local/region.ts';
import { median } from './median.ts';

export interface ColdStart {
  readonly name: string;
  /** Median over the rounds. */
  readonly initMilliseconds: number;
  /** To the empty handler's of the same run. */
  readonly ratio: number;
}

export interface ColdStarts {
  readonly rounds: number;
  readonly emptyMilliseconds: number;
  readonly functions: readonly ColdStart[];
}

const emptyFunction = 'bench-empty';

/**
 * Starts every function once a round, one after the other, the empty one among them, so that whatever else the
 * machine does falls on all alike. The event is an empty object: most functions refuse it, after they have started.
 */
export async function measureColdStarts(
  region: Region,
  names: readonly string[],
  rounds: number,
  say: (line: string) => void,
): Promise<ColdStarts> {
  await createEmptyFunction(region, `flotilla-${names[0]}`);
  const times = new Map<string, number[]>([emptyFunction, ...names].map((name) => [name, []]));
  for (let round = 1; round <= rounds; round += 1) {
    say(`cold starts, round ${round} of ${rounds}`);
    for (const [name, measured] of times) {
      const FunctionName = name === emptyFunction ? name : `flotilla-${name}`;
      measured.push(await startFresh(region, FunctionName, round));
    }
  }
  const emptyMilliseconds = median(times.get(emptyFunction) ?? []);
  const functions = names.map((name) => {
    const initMilliseconds = median(times.get(name) ?? []);
    return { name, initMilliseconds, ratio: initMilliseconds / emptyMilliseconds };
  });
  return { rounds, emptyMilliseconds, functions };
}

/** With the role of a function that stands already; memory does not matter, as the region gives every one a core. */
async function createEmptyFunction(region: Region, likeFunction: string): Promise<void> {
  const { Role } = (await region.call('lambda', 'GetFunctionConfiguration', {
    FunctionName: likeFunction,
  })) as { Role: string };
  await region.call('lambda', 'CreateFunction', {
    FunctionName: emptyFunction,
    Runtime: 'nodejs24.x',
    Role,
    Handler: `${emptyFunction}.handler`,
    MemorySize: 256,
    Code: {
      ZipFile: zip({ [`${emptyFunction}.mjs`]: Buffer.from('export const handler = async () => null;\n') }),
    },
  });
}

/** An update makes a new revision, and no environment of an older one serves it. */
async function startFresh(region: Region, FunctionName: string, round: number): Promise<number> {
  await region.call('lambda', 'UpdateFunctionConfiguration', {
    FunctionName,
    Description: `Cold start ${round} of npm run bench`,
  });
  const { LogResult = '' } = (await region.call('lambda', 'Invoke', {
    FunctionName,
    Payload: Buffer.from('{}'),
    LogType: 'Tail',
  })) as { LogResult?: string };
  const report = Buffer.from(LogResult, 'base64').toString('utf8');
  const init = /Init Duration: ([\d.]+) ms/.exec(report)?.[1];
  if (init === undefined) throw new Error(`${FunctionName} did not start in a fresh environment:\n${report}`);
  return Number(init);
}
