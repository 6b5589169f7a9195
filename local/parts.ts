/**
 * The services of the region and what they hand to each other. A new service is a line here: an object with its
 * `service`, its handles for others, and `close` where something must end with the region.
 */
import type { Context, Hooks } from './context.ts';
import type { Iam } from './iam/iam.ts';
import { createHttpApis } from './services/apigateway/http-apis.ts';
import { createAutoScaling } from './services/autoscaling/autoscaling.ts';
import { createCloudWatch } from './services/cloudwatch/cloudwatch.ts';
import { createDynamoDb } from './services/dynamodb/dynamodb.ts';
import { createEbs } from './services/ebs/ebs.ts';
import { createEc2 } from './services/ec2/ec2.ts';
import { openReach } from './services/ec2/reach.ts';
import { createElbv2 } from './services/elbv2/elbv2.ts';
import { createEvents } from './services/events/events.ts';
import { createLambda } from './services/lambda/lambda.ts';
import { createLogs } from './services/logs/logs.ts';
import { createS3 } from './services/s3/s3.ts';
import { createServiceQuotas } from './services/servicequotas/service-quotas.ts';
import { createStates } from './services/states/states.ts';
import { createSts } from './services/sts/sts.ts';
import type { Front } from './wire/front-door.ts';
import type { WireRequest, WireResponse } from './wire/http.ts';

/** The hooks while the region is put together: each service fills in what it offers. */
export type OpenHooks = { -readonly [Name in keyof Hooks]: Hooks[Name] };

export interface Assembly {
  readonly context: Context;
  readonly iam: Iam;
  readonly hooks: OpenHooks;
  /** What answers at the front door besides AWS's APIs. */
  readonly fronts: Front[];
  /** The front door without a socket. */
  readonly transport: (request: WireRequest) => Promise<WireResponse>;
  /** What runs functions; follows from the clock unless told otherwise. */
  readonly executor: 'process' | 'context' | undefined;
  /** Where functions are unpacked and compiled, if not in the data folder. */
  readonly codeDir: string | undefined;
}

export type Parts = ReturnType<typeof createParts>;

export function createParts({ context, iam, hooks, fronts, transport, executor, codeDir }: Assembly) {
  const s3 = createS3(context);
  const dynamodb = createDynamoDb(context);
  const sts = createSts(context, iam);
  const logs = createLogs(context);
  const ebs = createEbs(context);
  const ec2 = createEc2(context, ebs);
  const cloudwatch = createCloudWatch(context);
  const lambda = createLambda(context, {
    logs,
    transport,
    executor,
    codeDir,
    iam,
    network: () => ec2.network,
    reach: openReach(context, ec2.instances, ec2.network),
    invoked: (name) => {
      const dimensions = [{ Name: 'FunctionName', Value: name }];
      cloudwatch.metrics.series('AWS/Lambda', 'Invocations', dimensions).add(context.clock.now(), 1);
    },
  });
  hooks.invokeAsync = lambda.invokeAsync;
  const httpApis = createHttpApis(context, iam, lambda, fronts);
  const states = createStates(context, iam);
  const events = createEvents(context, iam);
  hooks.publish = events.publish;
  const elbv2 = createElbv2(context, { ec2, cloudwatch });
  const autoscaling = createAutoScaling(context, { ec2, elbv2, cloudwatch });
  const quotas = createServiceQuotas(context, [
    ...Object.values(ec2.quotas),
    ...Object.values(ebs.quotas),
    ...Object.values(elbv2.state.quotas),
    ...Object.values(autoscaling.state.quotas),
  ]);
  // One line each, so that neighbours can add theirs.
  // biome-ignore format: one line each
  return {
    s3,
    dynamodb,
    ebs,
    ec2,
    cloudwatch,
    elbv2,
    autoscaling,
    sts,
    logs,
    lambda,
    httpApis,
    states,
    events,
    quotas,
  };
}
