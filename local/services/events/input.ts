import type { Target } from '@aws-sdk/client-eventbridge';
import { AwsError } from '../../service.ts';

/** How an event came to a target. */
export interface Way {
  readonly rule: { readonly name: string; readonly arn: string };
  /** When EventBridge received the event: milliseconds since the epoch. */
  readonly receivedAt: number;
}

/**
 * What a target is given of an event: all of it, a part, a constant, or what a template makes of it.
 * https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-transform-target-input.html
 */
export function inputOf(target: Target, event: Readonly<Record<string, unknown>>, way: Way): unknown {
  if (target.Input !== undefined) return JSON.parse(target.Input);
  if (target.InputPath !== undefined) return atPath(event, target.InputPath);
  const transformer = target.InputTransformer;
  if (transformer === undefined) return event;
  const values: Record<string, unknown> = {};
  for (const [name, path] of Object.entries(transformer.InputPathsMap ?? {}))
    values[name] = atPath(event, path);
  return fill(transformer.InputTemplate ?? '', { ...values, ...predefined(event, way) });
}

/** Variables that no transformer needs to define. `aws.events.event` lacks the detail, its `.json` has all. */
function predefined(event: Readonly<Record<string, unknown>>, way: Way): Record<string, unknown> {
  const { detail: _, ...rest } = event;
  return {
    'aws.events.rule-arn': way.rule.arn,
    'aws.events.rule-name': way.rule.name,
    'aws.events.event': rest,
    'aws.events.event.json': event,
    'aws.events.event.ingestion-time': new Date(way.receivedAt).toISOString(),
  };
}

/** Throws unless the target's input can be made. */
export function checkInput(target: Target): void {
  const given = [target.Input, target.InputPath, target.InputTransformer].filter((one) => one !== undefined);
  if (given.length > 1) {
    throw new AwsError(
      'ValidationException',
      `Only one of Input, InputPath, or InputTransformer must be provided for target ${target.Id}.`,
    );
  }
  const paths = [target.InputPath, ...Object.values(target.InputTransformer?.InputPathsMap ?? {})];
  for (const path of paths) if (path !== undefined) stepsOf(path);
  if (target.Input !== undefined) {
    try {
      JSON.parse(target.Input);
    } catch {
      throw new AwsError('ValidationException', `JSON syntax error in input for target ${target.Id}`);
    }
  }
}

function stepsOf(path: string): (string | number)[] {
  if (!/^\$(\.[\w-]+|\[(\d+|'[^']+'|"[^"]+")\])*$/.test(path)) {
    throw new AwsError('ValidationException', `The local region does not know the path ${path}.`);
  }
  return [...path.matchAll(/\.([\w-]+)|\[(\d+)\]|\['([^']+)'\]|\["([^"]+)"\]/g)].map(
    ([, dotted, index, single, double]) =>
      index === undefined ? (dotted ?? single ?? double ?? '') : Number(index),
  );
}

function atPath(event: unknown, path: string): unknown {
  let value = event;
  for (const step of stepsOf(path)) {
    value =
      typeof value === 'object' && value !== null
        ? (value as Record<string | number, unknown>)[step]
        : undefined;
  }
  return value;
}

/** Strings go in bare between quotes, and as JSON elsewhere, as EventBridge does it. */
function fill(template: string, known: Readonly<Record<string, unknown>>): unknown {
  let inString = false;
  const text = template.replace(/\\.|"|<([\w.-]+)>/g, (whole, name: string | undefined) => {
    if (whole === '"') inString = !inString;
    if (name === undefined || !Object.hasOwn(known, name)) return whole;
    const value = known[name];
    if (!inString) return JSON.stringify(value ?? '');
    const bare = typeof value === 'string' ? value : JSON.stringify(value ?? '');
    return JSON.stringify(bare).slice(1, -1);
  });
  try {
    return JSON.parse(text);
  } catch {
    // A template of plain text is passed as a string.
    return text;
  }
}
