/** A fleet's spec as a file: YAML, of which JSON is a part. */
import { readFileSync } from 'node:fs';
import { parseDocument } from 'yaml';
import * as z from 'zod';
import { fleetSpec } from '../src/contracts/fleet-spec.ts';
import { fleetName } from '../src/contracts/ids.ts';
import { usageError } from './exit-codes.ts';

export interface SpecFile {
  readonly fleet: string;
  /** As the person wrote it: the API fills in the defaults. */
  readonly spec: Readonly<Record<string, unknown>>;
}

/**
 * Reads the file and checks it here already, so that a misspelt field is told with the file's name.
 * @param named from the command line; else `fleet:` in the file says it
 * @throws CommandError usage
 */
export function readSpecFile(path: string, named: string | undefined): SpecFile {
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (error) {
    throw usageError(`${path} cannot be read: ${(error as Error).message}.`);
  }
  const document = parseDocument(text, { uniqueKeys: true });
  const [mistake] = document.errors;
  if (mistake !== undefined) throw usageError(`${path}: ${mistake.message}`);
  const content = z.record(z.string(), z.unknown()).safeParse(document.toJS({ maxAliasCount: 100 }));
  if (!content.success) throw usageError(`${path}: a mapping of fields was expected.`);
  // `$schema` is for the person's editor.
  const { fleet: inFile, $schema: _schema, ...spec } = content.data;
  if (named !== undefined && inFile !== undefined && named !== inFile) {
    throw usageError(`${path} is for the fleet ${String(inFile)}, --fleet says ${named}.`);
  }
  const fleet = fleetName.safeParse(named ?? inFile);
  if (!fleet.success) {
    const words = (named ?? inFile) === undefined ? 'no name' : fleet.error.issues[0]?.message;
    throw usageError(
      `${path}: the fleet's name: ${words}.`,
      'Write fleet: NAME into the file, or give --fleet NAME.',
    );
  }
  const checked = fleetSpec.safeParse(spec);
  if (!checked.success) throw usageError(`${path}:\n${z.prettifyError(checked.error)}`);
  return { fleet: fleet.data, spec };
}
