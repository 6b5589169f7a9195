/**
 * What infra/functions and infra/roles declare, read and checked: a misspelt key is an error, not a default.
 */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parse } from 'yaml';

/** The root of the checkout. */
export const root = join(dirname(fileURLToPath(import.meta.url)), '..', '..');

/** One Lambda function; its code is functions/<name>.ts, which exports `handler`. */
export interface DeclaredFunction {
  /** In kebab case: the file's name. */
  readonly name: string;
  readonly memoryMb: number;
  readonly timeoutSeconds: number;
  /** Of the HTTP API, as `GET /fleets/{fleet}`. */
  readonly routes: readonly string[];
  /** In the stack's subnets, rather than outside of any. */
  readonly vpc: boolean;
  /** Variables of this function alone, as CloudFormation takes them. */
  readonly environment: Readonly<Record<string, unknown>>;
  readonly statements: readonly Statement[];
}

/** One IAM statement as the files of infra/roles have it, before `Fn::Sub` is put around its texts. */
export interface Statement {
  /** A condition of the template, without which the statement is not there. */
  readonly If?: string;
  readonly Sid?: string;
  readonly Effect?: 'Allow' | 'Deny';
  readonly Action: string | readonly string[];
  readonly Resource: string | readonly string[];
  readonly Condition?: Readonly<Record<string, Readonly<Record<string, unknown>>>>;
}

const groups = ['build', 'rollout', 'api'] as const;
/** The state machines of the stack; each is in statemachines/<name>.asl.yml. */
export const machineNames = ['build-image', 'swap-fleet', 'retire-release'] as const;

function record(file: string, value: unknown): Record<string, unknown> {
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw new Error(`${file}: a mapping was expected`);
  return value as Record<string, unknown>;
}

function readMapping(path: string): Record<string, unknown> {
  return record(path, parse(readFileSync(join(root, path), 'utf8')) ?? {});
}

function within(where: string, value: unknown, least: number, most: number): number {
  if (typeof value !== 'number' || !Number.isInteger(value) || value < least || value > most)
    throw new Error(`${where}: a whole number from ${least} to ${most} was expected`);
  return value;
}

function truth(where: string, value: unknown): boolean {
  if (typeof value !== 'boolean') throw new Error(`${where}: true or false was expected`);
  return value;
}

function onlyKeys(where: string, value: Record<string, unknown>, known: readonly string[]): void {
  for (const key of Object.keys(value))
    if (!known.includes(key)) throw new Error(`${where}: ${key} is none of ${known.join(', ')}`);
}

function readStatements(where: string, value: unknown): Statement[] {
  if (!Array.isArray(value)) throw new Error(`${where}: a list of statements was expected`);
  return value.map((entry, index) => {
    const statement = record(`${where}[${index}]`, entry);
    onlyKeys(`${where}[${index}]`, statement, ['If', 'Sid', 'Effect', 'Action', 'Resource', 'Condition']);
    if (statement.Action === undefined || statement.Resource === undefined)
      throw new Error(`${where}[${index}]: a statement has an Action and a Resource`);
    return statement as unknown as Statement; // the two members that matter were just looked at
  });
}

const routePattern = /^(GET|PATCH|PUT|POST|DELETE) \/\S*$/;

function readRoutes(where: string, value: unknown): string[] {
  if (!Array.isArray(value)) throw new Error(`${where}: a list was expected`);
  return value.map((route) => {
    if (typeof route !== 'string' || !routePattern.test(route))
      throw new Error(`${where}: ${JSON.stringify(route)} is no route; 'GET /fleets/{fleet}' is one`);
    return route;
  });
}

/**
 * Every function that is declared, in the order of the files.
 * @throws Error naming the file and entry that is malformed, or that lacks its role.
 */
export function declaredFunctions(): DeclaredFunction[] {
  return groups.flatMap((group) => {
    const file = `infra/functions/${group}.yml`;
    const rolesFile = `infra/roles/${group}.yml`;
    const entries = readMapping(file);
    const roles = readMapping(rolesFile);
    onlyKeys(rolesFile, roles, Object.keys(entries));
    return Object.entries(entries).map(([name, value]) => {
      const where = `${file}: ${name}`;
      const entry = record(where, value ?? {});
      onlyKeys(where, entry, ['memoryMb', 'timeoutSeconds', 'routes', 'environment', 'vpc']);
      if (!(name in roles)) throw new Error(`${rolesFile}: ${name} has no entry`);
      return {
        name,
        memoryMb: within(`${where}.memoryMb`, entry.memoryMb ?? 256, 128, 10_240),
        timeoutSeconds: within(`${where}.timeoutSeconds`, entry.timeoutSeconds ?? 30, 1, 900),
        routes: readRoutes(`${where}.routes`, entry.routes ?? []),
        vpc: truth(`${where}.vpc`, entry.vpc ?? false),
        environment: record(`${where}.environment`, entry.environment ?? {}),
        statements: readStatements(`${rolesFile}: ${name}`, roles[name]),
      };
    });
  });
}

/** What a state machine may do beyond calling its functions and writing its log. */
export function machineStatements(machine: string): Statement[] {
  const file = 'infra/roles/machines.yml';
  return readStatements(`${file}: ${machine}`, readMapping(file)[machine] ?? []);
}

/**
 * True where the tree may be incomplete: FLOTILLA_PARTIAL=1 packages what is there, with a placeholder that fails
 * by name for what is not. Nothing partial can be deployed.
 */
export const partial = process.env.FLOTILLA_PARTIAL === '1';

/** Files of functions/ that no declaration names, and declarations without a file. */
export function mismatches(): { undeclared: string[]; missing: string[] } {
  const names = declaredFunctions().map(({ name }) => name);
  const folder = join(root, 'functions');
  const files = existsSync(folder)
    ? readdirSync(folder)
        .filter((file) => file.endsWith('.ts'))
        .map((file) => file.slice(0, -3))
    : [];
  return {
    undeclared: files.filter((file) => !names.includes(file)),
    missing: names.filter((name) => !files.includes(name)),
  };
}

/** `receive-upload` → `ReceiveUpload`: the stem of logical ids and of the placeholders in the machines. */
export function pascalCase(name: string): string {
  return name.replaceAll(/(?:^|-)([a-z0-9])/g, (_, letter: string) => letter.toUpperCase());
}

/** `receive-upload` → `receiveUpload`. */
export function camelCase(name: string): string {
  const pascal = pascalCase(name);
  return pascal.charAt(0).toLowerCase() + pascal.slice(1);
}
