import { createHash } from 'node:crypto';
import jsonata from 'jsonata';
import type { Clock } from '../../clock.ts';
import { Random } from '../../random.ts';
import type { SyntaxNode } from './check-expression.ts';
import type { Json } from './json.ts';
import { StateError } from './state-error.ts';

/** What an expression sees. */
export interface Bindings {
  /** `$states`. */
  readonly states: {
    readonly input: Json;
    readonly context: Json;
    readonly result?: Json;
    readonly errorOutput?: Json;
  };
  /** The machine's variables. */
  readonly variables: Readonly<Record<string, Json>>;
}

const fenced = /^\{%([\s\S]*)%\}$/;

/** True for a string that is an expression. */
export function isExpression(text: string): boolean {
  return fenced.test(text);
}

/**
 * JSONata as Step Functions has it.
 * https://docs.aws.amazon.com/step-functions/latest/dg/transforming-data.html
 */
export class Query {
  readonly #compiled = new Map<string, jsonata.Expression>();
  readonly #functions: Record<string, unknown>;

  constructor(clock: Clock, random: Random) {
    this.#functions = functionsOf(clock, random);
  }

  /** Parses an expression. @returns the parser's complaint, or undefined. */
  complaint(text: string): string | undefined {
    try {
      this.#compile(text);
      return undefined;
    } catch (error) {
      const { code, message, position } = error as jsonata.JsonataError;
      return `${code}: ${message} (at position ${position})`;
    }
  }

  /** The syntax tree of an expression that parses. */
  tree(text: string): SyntaxNode {
    return this.#compile(text).ast() as unknown as SyntaxNode;
  }

  /**
   * A template with its expressions evaluated.
   * @param field where it stands in the state, for the message.
   * @throws StateError States.QueryEvaluationError
   */
  async evaluate(template: Json, field: string, bindings: Bindings): Promise<Json> {
    if (typeof template === 'string') {
      return isExpression(template) ? this.#expression(template, field, bindings) : template;
    }
    if (Array.isArray(template)) {
      const list: Json[] = [];
      for (const [index, item] of template.entries()) {
        list.push(await this.evaluate(item, `${field}[${index}]`, bindings));
      }
      return list;
    }
    if (typeof template !== 'object' || template === null) return template;
    const object: { [key: string]: Json } = {};
    for (const [key, value] of Object.entries(template)) {
      object[key] = await this.evaluate(value, `${field}/${key}`, bindings);
    }
    return object;
  }

  async #expression(text: string, field: string, bindings: Bindings): Promise<Json> {
    const about = aboutExpression(text, field);
    let result: unknown;
    try {
      result = await this.#compile(text).evaluate(undefined, {
        ...this.#functions,
        ...bindings.variables,
        states: bindings.states,
      });
    } catch (error) {
      const { code, message } = error as jsonata.JsonataError;
      const told = code === undefined ? message : `${code}: ${message}`;
      throw new StateError(
        'States.QueryEvaluationError',
        `${about} threw an error during evaluation. ${told}`,
      );
    }
    if (result === undefined) {
      throw new StateError('States.QueryEvaluationError', `${about} returned nothing (undefined).`);
    }
    const json = typeof result === 'function' || isLambda(result) ? undefined : JSON.stringify(result);
    if (json === undefined) {
      throw new StateError('States.QueryEvaluationError', `${about} returned an unsupported result type.`);
    }
    // A copy: nothing that an expression returned may alias what another state reads.
    return JSON.parse(json) as Json;
  }

  #compile(text: string): jsonata.Expression {
    let compiled = this.#compiled.get(text);
    if (compiled === undefined) {
      compiled = jsonata(fenced.exec(text)?.[1] ?? text);
      this.#compiled.set(text, compiled);
    }
    return compiled;
  }
}

function aboutExpression(text: string, field: string): string {
  return `The JSONata expression '${text.slice(2, -2).trim()}' specified for the field '${field}'`;
}

/** What is wrong with the type of a field's value, in AWS's words; undefined if it is the right one. */
export function unexpected(template: Json, field: string, value: Json, type: string): string | undefined {
  let is: string = typeof value;
  if (value === null) is = 'null';
  else if (Array.isArray(value)) is = 'array';
  if (is === type) return undefined;
  const about =
    typeof template === 'string' && isExpression(template)
      ? aboutExpression(template, field)
      : `The value specified for the field '${field}'`;
  return `${about} returned an unexpected result type. Expected '${type}', but was '${is}' for value: ${JSON.stringify(value)}`;
}

function isLambda(value: unknown): boolean {
  return (
    typeof value === 'object' &&
    value !== null &&
    ('_jsonata_lambda' in value || '_jsonata_function' in value)
  );
}

/** Numbers in one $range; AWS names no figure, only that an evaluation's memory is bounded. */
const rangeLimit = 100_000;

const hashes: Record<string, string> = {
  MD5: 'md5',
  'SHA-1': 'sha1',
  'SHA-256': 'sha256',
  'SHA-384': 'sha384',
  'SHA-512': 'sha512',
};

/**
 * Step Functions' own functions, and those of JSONata that tell the time.
 * https://docs.aws.amazon.com/step-functions/latest/dg/transforming-data.html#jsonata-functions-provided-by-step-functions
 */
function functionsOf(clock: Clock, random: Random): Record<string, unknown> {
  const fromMillis = jsonata('$fromMillis($m, $p, $z)');
  const refuse = (message: string): never => {
    throw new Error(message);
  };
  /** Integers alone: the rest of a number is cut off. */
  const whole = (value: unknown): number | undefined => {
    if (value !== undefined && typeof value !== 'number') refuse('The argument must be a number.');
    return value === undefined ? undefined : Math.trunc(value as number);
  };
  return {
    now: (picture?: string, timezone?: string) =>
      picture === undefined
        ? new Date(clock.now()).toISOString()
        : fromMillis.evaluate(undefined, { m: clock.now(), p: picture, z: timezone }),
    millis: () => clock.now(),
    // Shadows JSONata's own: calling it is calling no function.
    eval: undefined,
    partition: (array: unknown, chunkSize: unknown) => {
      const list = array === undefined || Array.isArray(array) ? array : [array];
      const size = whole(chunkSize);
      if (list === undefined || list.length === 0 || size === undefined || size <= 0) return undefined;
      const parts: unknown[][] = [];
      for (let at = 0; at < list.length; at += size) parts.push(list.slice(at, at + size));
      return parts;
    },
    range: (start: unknown, end: unknown, step: unknown) => {
      const [from, to, by] = [whole(start), whole(end), whole(step)];
      if (from === undefined || to === undefined || by === undefined || by === 0) return undefined;
      if (Math.abs((to - from) / by) >= rangeLimit) refuse('Expression evaluation memory limit exceeded');
      const list: number[] = [];
      for (let at = from; by > 0 ? at <= to : at >= to; at += by) list.push(at);
      // A sequence of one is its item, as everywhere in JSONata.
      return list.length > 1 ? list : list[0];
    },
    hash: (data: unknown, algorithm: unknown) => {
      if (data === undefined || algorithm === undefined) return undefined;
      const name = hashes[String(algorithm)];
      if (name === undefined || typeof data !== 'string')
        refuse('$hash takes a string, and MD5, SHA-1, SHA-256, SHA-384 or SHA-512.');
      return createHash(name as string)
        .update(data as string)
        .digest('hex');
    },
    random: (seed?: unknown) => (typeof seed === 'number' ? new Random(seed).next() : random.next()),
    uuid: () => random.uuid(),
    parse: (text: unknown) => (text === undefined ? undefined : JSON.parse(String(text))),
  };
}
