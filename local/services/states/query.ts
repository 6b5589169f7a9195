import { createHash } from 'node:crypto';
import jsonata from 'jsonata';
import type { Clock } from '../../clock.ts';
import { Random } from '../../random.ts';
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
    const shown = text.slice(2, -2).trim();
    const about = `The JSONata expression '${shown}' specified for the field '${field}'`;
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

function isLambda(value: unknown): boolean {
  return (
    typeof value === 'object' &&
    value !== null &&
    ('_jsonata_lambda' in value || '_jsonata_function' in value)
  );
}

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
  return {
    now: (picture?: string, timezone?: string) =>
      picture === undefined
        ? new Date(clock.now()).toISOString()
        : fromMillis.evaluate(undefined, { m: clock.now(), p: picture, z: timezone }),
    millis: () => clock.now(),
    eval: () => refuse('$eval is not supported: use $parse to read JSON.'),
    partition: (array: unknown, size: unknown) => {
      if (array === undefined) return undefined;
      if (!Number.isInteger(size) || (size as number) <= 0)
        refuse('The second argument of $partition must be a positive integer.');
      const list = Array.isArray(array) ? array : [array];
      const parts: unknown[][] = [];
      for (let at = 0; at < list.length; at += size as number)
        parts.push(list.slice(at, at + (size as number)));
      return parts;
    },
    range: (start: unknown, end: unknown, step: unknown) => {
      const numbers = [start, end, step].map((value) =>
        typeof value === 'number' ? Math.trunc(value) : Number.NaN,
      );
      const [from = 0, to = 0, by = 0] = numbers;
      if (numbers.some(Number.isNaN) || by === 0)
        refuse('$range takes three numbers, and the step is not zero.');
      const list: number[] = [];
      for (let at = from; by > 0 ? at <= to : at >= to; at += by) {
        if (list.length >= 1000) refuse('$range makes at most 1000 numbers.');
        list.push(at);
      }
      return list;
    },
    hash: (data: unknown, algorithm: unknown = 'SHA-1') => {
      if (data === undefined) return undefined;
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
