/** The constraints of the region's operations, from the models of an installed botocore. */
import { existsSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { createRegion } from '../local/region.ts';
import type { Constraints } from '../local/wire/constraints/data.ts';
import { extractConstraints, modelFolders, type ServiceModel } from '../local/wire/constraints/extract.ts';

/** By service. `dataFolder` is botocore's `data`. */
export async function constraintsFrom(dataFolder: string): Promise<ReadonlyMap<string, Constraints>> {
  const region = await createRegion({ seed: 1 });
  try {
    return new Map(
      [...region.services.values()].map(({ id, operations }) => {
        const names = Object.keys(operations).filter((name) => id !== 'dynamodb' || !checkedByDynalite(name));
        return [id, extractConstraints(modelOf(dataFolder, id), names)];
      }),
    );
  } finally {
    await region.close();
  }
}

function modelOf(dataFolder: string, id: string): ServiceModel {
  const folder = modelFolders[id];
  if (folder === undefined) throw new Error(`It is not said which of botocore's models describes ${id}.`);
  return JSON.parse(gunzipSync(readFileSync(join(dataFolder, folder, 'service-2.json.gz'))).toString('utf8'));
}

/** dynalite has DynamoDB's own checks, in DynamoDB's own order and words, for what it knows. */
function checkedByDynalite(operation: string): boolean {
  const file = operation.charAt(0).toLowerCase() + operation.slice(1);
  const folder = createRequire(import.meta.url).resolve('dynalite/package.json');
  return existsSync(join(folder, '..', 'validations', `${file}.js`));
}
