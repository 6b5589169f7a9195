/** What a case of the conformance table is: data, taken from AWS's pages, that every stranger can play. */

/**
 * Members as AWS spells them. A string may hold `<word>`: a name that is fresh for each run (`<name>`), something
 * that stands in the world (`<vpc>`), or what an earlier step kept. `Uint8Array` and `Date` are bytes and times.
 */
export type Values = Readonly<Record<string, unknown>>;

/**
 * What an answer must look like: the members given, with these values. A `RegExp` must match a string, a function
 * must be true of the value, {@link absent} must not be there. Lists have the length given, unless {@link holding}.
 */
export type Expected = Readonly<Record<string, unknown>>;

/** A call that brings about, or looks at, what a case is about. */
export interface Step {
  /** An operation of the sheet's service, or of another: `autoscaling.CreateAutoScalingGroup`. */
  readonly call: string;
  readonly input: Values;
  /**
   * Words for later, with where they stand in the answer: `{ image: 'ImageId', rule: 'Rules.0.RuleArn' }`; -1 is
   * the last of a list. With a pattern, its first group.
   */
  readonly keep?: Readonly<Record<string, string | readonly [string, RegExp]>>;
  /** Asked again until the answer looks so: for what takes its time. */
  readonly until?: Expected;
  /** What the answer must look like at once. */
  readonly answers?: Expected;
  /** The code that it must fail with. */
  readonly fails?: string;
}

interface Refusal {
  /** The code on the wire. Two, where clients cannot see it and give names of their own (S3's HEAD). */
  readonly code: string | readonly string[];
  readonly status: number;
  readonly message?: RegExp;
  /** Further members of the error. */
  readonly members?: Expected;
}

export type Case = {
  readonly operation: string;
  /** What the page says, in a sentence. */
  readonly says: string;
  /** The page, where it is not the operation's own. */
  readonly page?: string;
  readonly given?: readonly Step[];
  readonly input: Values;
  /** Calls that show what it did. */
  readonly after?: readonly Step[];
  /** Why the AWS CLI does not play this case. */
  readonly notByCli?: string;
} & (
  | { readonly answers: Expected; readonly until?: Expected; readonly fails?: undefined }
  | { readonly fails: Refusal; readonly answers?: undefined; readonly until?: undefined }
);

/** The cases of one service. */
export interface Sheet {
  /** The region's name of the service. */
  readonly service: string;
  readonly title: string;
  /** Where the pages of its operations are, `*` standing for the operation. */
  readonly pages: string;
  readonly cases: readonly Case[];
}

/** The page that a case is taken from. */
export function pageOf(sheet: Sheet, one: Case): string {
  return one.page ?? sheet.pages.replace('*', one.operation);
}

/** Not in the answer at all. */
export const absent = (value: unknown): boolean => value === undefined || value === null;
/** A time; the AWS CLI prints some as seconds, others as text. */
export const aTime = (value: unknown): boolean =>
  value !== null &&
  !Number.isNaN(new Date(typeof value === 'number' ? value * 1000 : (value as Date | string)).getTime());
/** A list of that many items. */
export const listOf =
  (length: number) =>
  (value: unknown): boolean =>
    Array.isArray(value) && value.length === length;

const some = Symbol('a list that holds these among others');
/** A list that holds these items, in any order, among others. */
export function holding(...items: readonly unknown[]): object {
  return { [some]: items };
}

/** Where an answer is not as expected, one sentence each; none where it is. */
export function differences(expected: unknown, actual: unknown, path = 'the answer'): string[] {
  const told = (): string => JSON.stringify(actual) ?? 'nothing';
  if (typeof expected === 'function')
    return (expected as (value: unknown) => boolean)(actual)
      ? []
      : [`${path} is ${told()}, which is not ${expected.name || 'as wanted'}`];
  if (expected instanceof RegExp)
    return typeof actual === 'string' && expected.test(actual)
      ? []
      : [`${path} is ${told()}, which does not match ${expected}`];
  if (expected instanceof Uint8Array)
    return actual instanceof Uint8Array && Buffer.from(expected).equals(actual)
      ? []
      : [`${path} has other bytes`];
  if (expected instanceof Date)
    return actual instanceof Date && actual.getTime() === expected.getTime()
      ? []
      : [`${path} is ${told()}, not ${expected.toISOString()}`];
  if (typeof expected !== 'object' || expected === null)
    return expected === actual ? [] : [`${path} is ${told()}, not ${JSON.stringify(expected)}`];
  if (some in expected) {
    if (!Array.isArray(actual)) return [`${path} is ${told()}, not a list`];
    return (expected[some] as unknown[])
      .filter((item) => !actual.some((one) => differences(item, one).length === 0))
      .map((item) => `${path} is ${told()}, without ${JSON.stringify(item)}`);
  }
  if (typeof actual !== 'object' || actual === null) return [`${path} is ${told()}, not an object`];
  if (Array.isArray(expected)) {
    if (!Array.isArray(actual) || actual.length !== expected.length)
      return [`${path} is ${told()}, not a list of ${expected.length}`];
    return expected.flatMap((item, index) => differences(item, actual[index], `${path}[${index}]`));
  }
  return Object.entries(expected).flatMap(([name, value]) =>
    differences(value, (actual as Record<string, unknown>)[name], `${path}.${name}`),
  );
}
