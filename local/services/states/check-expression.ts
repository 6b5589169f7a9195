/** What JSONata allows and Step Functions does not, found when a machine is made. */

/** A node of JSONata's syntax tree, as far as it is looked at. */
export interface SyntaxNode {
  readonly type?: string;
  readonly value?: unknown;
  readonly steps?: readonly SyntaxNode[];
  readonly [member: string]: unknown;
}

/** Which members of `$states` there are in a field. */
export interface Available {
  readonly result: boolean;
  readonly errorOutput: boolean;
}

/** Members with a context item of their own: filters and sort terms look at items, groups at what the path has found. */
const ofPaths: readonly string[] = ['stages', 'predicate', 'terms', 'group'];
/**
 * A transform is a function. Its pattern looks at what it is applied to, the rest at what the pattern has found.
 * https://docs.jsonata.org/other-operators#----transform
 */
const ofTransforms: readonly string[] = ['pattern', 'update', 'delete'];

/**
 * Complaints about an expression. It has no context item, so that a name or `$` at its top level means nothing
 * (https://states-language.net/#jsonata); and `$states.result` and `$states.errorOutput` exist in some fields alone
 * (https://docs.aws.amazon.com/step-functions/latest/dg/workflow-variables.html#reserved-variable-states).
 */
export function unsupportedIn(tree: SyntaxNode, available: Available): string[] {
  const complaints: string[] = [];
  const walk = (node: unknown, top: boolean): void => {
    if (Array.isArray(node)) {
      for (const one of node) walk(one, top);
      return;
    }
    if (typeof node !== 'object' || node === null) return;
    const { type, value, steps, ...rest } = node as SyntaxNode;
    if (type === 'variable' && (value === '$' || (value === '' && top)))
      complaints.push(`Reference to '$${String(value)}' is not supported.`);
    if (type === 'path' && steps !== undefined) {
      const [first, second] = steps;
      if (first?.type === 'name' && top)
        complaints.push(`Reference to '${String(first.value)}' at the top level is not supported.`);
      const member = first?.type === 'variable' && first.value === 'states' ? second?.value : undefined;
      if ((member === 'result' || member === 'errorOutput') && !available[member])
        complaints.push(`Reference to '$states.${member}' is not supported in this field.`);
      // What follows the first step has that as its context.
      for (const [index, step] of steps.entries()) walk(step, top && index === 0);
    }
    const inside = type === 'transform' ? ofTransforms : ofPaths;
    for (const [name, child] of Object.entries(rest)) walk(child, top && !inside.includes(name));
  };
  walk(tree, true);
  return complaints;
}
