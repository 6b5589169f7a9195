/** In which order resources are made: what is referred to stands first. */
import { references } from './intrinsics.ts';
import { type Template, TemplateError, type TemplateResource } from './template.ts';

function dependencies(template: Template, resource: TemplateResource): string[] {
  const named = [resource.DependsOn ?? []].flat();
  for (const name of named)
    if (!Object.hasOwn(template.Resources, name))
      throw new TemplateError(`DependsOn names ${name}, which is no resource`);
  const referred = [...references(resource.Properties ?? {})];
  return [...new Set([...named, ...referred])]
    .filter((name) => Object.hasOwn(template.Resources, name))
    .sort();
}

/**
 * Logical ids, each after those on which it depends, otherwise in the order of the template.
 * @throws TemplateError naming the circle, where things wait for each other.
 */
export function creationOrder(template: Template): string[] {
  const order: string[] = [];
  const done = new Set<string>();
  const visit = (id: string, path: readonly string[]): void => {
    if (done.has(id)) return;
    if (path.includes(id))
      throw new TemplateError(
        `Circular dependency between resources: ${[...path.slice(path.indexOf(id)), id].join(' → ')}`,
      );
    const resource = template.Resources[id];
    if (resource === undefined) return;
    for (const other of dependencies(template, resource)) visit(other, [...path, id]);
    done.add(id);
    order.push(id);
  };
  for (const id of Object.keys(template.Resources)) visit(id, []);
  return order;
}
