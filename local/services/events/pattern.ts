import { BlockList, isIP } from 'node:net';
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
  return (event) => compiled(event, [event]);
}

function invalid(reason: string): AwsError {
  return new AwsError('InvalidEventPatternException', `Event pattern is not valid. Reason: ${reason}`);
}

/** A field's values: none when it is absent, several when it is a list. */
type Values = readonly unknown[];
/** Tests one object of a list, with the objects of all lists that the pattern's path may go through. */
type ObjectTest = (one: unknown, all: Values) => boolean;
/** Tests a field of that object, with the field of all of them: what is not to exist is to exist in none. */
type FieldTest = (values: Values, everywhere: Values) => boolean;

/**
 * Fields that stand in one object of the pattern are met by one object of a list, as AWS's own matcher has it:
 * https://github.com/aws/event-ruler#json-array-matching
 */
function compileFields(pattern: Fields): ObjectTest {
  const tests = Object.entries(pattern).map(([name, wanted]): ObjectTest => {
    if (name === '$or') {
      if (!Array.isArray(wanted) || wanted.length < 2)
        throw invalid('$or takes a list of at least two patterns');
      const choices = wanted.map((one) => {
        if (!isFields(one)) throw invalid('$or takes patterns');
        return compileFields(one);
      });
      return (one, all) => choices.some((choice) => choice(one, all));
    }
    const fieldsOf = (all: Values): Values => all.flatMap((value) => fieldOf(value, name));
    if (isFields(wanted)) {
      const test = compileFields(wanted);
      return (one, all) => {
        const within = fieldOf(one, name);
        const everywhere = fieldsOf(all);
        // What is not to exist may lack all that is above it, too.
        return (within.length === 0 ? [undefined] : within).some((value) => test(value, everywhere));
      };
    }
    const test = compileLeaf(name, wanted);
    return (one, all) => test(fieldOf(one, name).filter(isLeaf), fieldsOf(all).filter(isLeaf));
  });
  return (one, all) => tests.every((test) => test(one, all));
}

function fieldOf(value: unknown, name: string): Values {
  if (!isFields(value) || !Object.hasOwn(value, name)) return [];
  const found = value[name];
  return Array.isArray(found) ? found.flat(Number.POSITIVE_INFINITY) : [found];
}

function compileLeaf(name: string, wanted: unknown): FieldTest {
  if (!Array.isArray(wanted) || wanted.length === 0)
    throw invalid(`"${name}" must be an object or a non-empty array`);
  const tests = wanted.map((one): FieldTest => {
    if (isFields(one)) return compileOperator(one);
    return (values) => values.includes(one);
  });
  return (values, everywhere) => tests.some((test) => test(values, everywhere));
}

function compileOperator(operator: Fields): FieldTest {
  const [entry, ...others] = Object.entries(operator);
  if (entry === undefined || others.length > 0) throw invalid('An operator is an object with one member');
  const [name, operand] = entry;
  if (name === 'exists') {
    if (typeof operand !== 'boolean') throw invalid('exists takes true or false');
    return operand ? (values) => values.length > 0 : (_, everywhere) => everywhere.length === 0;
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
    case 'wildcard': {
      const expression = wildcard(operand);
      return (value) => typeof value === 'string' && expression.test(value);
    }
    case 'cidr':
      return cidr(operand);
    case 'numeric':
      return numeric(operand);
    default:
      throw invalid(`Unrecognized match type ${name}`);
  }
}

/** A backslash takes a star, or a backslash, for itself. */
function wildcard(glob: unknown): RegExp {
  if (typeof glob !== 'string') throw invalid('wildcard match pattern must be a string');
  const parts = [...glob.matchAll(/\\(.?)|\*|[^\\*]+/gs)].map(([part, escaped]) => {
    if (escaped === undefined) return part === '*' ? '.*' : literally(part);
    if (escaped !== '*' && escaped !== '\\') throw invalid('Invalid escape character in a wildcard');
    return literally(escaped);
  });
  if (parts.some((part, at) => part === '.*' && parts[at + 1] === '.*'))
    throw invalid('Consecutive wildcard characters');
  return new RegExp(`^${parts.join('')}$`, 's');
}

function literally(text: string): string {
  return text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');
}

/** Addresses of a block, of version 4 or 6. */
function cidr(operand: unknown): Predicate {
  const [address = '', bits, ...others] = typeof operand === 'string' ? operand.split('/') : [];
  const version = isIP(address);
  if (version === 0 || !/^\d{1,3}$/.test(bits ?? '') || others.length > 0)
    throw invalid('cidr takes an address, a slash and a number of bits');
  if (Number(bits) > (version === 4 ? 32 : 128)) throw invalid('Malformed CIDR, mask bits out of range');
  const block = new BlockList();
  block.addSubnet(address, Number(bits), version === 4 ? 'ipv4' : 'ipv6');
  return (value) =>
    typeof value === 'string' &&
    isIP(value) === version &&
    block.check(value, version === 4 ? 'ipv4' : 'ipv6');
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

/** `exists` looks at leaves alone: an object is none. */
function isLeaf(value: unknown): boolean {
  return !isFields(value);
}
