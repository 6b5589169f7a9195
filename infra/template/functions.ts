/** The `functions` of serverless.yml, made of what infra/functions declares. */
import { camelCase, type DeclaredFunction, declaredFunctions, pascalCase } from './declared.ts';

function event(route: string): object {
  const [method, path] = route.split(' ');
  return { httpApi: { method, path, authorizer: { type: 'aws_iam' } } };
}

const list = (parameter: string): object => ({
  'Fn::Split': [',', { 'Fn::Join': [',', { Ref: parameter }] }],
});

function entry(declared: DeclaredFunction, stack: string): object {
  return {
    name: `${stack}-${declared.name}`,
    // The bundle has the function's own name, so that a stack trace tells which one it is.
    handler: `${declared.name}.handler`,
    role: `${pascalCase(declared.name)}Role`,
    memorySize: declared.memoryMb,
    timeout: declared.timeoutSeconds,
    // Ref of a list; osls wants to see a list or one of these functions.
    ...(declared.vpc
      ? { vpc: { subnetIds: list('SubnetIds'), securityGroupIds: list('SecurityGroupIds') } }
      : {}),
    package: { artifact: `.build/bundles/${declared.name}.zip` },
    environment: { POWERTOOLS_SERVICE_NAME: declared.name, ...declared.environment },
    events: declared.routes.map(event),
  };
}

/** @param stack the stack's name, with which each function's name begins. */
export function functions(stack: string): Record<string, object> {
  return Object.fromEntries(
    declaredFunctions().map((declared) => [camelCase(declared.name), entry(declared, stack)]),
  );
}

/** The logical id that osls gives to a function: `ReceiveUploadLambdaFunction`. */
export function functionLogicalId(name: string): string {
  return `${pascalCase(name)}LambdaFunction`;
}
