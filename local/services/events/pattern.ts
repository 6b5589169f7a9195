import { AwsError } from '../../service.ts';

/**
 * Event patterns.
 * https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-create-pattern-operators.html
 */
export type Predicate = (event: unknown) => boolean;

type Fields = { [name: string]: unknown };

/** Compiles a pattern, given as JSON. @throws AwsError InvalidEventPatternException */
export function compilePattern(text: string): Predicate {
  let pattern: unknown;
  try {
    pattern = JSON.parse(text);
  } catch (error) {
    throw invalid(`Event pattern is not valid JSON: ${(error as Error).message}`);
  }
  if (!isFields(pattern) || Object.keys(pattern).length === 0) throw invalid('Filter is not an object');
  const compiled = compileFields(pattern);
  return (event) => compiled([event]);
}

function invalid(reason: string): AwsError {
  return new AwsError('InvalidEventPatternException', `Event pattern is not valid. Reason: ${reason}`);
}

/** A field's values: none when it is absent, several when it, or something above it, is a list. */
type Values = readonly unknown[];
type FieldTest = (values: Values) => boolean;

function compileFields(pattern: Fields): FieldTest {
  const tests = Object.entries(pattern).map(([name, wanted]): FieldTest => {
    if (name === '$or') {
      if (!Array.isArray(wanted) || wanted.length < 2)
        throw invalid('$or takes a list of at least two patterns');
      const choices = wanted.map((one) => {
        if (!isFields(one)) throw invalid('$or takes patterns');
        return compileFields(one);
      });
      return (values) => choices.some((choice) => choice(values));
    }
    const test = isFields(wanted) ? compileFields(wanted) : compileLeaf(name, wanted);
    return (values) => test(values.flatMap((value) => fieldOf(value, name)));
  });
  return (values) => tests.every((test) => test(values));
}

function fieldOf(value: unknown, name: string): unknown[] {
  if (Array.isArray(value)) return value.flatMap((item) => fieldOf(item, name));
  if (!isFields(value) || !Object.hasOwn(value, name)) return [];
  const found = value[name];
  return Array.isArray(found) ? found : [found];
}

function compileLeaf(name: string, wanted: unknown): FieldTest {
  if (!Array.isArray(wanted) || wanted.length === 0)
    throw invalid(`"${name}" must be an object or a non-empty array`);
  const tests = wanted.map((one): FieldTest => {
    if (isFields(one)) return compileOperator(one);
    return (values) => values.some((value) => value === one);
  });
  return (values) => tests.some((test) => test(values));
}

function compileOperator(operator: Fields): FieldTest {
  const [entry, ...others] = Object.entries(operator);
  if (entry === undefined || others.length > 0) throw invalid('An operator is an object with one member');
  const [name, operand] = entry;
  if (name === 'exists') {
    if (typeof operand !== 'boolean') throw invalid('exists takes true or false');
    return (values) => values.length > 0 === operand;
  }
  if (name === 'anything-but') {
    const refused = compileAnythingBut(operand);
    return (values) => values.length > 0 && !values.some(refused);
  }
  const test = compileTest(name, operand);
  return (values) => values.some(test);
}

function compileAnythingBut(operand: unknown): Predicate {
  if (isFields(operand)) {
    const [entry] = Object.entries(operand);
    const [name, value] = entry ?? ['', undefined];
    const tests = (Array.isArray(value) ? value : [value]).map((one) => compileTest(name, one));
    return (event) => tests.some((test) => test(event));
  }
  const list = Array.isArray(operand) ? operand : [operand];
  return (value) => list.includes(value);
}

function compileTest(name: string, operand: unknown): Predicate {
  const text = (test: (value: string, operand: string) => boolean): Predicate => {
    const ignoring = isFields(operand) ? operand['equals-ignore-case'] : undefined;
    if (typeof ignoring === 'string') {
      return (value) => typeof value === 'string' && test(value.toLowerCase(), ignoring.toLowerCase());
    }
    if (typeof operand !== 'string') throw invalid(`${name} match pattern must be a string`);
    return (value) => typeof value === 'string' && test(value, operand);
  };
  switch (name) {
    case 'prefix':
      return text((value, start) => value.startsWith(start));
    case 'suffix':
      return text((value, end) => value.endsWith(end));
    case 'equals-ignore-case':
      return text((value, other) => value.toLowerCase() === other.toLowerCase());
    case 'wildcard':
      return text((value, glob) => wildcard(glob).test(value));
    case 'numeric':
      return numeric(operand);
    default:
      throw invalid(`Unrecognized match type ${name}`);
  }
}

function wildcard(glob: string): RegExp {
  const parts = glob.split('*').map((part) => part.replace(/[.+?^${}()|[\]\\]/g, '\\$&'));
  return new RegExp(`^${parts.join('.*')}$`, 's');
}

const comparisons: Record<string, (value: number, bound: number) => boolean> = {
  '=': (value, bound) => value === bound,
  '<': (value, bound) => value < bound,
  '<=': (value, bound) => value <= bound,
  '>': (value, bound) => value > bound,
  '>=': (value, bound) => value >= bound,
};

function numeric(operand: unknown): Predicate {
  if (!Array.isArray(operand) || operand.length === 0 || operand.length % 2 !== 0) {
    throw invalid('numeric takes pairs of comparison and number');
  }
  const tests: ((value: number) => boolean)[] = [];
  for (let at = 0; at < operand.length; at += 2) {
    const compare = comparisons[String(operand[at])];
    const bound: unknown = operand[at + 1];
    if (compare === undefined || typeof bound !== 'number')
      throw invalid('numeric takes pairs of comparison and number');
    tests.push((value) => compare(value, bound));
  }
  return (value) => typeof value === 'number' && tests.every((test) => test(value));
}

function isFields(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
