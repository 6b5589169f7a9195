/** Which operations of AWS the product uses, and which errors it knows by name: read from its code. */
import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

const root = join(import.meta.dirname, '..', '..');

/** The region's names of services whose package is called otherwise. */
const services: Readonly<Record<string, string>> = {
  'auto-scaling': 'autoscaling',
  cloudwatch: 'monitoring',
  'cloudwatch-logs': 'logs',
  'elastic-load-balancing-v2': 'elasticloadbalancing',
  eventbridge: 'events',
  'service-quotas': 'servicequotas',
  sfn: 'states',
};

/** The operations behind the commands of lib-dynamodb. */
const documentCommands: Readonly<Record<string, string>> = {
  BatchGet: 'BatchGetItem',
  BatchWrite: 'BatchWriteItem',
  Delete: 'DeleteItem',
  Get: 'GetItem',
  Put: 'PutItem',
  Query: 'Query',
  Scan: 'Scan',
  TransactGet: 'TransactGetItems',
  TransactWrite: 'TransactWriteItems',
  Update: 'UpdateItem',
};

function textsOf(pattern: string): string[] {
  return globSync(pattern, { cwd: root }).map((file) => readFileSync(join(root, file), 'utf8'));
}

/**
 * Operations by the region's name of the service: `ec2.RegisterImage`.
 * @throws Error for what calls AWS in a way that cannot be read here: a paginator, a waiter, another integration.
 */
export function usedOperations(): ReadonlySet<string> {
  return new Set([
    ...['src', 'cli', 'functions'].flatMap((folder) =>
      textsOf(`${folder}/**/*.ts`).flatMap(operationsOfCode),
    ),
    ...textsOf('statemachines/*.asl.yml').flatMap(operationsOfMachine),
  ]);
}

/** The operations of a program: the commands that it imports. */
export function operationsOfCode(text: string): string[] {
  const imports = text.matchAll(/^import \{([^}]*)\} from '@aws-sdk\/(client|lib)-([\w-]+)'/gm);
  return [...imports].flatMap(([, names = '', kind, name = '']) =>
    names
      .split(',')
      .map((one) => one.trim())
      .filter((one) => one !== '' && !one.startsWith('type '))
      .flatMap((one) => {
        if (/^(paginate|waitUntil)[A-Z]/.test(one)) throw new Error(`${one} calls AWS, unseen by this test`);
        const command = /^([A-Z]\w+)Command$/.exec(one.split(' as ')[0] ?? '')?.[1];
        if (command === undefined) return [];
        if (kind === 'client') return [`${services[name] ?? name}.${command}`];
        const operation = documentCommands[command];
        if (operation === undefined) throw new Error(`What does ${command}Command of lib-${name} call?`);
        return [`dynamodb.${operation}`];
      }),
  );
}

/** The operations of a state machine: its tasks' integrations. */
export function operationsOfMachine(text: string): string[] {
  return [...text.matchAll(/\bResource: *['"]?([^\s'"]+)/g)].map(([, resource = '']) => {
    const found = /^arn:aws:states:::(lambda|states):(\w+)/.exec(resource);
    const [, service = '', action = ''] = found ?? [];
    if (found === null) throw new Error(`Which operation does the integration ${resource} call?`);
    return `${service}.${action.charAt(0).toUpperCase()}${action.slice(1)}`;
  });
}

/** The codes of errors that src/aws tells from others, by the names of the wire. */
export function knownErrors(): ReadonlySet<string> {
  const codes = textsOf('src/aws/*.ts').flatMap((text) => {
    const calls = [...text.matchAll(/hasCode\(\w+, ([^)]*)\)/g)].map(([, codes = '']) => codes);
    const lists = calls
      .flatMap((call) => [...call.matchAll(/\.\.\.(\w+)/g)])
      .map(([, list]) => new RegExp(`const ${list} = \\[([^\\]]*)\\]`).exec(text)?.[1] ?? '');
    return [...calls, ...lists].flatMap((list) =>
      [...list.matchAll(/'([^']+)'/g)].map(([, code = '']) => code),
    );
  });
  // The SDK for JavaScript has names of its own for modelled errors of the query protocols.
  return new Set(
    codes.filter(
      (code) => !codes.includes(code.replace(/(Fault|Exception)$/, '')) || !/(Fault|Exception)$/.test(code),
    ),
  );
}
