/**
 * Which services can be spoken to, and in which protocol. Operations and shapes come from the SDK's own
 * schemas, loaded when a service is first asked on the wire: the EC2 client alone costs 0.2 s and 30 MB.
 */
import { NormalizedSchema } from '@smithy/core/schema';
import type { StaticErrorSchema, StaticOperationSchema } from '@smithy/types';

export type Protocol = 'ec2Query' | 'awsQuery' | 'awsJson1.0' | 'awsJson1.1' | 'restJson' | 'restXml';

interface Entry {
  /** The protocol of the SDK's client for JavaScript. */
  readonly protocol: Protocol;
  readonly load: () => Promise<object>;
  /** Prefix of `X-Amz-Target`. */
  readonly target?: string;
  readonly xmlNamespace?: string;
  /** The JSON protocol also carries the code of the older query protocol, as a header. */
  readonly queryCompatible?: boolean;
}

/** By the service name in the credential scope, which is the region's id of the service. */
const entries: Readonly<Record<string, Entry>> = {
  s3: {
    protocol: 'restXml',
    load: () => import('@aws-sdk/client-s3'),
    xmlNamespace: 'http://s3.amazonaws.com/doc/2006-03-01/',
  },
  dynamodb: {
    protocol: 'awsJson1.0',
    load: () => import('@aws-sdk/client-dynamodb'),
    target: 'DynamoDB_20120810',
  },
  sts: {
    protocol: 'awsQuery',
    load: () => import('@aws-sdk/client-sts'),
    xmlNamespace: 'https://sts.amazonaws.com/doc/2011-06-15/',
  },
  ec2: {
    protocol: 'ec2Query',
    load: () => import('@aws-sdk/client-ec2'),
    xmlNamespace: 'http://ec2.amazonaws.com/doc/2016-11-15/',
  },
  ebs: { protocol: 'restJson', load: () => import('@aws-sdk/client-ebs') },
  autoscaling: {
    protocol: 'awsQuery',
    load: () => import('@aws-sdk/client-auto-scaling'),
    xmlNamespace: 'http://autoscaling.amazonaws.com/doc/2011-01-01/',
  },
  elasticloadbalancing: {
    protocol: 'awsQuery',
    load: () => import('@aws-sdk/client-elastic-load-balancing-v2'),
    xmlNamespace: 'http://elasticloadbalancing.amazonaws.com/doc/2015-12-01/',
  },
  // The client for JavaScript speaks JSON 1.0, the AWS CLI the older query protocol: both are accepted.
  monitoring: {
    protocol: 'awsJson1.0',
    load: () => import('@aws-sdk/client-cloudwatch'),
    target: 'GraniteServiceVersion20100801',
    xmlNamespace: 'http://monitoring.amazonaws.com/doc/2010-08-01/',
    queryCompatible: true,
  },
  states: {
    protocol: 'awsJson1.0',
    load: () => import('@aws-sdk/client-sfn'),
    target: 'AWSStepFunctions',
  },
  lambda: { protocol: 'restJson', load: () => import('@aws-sdk/client-lambda') },
  events: {
    protocol: 'awsJson1.1',
    load: () => import('@aws-sdk/client-eventbridge'),
    target: 'AWSEvents',
  },
  logs: {
    protocol: 'awsJson1.1',
    load: () => import('@aws-sdk/client-cloudwatch-logs'),
    target: 'Logs_20140328',
  },
  servicequotas: {
    protocol: 'awsJson1.1',
    load: () => import('@aws-sdk/client-service-quotas'),
    target: 'ServiceQuotasV20190624',
  },
};

export interface OperationShape {
  readonly name: string;
  readonly input: NormalizedSchema;
  readonly output: NormalizedSchema;
  /** `[method, uri template, status]` of the REST protocols. */
  readonly http: readonly [string, string, number] | undefined;
}

export interface ServiceShape {
  readonly id: string;
  readonly protocol: Protocol;
  readonly target: string | undefined;
  readonly xmlNamespace: string | undefined;
  readonly queryCompatible: boolean;
  readonly operations: ReadonlyMap<string, OperationShape>;
  /** Modelled errors by shape name and by wire code. */
  readonly errors: ReadonlyMap<string, ErrorShape>;
}

interface ErrorShape {
  readonly name: string;
  /** The code on the wire of the query protocols, where it differs from the name. */
  readonly queryCode: string;
  /** The HTTP status that the model gives it, where it gives one. */
  readonly status: number | undefined;
  readonly schema: NormalizedSchema;
}

/** The protocol of a service, before its schemas are loaded. */
export function protocolOf(serviceId: string): Protocol | undefined {
  return entries[serviceId]?.protocol;
}

/** The service that an `X-Amz-Target` names, for requests that carry no signature. */
export function serviceOfTarget(target: string): string | undefined {
  const prefix = target.slice(0, target.lastIndexOf('.'));
  return Object.keys(entries).find((id) => entries[id]?.target === prefix);
}

const loaded = new Map<string, Promise<ServiceShape>>();

/** The shapes of a service; the same promise each time. `undefined` for a service that is not spoken. */
export function shapeOf(serviceId: string): Promise<ServiceShape> | undefined {
  const entry = entries[serviceId];
  if (entry === undefined) return undefined;
  let shape = loaded.get(serviceId);
  if (shape === undefined) {
    shape = entry.load().then((module) => read(serviceId, entry, module));
    loaded.set(serviceId, shape);
  }
  return shape;
}

const operationTag = 9;
const errorTag = -3;

function read(id: string, entry: Entry, module: object): ServiceShape {
  const operations = new Map<string, OperationShape>();
  const errors = new Map<string, ErrorShape>();
  for (const value of Object.values(module)) {
    if (!Array.isArray(value)) continue;
    if (value[0] === operationTag) {
      const operation = value as unknown as StaticOperationSchema;
      const traits = traitsOf(operation[3]);
      operations.set(operation[2], {
        name: operation[2],
        input: NormalizedSchema.of(operation[4]),
        output: NormalizedSchema.of(operation[5]),
        http: traits.http as OperationShape['http'],
      });
    } else if (value[0] === errorTag) {
      const error = value as unknown as StaticErrorSchema;
      const traits = traitsOf(error[3]);
      const query = traits.awsQueryError as [string, number] | undefined;
      const shape: ErrorShape = {
        name: error[2],
        queryCode: query?.[0] ?? error[2],
        status: query?.[1] ?? (traits.httpError as number | undefined),
        schema: NormalizedSchema.of(error),
      };
      errors.set(shape.name, shape);
      if (!errors.has(shape.queryCode)) errors.set(shape.queryCode, shape);
    }
  }
  return {
    id,
    protocol: entry.protocol,
    target: entry.target,
    xmlNamespace: entry.xmlNamespace,
    queryCompatible: entry.queryCompatible ?? false,
    operations,
    errors,
  };
}

function traitsOf(traits: unknown): Readonly<Record<string, unknown>> {
  return typeof traits === 'object' && traits !== null ? (traits as Record<string, unknown>) : {};
}
