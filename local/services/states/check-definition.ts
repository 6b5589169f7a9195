import { type Available, unsupportedIn } from './check-expression.ts';
import type { Definition, State, States, StateType } from './definition.ts';
import type { Json } from './json.ts';
import { isExpression, type Query } from './query.ts';
import { wellShaped } from './well-shaped.ts';

/** What is wrong with a definition. */
export interface Complaint {
  readonly code: string;
  readonly message: string;
  /** A JSON pointer. */
  readonly location: string;
}

const common = ['Type', 'Comment', 'QueryLanguage'];
const going = ['Next', 'End', 'Output', 'Assign'];
const members: Record<StateType, readonly string[]> = {
  Task: [...going, 'Resource', 'Arguments', 'TimeoutSeconds', 'HeartbeatSeconds', 'Retry', 'Catch'],
  Pass: going,
  Choice: ['Choices', 'Default', 'Output', 'Assign'],
  Wait: [...going, 'Seconds', 'Timestamp'],
  Succeed: ['Output'],
  Fail: ['Error', 'Cause'],
  Parallel: [...going, 'Branches', 'Arguments', 'Retry', 'Catch'],
  Map: [...going, 'Items', 'ItemSelector', 'ItemProcessor', 'MaxConcurrency', 'Retry', 'Catch'],
};

/** The service integrations that the region has. */
export const integrations = [
  'arn:aws:states:::lambda:invoke',
  'arn:aws:states:::lambda:invoke.waitForTaskToken',
  'arn:aws:states:::states:startExecution',
  'arn:aws:states:::states:startExecution.waitForTaskToken',
  'arn:aws:states:::states:startExecution.sync',
  'arn:aws:states:::states:startExecution.sync:2',
] as const;

/** A function's plain ARN as a resource. */
export const functionResource = /^arn:aws:lambda:[a-z0-9-]+:\d{12}:function:[a-zA-Z0-9-_]{1,64}$/;

/**
 * Reads a definition and says what is wrong with it, or what the region lacks of it. The shape itself is left
 * to asl-validator.
 * @param sharedDir where other regions may have noted that they found the same text whole
 */
export async function checkDefinition(
  text: string,
  query: Query,
  sharedDir?: string,
): Promise<{ definition: Definition | undefined; complaints: readonly Complaint[] }> {
  let definition: Definition;
  try {
    definition = JSON.parse(text) as Definition;
  } catch (error) {
    return {
      definition: undefined,
      complaints: [{ code: 'INVALID_JSON_DESCRIPTION', message: (error as Error).message, location: '' }],
    };
  }
  const shape = wellShaped.has(text, sharedDir) ? [] : await shapeComplaints(definition);
  if (shape.length > 0) return { definition: undefined, complaints: shape };
  wellShaped.add(text, sharedDir);
  const complaints: Complaint[] = [];
  new Checker(query, complaints).group(definition, '', definition.QueryLanguage ?? 'JSONPath', new Set());
  return { definition, complaints };
}

async function shapeComplaints(definition: Definition): Promise<Complaint[]> {
  // Loaded when it is first needed, which is seldom: see well-shaped.ts.
  const { default: validate } = await import('asl-validator');
  const { isValid, errors } = validate(definition);
  if (isValid) return [];
  return errors.map((error) => ({
    code: error['Error code'],
    message: error.Message,
    location: error.schemaError?.instancePath ?? '',
  }));
}

/** Results exist where a state is left, errors where they are caught. */
function availableAt(location: string): Available {
  const [, caught, left] =
    /\/States\/[^/]+(?:(\/Catch\/\d+\/(?:Output|Assign))|(\/(?:Output|Assign)))(?:\/|$)/.exec(location) ?? [];
  return { result: left !== undefined, errorOutput: caught !== undefined };
}

class Checker {
  readonly #query: Query;
  readonly #complaints: Complaint[];

  constructor(query: Query, complaints: Complaint[]) {
    this.#query = query;
    this.#complaints = complaints;
  }

