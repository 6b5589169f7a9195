/** The parts of an Amazon States Language definition that its picture is drawn from. */
import { readdirSync, readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { parse } from 'yaml';

export interface Rule {
  readonly ErrorEquals: readonly string[];
  readonly Next?: string;
  readonly Comment?: string;
}

export interface State {
  readonly Type: string;
  readonly Comment?: string;
  readonly Next?: string;
  readonly Default?: string;
  readonly Choices?: readonly { readonly Condition: string; readonly Next: string }[];
  readonly Retry?: readonly Rule[];
  readonly Catch?: readonly Rule[];
  readonly ItemProcessor?: { readonly States: Readonly<Record<string, State>> };
}

export interface Machine {
  readonly name: string;
  readonly Comment: string;
  readonly StartAt: string;
  readonly States: Readonly<Record<string, State>>;
}

/** The definitions of a folder, by name. */
export function readMachines(folder: string): Machine[] {
  return readdirSync(folder)
    .filter((file) => file.endsWith('.asl.yml'))
    .sort()
    .map((file) => ({
      ...(parse(readFileSync(join(folder, file), 'utf8')) as Omit<Machine, 'name'>), // asl-validator has seen it
      name: basename(file, '.asl.yml'),
    }));
}

/** One way from a state to another, and when it is taken; `label` is empty where it is always taken. */
export interface Way {
  readonly from: string;
  readonly to: string;
  readonly label: string;
}

/** Where a state leads to when nothing fails. */
export function waysOn(from: string, { Next, Default, Choices = [] }: State): Way[] {
  return [
    ...Choices.map(({ Condition, Next: to }) => ({ from, to, label: conditionWords(Condition) })),
    ...(Default === undefined ? [] : [{ from, to: Default, label: 'otherwise' }]),
    ...(Next === undefined ? [] : [{ from, to: Next, label: '' }]),
  ];
}

/** Where its errors lead to. */
export function waysOut(from: string, { Catch = [] }: State): Way[] {
  return Catch.flatMap(({ ErrorEquals, Next }) =>
    Next === undefined ? [] : [{ from, to: Next, label: ErrorEquals.map(errorWords).join(', ') }],
  );
}

function errorWords(error: string): string {
  return error === 'States.ALL' ? 'any error' : error;
}

function conditionWords(condition: string): string {
  return condition
    .replace(/^\{%\s*|\s*%\}$/g, '')
    .replaceAll('$states.input.', '')
    .replaceAll('$', '');
}

/** The states that are reached from others by what `ways` says of each. */
export function reachedFrom(
  starts: Iterable<string>,
  machine: Machine,
  ways: (name: string, state: State) => readonly Way[],
): Set<string> {
  const reached = new Set<string>();
  const left = [...starts];
  for (let name = left.pop(); name !== undefined; name = left.pop()) {
    const state = machine.States[name];
    if (state === undefined || reached.has(name)) continue;
    reached.add(name);
    left.push(...ways(name, state).map(({ to }) => to));
  }
  return reached;
}
