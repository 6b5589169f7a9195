/**
 * Brings the resources of a packaged template up in a region. What runs here is what is deployed: the same
 * template, the same zips; only the bucket that the zips would travel through is left out.
 */
import type { Region } from '../region.ts';
import { evaluate, evaluateCondition, type Names } from './intrinsics.ts';
import { creationOrder } from './order.ts';
import { type Made, type Making, Properties } from './resource.ts';
import { checkUpdate, digestOf, isRetained, type StandingResource, type StandingStack } from './standing.ts';
import {
  checkTemplate,
  type Json,
  type JsonObject,
  type ParameterValues,
  resolveParameters,
  type Template,
  TemplateError,
} from './template.ts';
import { resourceTypes } from './types.ts';

export interface StackOptions {
  /** The parsed CloudFormation template. */
  readonly template: unknown;
  /** Where the functions' zips are, by their names in the template. */
  readonly artifactsDir: string;
  readonly stackName: string;
  readonly parameters: ParameterValues;
}

export interface Stack {
  /** By name. `ApiUrl` and its like carry the region's own address, as AWS's names do not lead here. */
  readonly outputs: Readonly<Record<string, string>>;
  /** By logical id. */
  readonly resources: Readonly<Record<string, Made & { readonly type: string }>>;
}

/** Everything that the template asks for and the region lacks, all at once. */
function complaints(template: Template): string[] {
  return Object.entries(template.Resources).flatMap(([id, resource]) => {
    const type = resourceTypes[resource.Type];
    if (type === undefined) return [`${id}: the local region has no ${resource.Type}`];
    return Object.keys(resource.Properties ?? {})
      .filter((name) => !type.properties.includes(name))
      .map((name) => `${id}: the local region does not know the property ${name} of ${resource.Type}`);
  });
}

/**
 * Makes every resource, in the order of their dependencies. In a region that has the stack already, what is unchanged
 * is adopted, what has changed is changed in place, and what has left the template is removed, unless it is retained. A region that refused something half-way is left as it
 * is: close it and make another.
 * @throws TemplateError for what the region does not know, AwsError for what a service refuses; both name the
 *   resource.
 */
export async function deployStack(region: Region, options: StackOptions): Promise<Stack> {
  const template = checkTemplate(options.template);
  const parameters = resolveParameters(template, options.parameters);
  const lacking = complaints(template);
  if (lacking.length > 0) throw new TemplateError(lacking.join('\n'));

  const digests = new Map(
    Object.entries(template.Resources).map(([id, one]) => [
      id,
      digestOf(one, parameters, options.artifactsDir),
    ]),
  );
  const standing = region.stacks.get(options.stackName) ?? {
    stackId: `arn:aws:cloudformation:${region.context.regionName}:${region.context.accountId}:stack/${options.stackName}/${region.context.random.uuid()}`,
    resources: new Map<string, StandingResource>(),
  };
  checkUpdate(standing, template, digests);
  region.stacks.set(options.stackName, standing);
  const made = standing.resources;
  const names = namesIn(region, options.stackName, standing, template, parameters);
  for (const logicalId of creationOrder(template)) {
    const resource = template.Resources[logicalId];
    const type = resource && resourceTypes[resource.Type];
    if (resource === undefined || type === undefined) continue; // complained of above
    if (resource.Condition !== undefined && !names.condition(resource.Condition)) continue;
    const digest = digests.get(logicalId) ?? '';
    const before = made.get(logicalId);
    if (before?.digest === digest) continue;
    try {
      const properties = (evaluate(resource.Properties ?? {}, names) ?? {}) as JsonObject;
      const making = makingOf(region, options, logicalId);
      const evaluated = new Properties(logicalId, properties);
      if (before !== undefined) await type.update?.(evaluated, making, before);
      made.set(logicalId, {
        type: resource.Type,
        digest,
        retained: isRetained(resource),
        ...(before === undefined
          ? await type.make(evaluated, making)
          : { ref: before.ref, attributes: before.attributes }),
      });
    } catch (error) {
      if (error instanceof Error) error.message = `${logicalId} (${resource.Type}): ${error.message}`;
      throw error;
    }
  }
  for (const [logicalId, gone] of [...made].reverse()) {
    if (Object.hasOwn(template.Resources, logicalId)) continue;
    // What is retained stays in the region and leaves the stack, as in CloudFormation.
    if (!gone.retained) await resourceTypes[gone.type]?.remove?.(makingOf(region, options, logicalId), gone);
    made.delete(logicalId);
  }
  return { outputs: outputsOf(region, template, names), resources: Object.fromEntries(made) };
}

function makingOf(region: Region, options: StackOptions, logicalId: string): Making {
  return {
    region,
    stackName: options.stackName,
    logicalId,
    artifactsDir: options.artifactsDir,
    uniqueName(maximumLength) {
      // https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-properties-name.html
      const tail = `-${region.context.random.text(12)}`;
      return `${options.stackName}-${logicalId}`.slice(0, maximumLength - tail.length) + tail;
    },
    // Not written one by one where state is kept: a resource and the stack's note of it go into one record.
    call: (service, operation, input) => region.context.hooks.call(service, operation, input, region.root),
  };
}

function namesIn(
  region: Region,
  stackName: string,
  { stackId, resources: made }: StandingStack,
  template: Template,
  parameters: ReadonlyMap<string, Json>,
): Names {
  const { accountId, regionName } = region.context;
  const pseudo: Readonly<Record<string, Json | undefined>> = {
    'AWS::AccountId': accountId,
    'AWS::NoValue': undefined,
    'AWS::NotificationARNs': [],
    'AWS::Partition': 'aws',
    'AWS::Region': regionName,
    'AWS::StackId': stackId,
    'AWS::StackName': stackName,
    'AWS::URLSuffix': 'amazonaws.com',
  };
  const standing = (name: string): Made => {
    const found = made.get(name);
    if (found === undefined) throw new TemplateError(`${name} is no parameter and no resource that stands`);
    return found;
  };
  const names: Names = {
    ref: (name) => {
      if (Object.hasOwn(pseudo, name)) return pseudo[name];
      return parameters.get(name) ?? standing(name).ref;
    },
    attribute: (resource, attribute) => {
      const value = standing(resource).attributes[attribute];
      if (value === undefined)
        throw new TemplateError(`The local region does not know the attribute ${resource}.${attribute}`);
      return value;
    },
    condition: (name) => {
      const condition = template.Conditions?.[name];
      if (condition === undefined) throw new TemplateError(`The template has no condition ${name}`);
      return evaluateCondition(condition, names);
    },
  };
  return names;
}

function outputsOf(region: Region, template: Template, names: Names): Record<string, string> {
  const { httpApis } = region.parts;
  return Object.fromEntries(
    Object.entries(template.Outputs ?? {})
      .filter(([, { Condition }]) => Condition === undefined || names.condition(Condition))
      .map(([name, { Value }]) => [
        name,
        httpApis.localUrl(String(evaluate(Value, names)), region.listening),
      ]),
  );
}