  group(states: States, location: string, language: string, outer: ReadonlySet<string>): void {
    const assigned = new Set<string>();
    for (const state of Object.values(states.States)) {
      for (const one of [state, ...(state.Catch ?? []), ...(state.Choices ?? [])]) {
        for (const name of Object.keys(one.Assign ?? {})) assigned.add(name);
      }
    }
    // https://docs.aws.amazon.com/step-functions/latest/dg/workflow-variables.html
    for (const name of assigned) {
      if (outer.has(name)) {
        this.#say(
          'SCHEMA_VALIDATION_FAILED',
          `The variable '${name}' is assigned in an outer scope too.`,
          location,
        );
      }
      if (name === 'states' || !/^[\p{ID_Start}_][\p{ID_Continue}_]{0,79}$/u.test(name)) {
        this.#say('SCHEMA_VALIDATION_FAILED', `'${name}' cannot be the name of a variable.`, location);
      }
    }
    const seen = new Set([...outer, ...assigned]);
    for (const [name, state] of Object.entries(states.States)) {
      this.#state(name, state, `${location}/States/${name}`, state.QueryLanguage ?? language, language, seen);
    }
  }

  #state(
    name: string,
    state: State,
    location: string,
    own: string,
    language: string,
    seen: ReadonlySet<string>,
  ): void {
    if (name.length > 80)
      this.#say('SCHEMA_VALIDATION_FAILED', 'State names have at most 80 characters.', location);
    if (own !== 'JSONata') {
      this.#say(
        'UNSUPPORTED',
        'The local region runs JSONata machines alone: set QueryLanguage to JSONata.',
        location,
      );
      return;
    }
    const known = [...common, ...members[state.Type]];
    for (const member of Object.keys(state)) {
      if (!known.includes(member)) {
        this.#say(
          'UNSUPPORTED',
          `The field '${member}' is not supported in a ${state.Type} state.`,
          location,
        );
      }
    }
    this.#templates(state as unknown as Json, location);
    if (state.Type === 'Task') this.#resource(state, location);
    if (state.Type === 'Map' && (state.ItemProcessor?.ProcessorConfig?.Mode ?? 'INLINE') !== 'INLINE') {
      this.#say('UNSUPPORTED', 'The local region runs inline maps alone, no distributed ones.', location);
    }
    for (const [index, branch] of (state.Branches ?? []).entries()) {
      this.group(branch, `${location}/Branches[${index}]`, language, seen);
    }
    if (state.ItemProcessor !== undefined) {
      this.group(state.ItemProcessor, `${location}/ItemProcessor`, language, seen);
    }
  }

  #resource(state: State, location: string): void {
    const resource = state.Resource ?? '';
    if ((integrations as readonly string[]).includes(resource) || functionResource.test(resource)) return;
    this.#say(
      'UNSUPPORTED',
      `The local region lacks the resource '${resource}'. It has ${integrations.join(', ')} and plain function ARNs.`,
      `${location}/Resource`,
    );
  }

  /** Every expression must parse, and what looks like half a fence is a mistake. */
  #templates(value: Json, location: string): void {
    if (typeof value === 'string') {
      const text: string = value;
      if (isExpression(text)) {
        const complaint = this.#query.complaint(text);
        if (complaint !== undefined) {
          this.#say('INVALID_JSONATA_EXPRESSION', complaint, location);
          return;
        }
        for (const unsupported of unsupportedIn(this.#query.tree(text), availableAt(location)))
          this.#say('UNSUPPORTED_JSONATA_EXPRESSION', unsupported, location);
      } else if (text.startsWith('{%') || text.endsWith('%}')) {
        this.#say('INVALID_JSONATA_EXPRESSION', 'An expression starts with {% and ends with %}.', location);
      }
      return;
    }
    if (typeof value !== 'object' || value === null) return;
    for (const [key, child] of Object.entries(value)) {
      // Nested states are looked at as states.
      if (key !== 'Branches' && key !== 'ItemProcessor') this.#templates(child, `${location}/${key}`);
    }
  }

  #say(code: string, message: string, location: string): void {
    this.#complaints.push({ code, message, location });
  }
}
