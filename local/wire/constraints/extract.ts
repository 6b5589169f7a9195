/** Makes the constraints of a service from the model that botocore publishes of it. */
import type { ConstrainedShape, Constraints } from './data.ts';

interface Reference {
  readonly shape: string;
  readonly location?: string;
}

interface ModelShape {
  readonly type: string;
  readonly required?: readonly string[];
  readonly members?: Readonly<Record<string, Reference>>;
  readonly member?: Reference;
  readonly key?: Reference;
  readonly value?: Reference;
  readonly min?: number;
  readonly max?: number;
  readonly enum?: readonly string[];
  readonly pattern?: string;
  readonly sensitive?: boolean;
}

/** A `service-2.json` of botocore, as far as it matters here. */
export interface ServiceModel {
  readonly metadata: { readonly protocol: string };
  readonly operations: Readonly<Record<string, { readonly input?: Reference }>>;
  readonly shapes: Readonly<Record<string, ModelShape>>;
}

/** The folder of each service's model below botocore's `data`. */
export const modelFolders: Readonly<Record<string, string>> = {
  autoscaling: 'autoscaling/2011-01-01',
  dynamodb: 'dynamodb/2012-08-10',
  ebs: 'ebs/2019-11-02',
  ec2: 'ec2/2016-11-15',
  elasticloadbalancing: 'elbv2/2015-12-01',
  events: 'events/2015-10-07',
  lambda: 'lambda/2015-03-31',
  logs: 'logs/2014-03-28',
  monitoring: 'cloudwatch/2010-08-01',
  s3: 's3/2006-03-01',
  servicequotas: 'service-quotas/2019-06-24',
  states: 'stepfunctions/2016-11-23',
  sts: 'sts/2011-06-15',
};

/** Longer lists are of things that the region knows by itself (instance types), and refuses by name. */
const longestEnum = 300;

/** The constraints of the inputs of `operations`, and of nothing else. */
export function extractConstraints(model: ServiceModel, operations: readonly string[]): Constraints {
  const inputs: Record<string, string> = {};
  const places: Record<string, Record<string, string>> = {};
  const reached = new Set<string>();
  for (const name of [...operations].sort()) {
    const input = model.operations[name]?.input?.shape;
    if (input === undefined) continue;
    inputs[name] = input;
    reach(model, input, reached);
    const located = Object.entries(model.shapes[input]?.members ?? {}).flatMap(([member, { location }]) =>
      location === undefined ? [] : [[member, location] as const],
    );
    if (located.length > 0) places[name] = Object.fromEntries(located);
  }
  const shapes = pruned(model, reached);
  return {
    operations: Object.fromEntries(Object.entries(inputs).filter(([, shape]) => shape in shapes)),
    shapes,
    ...(model.metadata.protocol === 'rest-xml' ? { places } : {}),
  };
}

function reach(model: ServiceModel, name: string, reached: Set<string>): void {
  if (reached.has(name)) return;
  reached.add(name);
  for (const reference of references(model.shapes[name])) reach(model, reference, reached);
}

function references(shape: ModelShape | undefined): string[] {
  const members = Object.values(shape?.members ?? {});
  return [...members, shape?.member, shape?.key, shape?.value].flatMap((one) =>
    one === undefined ? [] : [one.shape],
  );
}

/** The reached shapes that are constrained or lead to one that is. */
function pruned(model: ServiceModel, reached: ReadonlySet<string>): Record<string, ConstrainedShape> {
  const own = new Map([...reached].map((name) => [name, ownConstraints(model.shapes[name])]));
  const kept = new Set([...own].filter(([, one]) => Object.keys(one).length > 0).map(([name]) => name));
  for (let before = -1; before !== kept.size; ) {
    before = kept.size;
    for (const name of reached)
      if (references(model.shapes[name]).some((other) => kept.has(other))) kept.add(name);
  }
  const shapes: Record<string, ConstrainedShape> = {};
  for (const name of [...kept].sort()) {
    const { members = {}, member, key, value } = model.shapes[name] as ModelShape;
    const inner = Object.entries(members).flatMap(([one, { shape }]) =>
      kept.has(shape) ? [[one, shape] as const] : [],
    );
    shapes[name] = {
      ...own.get(name),
      ...(inner.length > 0 ? { members: Object.fromEntries(inner) } : {}),
      ...(member !== undefined && kept.has(member.shape) ? { item: member.shape } : {}),
      ...(key !== undefined && kept.has(key.shape) ? { key: key.shape } : {}),
      ...(value !== undefined && kept.has(value.shape) ? { value: value.shape } : {}),
    };
  }
  return shapes;
}

function ownConstraints(shape: ModelShape | undefined): ConstrainedShape {
  if (shape === undefined) return {};
  const { type, required = [], min, max, pattern, sensitive } = shape;
  const isBlank = type === 'string' && min === 0 && max === undefined;
  const constraints: ConstrainedShape = {
    ...(required.length > 0 ? { required } : {}),
    ...(min === undefined || isBlank ? {} : { min }),
    ...(max === undefined ? {} : { max }),
    ...(shape.enum !== undefined && shape.enum.length <= longestEnum ? { enum: shape.enum } : {}),
    ...(pattern !== undefined && isCheap(pattern) ? { pattern } : {}),
    ...(type === 'integer' ? { integer: 32 as const } : type === 'long' ? { integer: 64 as const } : {}),
  };
  const told = sensitive === true && Object.keys(constraints).length > 0;
  return told ? { ...constraints, sensitive } : constraints;
}

/**
 * Whether a pattern means here what it means at AWS, and takes time in proportion to the text: no look-around, no
 * reference backwards, no repetition without bound inside another, nothing that JavaScript refuses.
 */
export function isCheap(pattern: string): boolean {
  if (/\(\?[=!<]|\\[1-9kpGQEZAz]|\[[^\]]*\[|&&|[*+?}]\+/.test(pattern.replaceAll(/\\p\{[A-Z]\w*\}/g, '')))
    return false;
  const bare = pattern.replaceAll(/\\./g, 'x').replaceAll(/\[[^\]]*\]/g, 'x');
  if (repeatsInside(bare)) return false;
  return compilePattern(pattern) !== undefined;
}

/** True for `(a+b)*` and its like. */
function repeatsInside(bare: string): boolean {
  const groups: boolean[] = [];
  for (let at = 0; at < bare.length; at += 1) {
    const character = bare[at];
    if (character === '(') groups.push(false);
    const unbounded = /^(?:[*+]|\{\d+,\})/.test(bare.slice(at));
    if (character === ')') {
      const inner = groups.pop() ?? false;
      if (inner && /^(?:[*+]|\{\d+,\d*\})/.test(bare.slice(at + 1))) return true;
      if (inner && groups.length > 0) groups[groups.length - 1] = true;
    } else if (unbounded && groups.length > 0) groups[groups.length - 1] = true;
  }
  return false;
}

/** The pattern over the whole text; `undefined` where JavaScript does not take it. */
export function compilePattern(pattern: string): RegExp | undefined {
  for (const flags of ['u', ''])
    try {
      if (flags === '' && pattern.includes('\\p{')) return undefined;
      return new RegExp(`^(?:${pattern})$`, flags);
    } catch {
      // Java takes escapes that the strict grammar of JavaScript does not: once more without it.
    }
  return undefined;
}
