/**
 * CloudFormation's functions, evaluated once everything that they refer to stands.
 * https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/intrinsic-function-reference.html
 */
import { type Json, type JsonObject, TemplateError } from './template.ts';

/** What names stand for. Each throws where it knows no such name. */
export interface Names {
  /** Of a parameter, a pseudo parameter or a resource. `undefined`: AWS::NoValue. */
  ref(name: string): Json | undefined;
  attribute(resource: string, attribute: string): Json;
  condition(name: string): boolean;
}

function isObject(value: Json): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** The function that an object calls: it has one key, which is `Ref`, `Condition` or starts with `Fn::`. */
function callOf(value: JsonObject): { name: string; argument: Json } | undefined {
  const [entry, ...rest] = Object.entries(value);
  if (entry === undefined || rest.length > 0) return undefined;
  const [name, argument] = entry;
  return name === 'Ref' || name.startsWith('Fn::') ? { name, argument } : undefined;
}

/** `${Name}`, `${Name.Attribute}` and the literal `${!Name}`. */
const variable = /\$\{(!?)([^}]+)\}/g;

function list(name: string, value: Json | undefined, length?: number): readonly Json[] {
  if (!Array.isArray(value) || (length !== undefined && value.length !== length))
    throw new TemplateError(`${name} takes a list${length === undefined ? '' : ` of ${length}`}`);
  return value;
}

function text(name: string, value: Json | undefined): string {
  if (typeof value === 'string') return value;
  if (typeof value === 'number' || typeof value === 'boolean') return String(value);
  throw new TemplateError(`${name} takes texts, not ${JSON.stringify(value)}`);
}

/** The value of a piece of the template; `undefined` where it is AWS::NoValue. @throws TemplateError */
export function evaluate(value: Json, names: Names): Json | undefined {
  if (Array.isArray(value))
    return value.map((inner) => evaluate(inner, names)).filter((inner) => inner !== undefined);
  if (!isObject(value)) return value;
  const call = callOf(value);
  if (call !== undefined) return apply(call.name, call.argument, names);
  const members: Record<string, Json> = {};
  for (const [key, inner] of Object.entries(value)) {
    const evaluated = evaluate(inner, names);
    if (evaluated !== undefined) members[key] = evaluated;
  }
  return members;
}

function apply(name: string, argument: Json, names: Names): Json | undefined {
  switch (name) {
    case 'Ref':
      return names.ref(text(name, argument));
    case 'Fn::GetAtt': {
      const [resource = '', ...attribute] =
        typeof argument === 'string'
          ? argument.split('.')
          : list(name, argument).map((one) => text(name, one));
      return names.attribute(resource, attribute.join('.'));
    }
    case 'Fn::Sub':
      return substitute(argument, names);
    case 'Fn::Join': {
      const [separator, parts] = list(name, argument, 2);
      return list(name, evaluate(parts ?? [], names))
        .map((part) => text(name, part))
        .join(text(name, separator));
    }
    case 'Fn::Split': {
      const [separator, source] = list(name, argument, 2);
      return text(name, evaluate(source ?? '', names)).split(text(name, separator));
    }
    case 'Fn::Select': {
      const [index, choices] = list(name, argument, 2);
      const chosen = list(name, evaluate(choices ?? [], names))[Number(evaluate(index ?? '', names))];
      if (chosen === undefined)
        throw new TemplateError(`${name}: there is no element ${JSON.stringify(index)}`);
      return chosen;
    }
    case 'Fn::If': {
      const [condition, yes, no] = list(name, argument, 3);
      return evaluate((names.condition(text(name, condition)) ? yes : no) ?? null, names);
    }
    default:
      // Fn::ImportValue would need other stacks, Fn::GetAZs and Fn::FindInMap nobody uses.
      throw new TemplateError(`The local region does not know ${name}`);
  }
}

function substitute(argument: Json, names: Names): string {
  const [template, own] = Array.isArray(argument) ? list('Fn::Sub', argument, 2) : [argument, {}];
  const values = isObject(own ?? {}) ? ((own ?? {}) as JsonObject) : {};
  return text('Fn::Sub', template).replaceAll(variable, (_, literal: string, name: string) => {
    if (literal === '!') return `\${${name}}`;
    if (Object.hasOwn(values, name)) return text('Fn::Sub', evaluate(values[name] ?? null, names));
    const [resource = '', ...attribute] = name.split('.');
    return text(
      'Fn::Sub',
      attribute.length > 0 ? names.attribute(resource, attribute.join('.')) : names.ref(name),
    );
  });
}

/** The truth of a condition; these functions stand nowhere else. @throws TemplateError */
export function evaluateCondition(value: Json, names: Names): boolean {
  if (isObject(value)) {
    if (typeof value.Condition === 'string') return names.condition(value.Condition);
    const call = callOf(value);
    const operands = call === undefined ? [] : list(call.name, call.argument);
    const inner = () => operands.map((operand) => evaluateCondition(operand, names));
    switch (call?.name) {
      case 'Fn::Equals':
        return (
          JSON.stringify(evaluate(operands[0] ?? null, names)) ===
          JSON.stringify(evaluate(operands[1] ?? null, names))
        );
      case 'Fn::Not':
        return !inner()[0];
      case 'Fn::And':
        return inner().every(Boolean);
      case 'Fn::Or':
        return inner().some(Boolean);
    }
  }
  throw new TemplateError(`${JSON.stringify(value)} is no condition that the local region knows`);
}

/**
 * Every name that a piece of the template refers to: of resources, parameters and pseudo parameters alike. Both
 * branches of an `Fn::If` count, as CloudFormation counts them.
 */
export function references(value: Json, found: Set<string> = new Set()): Set<string> {
  if (Array.isArray(value)) for (const inner of value) references(inner, found);
  else if (isObject(value)) {
    const call = callOf(value);
    if (call?.name === 'Ref' && typeof call.argument === 'string') found.add(call.argument);
    else if (call?.name === 'Fn::GetAtt') {
      const { argument } = call;
      const target =
        typeof argument === 'string' ? argument.split('.')[0] : Array.isArray(argument) && argument[0];
      if (typeof target === 'string') found.add(target);
    } else if (call?.name === 'Fn::Sub') {
      const [template, own] = Array.isArray(call.argument) ? call.argument : [call.argument, {}];
      const shadowed = isObject(own ?? {}) ? Object.keys(own as JsonObject) : [];
      for (const [, literal, name = ''] of String(template).matchAll(variable))
        if (literal !== '!' && !shadowed.includes(name)) found.add(name.split('.')[0] ?? name);
      references(own ?? {}, found);
    } else for (const inner of Object.values(value)) references(inner, found);
  }
  return found;
}
