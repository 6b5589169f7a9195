/** What a person gives a long command: read whole before anything begins, and refused in one line. */
import { type ParseArgsConfig, parseArgs } from 'node:util';

/** As `parseArgs`; a flag that there is not ends the process with 2. */
export function readFlags<Config extends ParseArgsConfig>(
  config: Config,
): ReturnType<typeof parseArgs<Config>> {
  try {
    return parseArgs(config);
  } catch (error) {
    return refuse((error as Error).message);
  }
}

/**
 * The whole number that was given with a flag; anything else ends the process with 2.
 * @param least the smallest that makes sense
 */
export function wholeNumber(flag: string, text: string, least = 1): number {
  const value = Number(text);
  if (text.trim() !== '' && Number.isSafeInteger(value) && value >= least) return value;
  return refuse(`--${flag} ${text}: this has to be a whole number from ${least} on.`);
}

/** Says why, and ends the process with 2. */
export function refuse(words: string): never {
  console.error(words);
  process.exit(2);
}
