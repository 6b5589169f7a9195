/** A stack that stands in a region, as the next region on the same folder finds it. */
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import type { Made } from './resource.ts';
import { type Json, type Template, TemplateError, type TemplateResource } from './template.ts';
import { resourceTypes } from './types.ts';

export interface StandingResource extends Made {
  readonly type: string;
  /** Of all that it was made of. */
  readonly digest: string;
  /** Stays when it leaves the template. */
  readonly retained: boolean;
}

export interface StandingStack {
  readonly stackId: string;
  /** By logical id. */
  readonly resources: Map<string, StandingResource>;
}

/**
 * Whether a resource stays when it leaves the template. What tells the two policies apart is the rollback of what made the
 * resource, and nothing is rolled back here.
 * https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-attribute-deletionpolicy.html
 */
export function isRetained({ DeletionPolicy: policy }: TemplateResource): boolean {
  return policy === 'Retain' || policy === 'RetainExceptOnCreate';
}

/** Of a resource's properties, of the parameters and, for a function, of its zip, whose name alone says nothing. */
export function digestOf(
  resource: TemplateResource,
  parameters: ReadonlyMap<string, Json>,
  artifactsDir: string,
): string {
  const { Code: code, ...rest } = resource.Properties ?? {};
  const hash = createHash('sha256').update(JSON.stringify([resource.Type, rest, [...parameters]]));
  const key = (code as { readonly S3Key?: string } | undefined)?.S3Key;
  if (key !== undefined) hash.update(readFileSync(join(artifactsDir, basename(key))));
  return hash.digest('base64');
}

/**
 * Looks whether a standing stack can become what the template says.
 * @param digests of the template's resources
 * @throws TemplateError naming all that cannot be changed or removed in place, before anything is touched
 */
export function checkUpdate(
  standing: StandingStack,
  template: Template,
  digests: ReadonlyMap<string, string>,
): void {
  const cannot: string[] = [];
  for (const [id, { type, digest, retained }] of standing.resources) {
    const wanted = template.Resources[id];
    const maker = resourceTypes[type];
    if (wanted === undefined) {
      if (!retained && maker?.remove === undefined)
        cannot.push(`${id}: the local region cannot remove ${type}`);
    } else if (wanted.Type !== type) cannot.push(`${id}: ${type} cannot become ${wanted.Type}`);
    else if (digests.get(id) !== digest && maker?.update === undefined)
      cannot.push(`${id}: the local region cannot change ${type} in place`);
  }
  if (cannot.length > 0)
    throw new TemplateError(`${cannot.join('\n')}\nStart the region on another folder, or on none.`);
}
