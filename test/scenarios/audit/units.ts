/** The parts of a policy that can be taken away: each action, each resource, each value of a condition. */
import type { PolicyDocument, PolicyStatement } from '../../../local/service.ts';

export type Part =
  | { readonly kind: 'action' | 'resource'; readonly at: number }
  | { readonly kind: 'condition'; readonly operator: string; readonly key: string; readonly at: number };

export interface Unit {
  readonly statement: number;
  readonly part: Part;
  /** As a person reads it: `dynamodb:GetItem`, an ARN, `StringEquals ec2:CreateAction RunInstances`. */
  readonly text: string;
}

export const listOf = (value: string | readonly string[] | undefined): readonly string[] =>
  value === undefined ? [] : typeof value === 'string' ? [value] : value;

export const unitId = ({ statement, part, text }: Unit): string => `${statement} ${part.kind} ${text}`;

export function unitsOf(document: PolicyDocument): readonly Unit[] {
  return document.Statement.flatMap((statement, index) => [
    ...listOf(statement.Action).map(
      (text, at): Unit => ({ statement: index, part: { kind: 'action', at }, text }),
    ),
    ...listOf(statement.Resource).map(
      (text, at): Unit => ({ statement: index, part: { kind: 'resource', at }, text }),
    ),
    ...Object.entries(statement.Condition ?? {}).flatMap(([operator, keys]) =>
      Object.entries(keys).flatMap(([key, values]) =>
        listOf(values).map(
          (value, at): Unit => ({
            statement: index,
            part: { kind: 'condition', operator, key, at },
            text: `${operator} ${key} ${value}`,
          }),
        ),
      ),
    ),
  ]);
}

const replaced = (values: string | readonly string[] | undefined, at: number, by: string): string[] =>
  listOf(values).map((value, index) => (index === at ? by : value));

/** The document without one of its parts: the action gone, the resource another, the condition false. */
export function without(document: PolicyDocument, { statement, part }: Unit): PolicyDocument {
  return {
    ...document,
    Statement: document.Statement.map((one, index) => (index === statement ? broken(one, part) : one)),
  };
}

function broken(statement: PolicyStatement, part: Part): PolicyStatement {
  switch (part.kind) {
    case 'action':
      return { ...statement, Action: replaced(statement.Action, part.at, 'none:Nothing') };
    case 'resource':
      return { ...statement, Resource: replaced(statement.Resource, part.at, 'arn:aws:none:::nothing') };
    case 'condition': {
      const { operator, key, at } = part;
      const keys = statement.Condition?.[operator] ?? {};
      // Bool knows two values, and the false one is the other.
      const other = listOf(keys[key])[at] === 'true' ? 'false' : 'true';
      const values = replaced(keys[key], at, operator === 'Bool' ? other : 'nothing-like-it');
      return { ...statement, Condition: { ...statement.Condition, [operator]: { ...keys, [key]: values } } };
    }
  }
}
