/** The parts of a CloudFormation template that the region reads. */

export type Json = null | boolean | number | string | readonly Json[] | { readonly [key: string]: Json };
export type JsonObject = { readonly [key: string]: Json };

export interface TemplateResource {
  readonly Type: string;
  readonly Properties?: JsonObject;
  readonly DependsOn?: string | readonly string[];
  readonly Condition?: string;
  readonly Metadata?: JsonObject;
  readonly DeletionPolicy?: string;
  readonly UpdateReplacePolicy?: string;
}

export interface TemplateParameter {
  readonly Type: string;
  readonly Default?: string | number;
  readonly AllowedValues?: readonly (string | number)[];
  readonly AllowedPattern?: string;
  readonly Description?: string;
}

export interface TemplateOutput {
  readonly Value: Json;
  readonly Condition?: string;
  readonly Description?: string;
  readonly Export?: { readonly Name: Json };
}

export interface Template {
  readonly AWSTemplateFormatVersion?: string;
  readonly Description?: string;
  readonly Parameters?: Readonly<Record<string, TemplateParameter>>;
  readonly Conditions?: Readonly<Record<string, Json>>;
  readonly Resources: Readonly<Record<string, TemplateResource>>;
  readonly Outputs?: Readonly<Record<string, TemplateOutput>>;
}

const sections = [
  'AWSTemplateFormatVersion',
  'Description',
  'Metadata',
  'Parameters',
  'Conditions',
  'Resources',
  'Outputs',
];
const resourceKeys = [
  'Type',
  'Properties',
  'DependsOn',
  'Condition',
  'Metadata',
  'DeletionPolicy',
  'UpdateReplacePolicy',
];

/** A template that the region cannot bring up, and why. */
export class TemplateError extends Error {
  override readonly name = 'TemplateError';
}

/**
 * Looks at a parsed template's outline.
 * @throws TemplateError naming the section or attribute that the region does not know (Mappings, Transform, …).
 */
export function checkTemplate(value: unknown): Template {
  if (typeof value !== 'object' || value === null || !('Resources' in value))
    throw new TemplateError('A template has Resources');
  for (const section of Object.keys(value))
    if (!sections.includes(section))
      throw new TemplateError(`The local region does not know the section ${section}`);
  const template = value as Template;
  for (const [id, resource] of Object.entries(template.Resources))
    for (const key of Object.keys(resource))
      if (!resourceKeys.includes(key))
        throw new TemplateError(`${id}: the local region does not know the attribute ${key}`);
  return template;
}

/** The values of the parameters: given, or by default. Lists are given as lists or with commas. */
export type ParameterValues = Readonly<Record<string, string | readonly string[]>>;

/** @throws TemplateError naming a parameter that is unknown, missing, or not allowed. */
export function resolveParameters(template: Template, given: ParameterValues): Map<string, Json> {
  const declared = template.Parameters ?? {};
  for (const name of Object.keys(given))
    if (!Object.hasOwn(declared, name)) throw new TemplateError(`The template has no parameter ${name}`);
  return new Map(
    Object.entries(declared).map(([name, parameter]) => [name, parameterValue(name, parameter, given[name])]),
  );
}

function parameterValue(
  name: string,
  parameter: TemplateParameter,
  given: string | readonly string[] | undefined,
): Json {
  const value = given ?? parameter.Default;
  if (value === undefined) throw new TemplateError(`The parameter ${name} has no value`);
  const isList = parameter.Type.startsWith('List<') || parameter.Type === 'CommaDelimitedList';
  const texts = typeof value === 'object' ? value : isList ? String(value).split(',') : [String(value)];
  if (!isList && typeof value === 'object') throw new TemplateError(`The parameter ${name} takes one value`);
  const pattern = parameter.AllowedPattern && new RegExp(`^(?:${parameter.AllowedPattern})$`);
  for (const text of texts) {
    if (parameter.AllowedValues !== undefined && !parameter.AllowedValues.map(String).includes(text))
      throw new TemplateError(`The parameter ${name} is one of ${parameter.AllowedValues.join(', ')}`);
    if (pattern && !pattern.test(text))
      throw new TemplateError(`The parameter ${name} does not match ${parameter.AllowedPattern}`);
  }
  return isList ? texts.map((text) => text.trim()) : (texts[0] ?? '');
}
