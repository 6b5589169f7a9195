/** What the maker of one type of resource gets and gives. */
import type { Region } from '../region.ts';
import { type Json, type JsonObject, TemplateError } from './template.ts';

/** What stands for a resource once it is made. */
export interface Made {
  /** What `Ref` gives. */
  readonly ref: string;
  /** What `Fn::GetAtt` gives, by attribute. */
  readonly attributes: Readonly<Record<string, string>>;
}

export interface Making {
  readonly region: Region;
  readonly stackName: string;
  readonly logicalId: string;
  /** Where the packaged zips are. */
  readonly artifactsDir: string;
  /** A physical name such as CloudFormation gives where the template gives none. */
  uniqueName(maximumLength: number): string;
  /** An API call as the one who deploys, who may do everything. */
  call(service: string, operation: string, input: object): Promise<unknown>;
}

export interface ResourceType {
  /** Properties that the maker heeds; any other is refused by name. */
  readonly properties: readonly string[];
  make(properties: Properties, making: Making): Promise<Made>;
  /** Changes what stands into what the properties say; absent where the region cannot. */
  update?(properties: Properties, making: Making, made: Made): Promise<void>;
  /** Takes it away when it has left the template; absent where the region cannot. */
  remove?(making: Making, made: Made): Promise<void>;
}

/** The evaluated properties of a resource, read with their types. */
export class Properties {
  readonly all: JsonObject;
  readonly #where: string;

  constructor(where: string, all: JsonObject) {
    this.#where = where;
    this.all = all;
  }

  has(name: string): boolean {
    return this.all[name] !== undefined;
  }

  /** @throws TemplateError */
  text(name: string): string {
    const value = this.all[name];
    if (typeof value !== 'string') throw new TemplateError(`${this.#where}: ${name} is no text`);
    return value;
  }

  optionalText(name: string): string | undefined {
    return this.has(name) ? this.text(name) : undefined;
  }

  /** A part of the template whose shape is that of an API's member; the service looks at it. */
  // biome-ignore lint/suspicious/noExplicitAny: the service that gets it checks it, as it checks what comes by wire
  any(name: string): any {
    return this.all[name];
  }

  /** @throws TemplateError */
  object(name: string): JsonObject {
    const value = this.all[name];
    if (typeof value !== 'object' || value === null || Array.isArray(value))
      throw new TemplateError(`${this.#where}: ${name} is no mapping`);
    return value as JsonObject;
  }

  objects(name: string): readonly JsonObject[] {
    const value: Json = this.all[name] ?? [];
    if (!Array.isArray(value)) throw new TemplateError(`${this.#where}: ${name} is no list`);
    return value as readonly JsonObject[];
  }

  /** The named properties that are given, as they are. */
  picked(...names: readonly string[]): JsonObject {
    return Object.fromEntries(
      names.flatMap((name) => (this.all[name] === undefined ? [] : [[name, this.all[name] as Json]])),
    );
  }
}
