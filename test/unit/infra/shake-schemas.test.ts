import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { build, type Plugin } from 'esbuild';
import { describe, expect, it } from 'vitest';
import { plainKeys, shakeSchemas } from '../../../infra/shake-schemas.ts';

const { resolve } = createRequire(import.meta.url);
const schemasOf = (client: string): string =>
  join(dirname(resolve(`@aws-sdk/${client}/package.json`)), 'dist-es', 'schemas', 'schemas_0.js');

async function bundle(contents: string, plugins: Plugin[]) {
  const { outputFiles, metafile } = await build({
    stdin: { contents, resolveDir: import.meta.dirname },
    bundle: true,
    write: false,
    outfile: 'out.mjs',
    metafile: true,
    format: 'esm',
    platform: 'node',
    mainFields: ['module', 'main'],
    plugins,
  });
  return { code: outputFiles[0]?.text ?? '', output: Object.values(metafile.outputs)[0] };
}

/** Everything that a client's schemas are, as text: schemas that name others do so in functions. */
async function schemasAsText(client: string, plugins: Plugin[]): Promise<string> {
  const { code } = await bundle(`export * from ${JSON.stringify(schemasOf(client))};`, plugins);
  const url = `data:text/javascript;base64,${Buffer.from(code).toString('base64')}`;
  const module = (await import(/* @vite-ignore */ url)) as Record<string, unknown>;
  return JSON.stringify(Object.entries(module), (_key, value: unknown) =>
    typeof value === 'function' ? String(value) : value,
  );
}

describe('the schemas of the SDK in a bundle', () => {
  it('have the texts of the constants as keys, and nothing else is touched', () => {
    const source = 'const _eQN = "ec2QueryName";\nconst a = [3, { [_eQN]: _x, [other]: 1 }, [_eQN]];\n';
    expect(plainKeys(source)).toBe(
      'const _eQN = "ec2QueryName";\nconst a = [3, { "ec2QueryName": _x, [other]: 1 }, [_eQN]];\n',
    );
  });

  it.each(['client-ec2', 'client-s3', 'client-elastic-load-balancing-v2'])(
    'of %s stay what they are',
    async (client) => {
      const changed = await schemasAsText(client, [shakeSchemas]);
      expect(changed.length).toBeGreaterThan(10_000);
      expect(changed).toBe(await schemasAsText(client, []));
    },
  );

  it('are left out where nothing uses them', async () => {
    const use = 'export { DescribeImagesCommand } from "@aws-sdk/client-ec2";';
    const { output } = await bundle(use, [shakeSchemas]);
    const [, kept] =
      Object.entries(output?.inputs ?? {}).find(([file]) => file.includes('client-ec2/dist-es/schemas/')) ??
      [];
    // Half a megabyte without.
    expect(kept?.bytesInOutput).toBeGreaterThan(0);
    expect(kept?.bytesInOutput).toBeLessThan(60_000);
  });
});
