/** Lets esbuild leave out those of the SDK's schemas that a function never uses. */
import { readFile } from 'node:fs/promises';
import type { Plugin } from 'esbuild';

/**
 * The SDK keeps the schemas of all of a service's operations in one file, with keys that are named by constants:
 * `{ [_eQN]: _IId }`. Computing a key may have an effect, so esbuild keeps every object that has one, used or not:
 * of EC2's that is half a megabyte in each bundle that describes one image. With the constants' texts as keys the
 * same objects are plain, and what is not used goes.
 */
export const shakeSchemas: Plugin = {
  name: 'shake-schemas',
  setup(build) {
    build.onLoad({ filter: /[\\/]dist-es[\\/]schemas[\\/]schemas_\d+\.js$/ }, async ({ path }) => ({
      contents: plainKeys(await readFile(path, 'utf8')),
      loader: 'js',
    }));
  },
};

/** Writes the text of each constant where it names a key; everything else stays. */
export function plainKeys(source: string): string {
  const texts = new Map<string, string>();
  for (const [, name = '', text = ''] of source.matchAll(/^const (\w+) = ("[^"\\\n]*");$/gm))
    texts.set(name, text);
  return source.replaceAll(/\[(\w+)\]:/g, (key, name: string) => {
    const text = texts.get(name);
    return text === undefined ? key : `${text}:`;
  });
}
