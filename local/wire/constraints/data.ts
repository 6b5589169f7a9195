/**
 * What AWS's published models say of the inputs of the region's operations, as `data/<service>.json` keeps it.
 * The SDK's schemas know the shape of an input and nothing of this; the models of botocore (Apache-2.0) do.
 */
import { readFileSync } from 'node:fs';

/** One shape that is constrained, or that leads to one that is. What is not here is not constrained. */
export interface ConstrainedShape {
  /** Members that must be there. */
  readonly required?: readonly string[];
  /** The shapes of members, by name. */
  readonly members?: Readonly<Record<string, string>>;
  /** The shape of a list's items. */
  readonly item?: string;
  /** The shapes of a map's keys and values. */
  readonly key?: string;
  readonly value?: string;
  /** The least and the greatest length of a text, list or map, or value of a number. */
  readonly min?: number;
  readonly max?: number;
  readonly enum?: readonly string[];
  /** A regular expression that the whole text must match. */
  readonly pattern?: string;
  /** The value is not repeated in an error. */
  readonly sensitive?: true;
  /** A number without a fraction; 32 or 64 bits. */
  readonly integer?: 32 | 64;
}

/** The constraints of a service. */
export interface Constraints {
  /** The input shape of each operation. */
  readonly operations: Readonly<Record<string, string>>;
  readonly shapes: Readonly<Record<string, ConstrainedShape>>;
  /** Where members of the REST protocols stand, by operation and member: `header`, `querystring`, `uri`. */
  readonly places?: Readonly<Record<string, Readonly<Record<string, string>>>>;
}

/** The constraints of a service; `undefined` for one that has no file. */
export function readConstraints(serviceId: string): Constraints | undefined {
  try {
    const file = new URL(`./data/${serviceId}.json`, import.meta.url);
    return JSON.parse(readFileSync(file, 'utf8')) as Constraints;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}
