/** The rates at which AWS throttles its APIs, as published for us-east-1 (read in November 2026). */

/** One bucket, or one for each action where `each` says so. */
export interface PublishedRate {
  /** As the region names services. */
  readonly service: string;
  /** What the bucket is for, in AWS's words. */
  readonly name: string;
  /** `reading`: Describe…, List…, Search… and Get…; `writing`: the others. */
  readonly actions: readonly string[] | 'all' | 'reading' | 'writing';
  readonly except?: readonly string[];
  /** A bucket for each action by itself, or one that they share. */
  readonly shared: boolean;
  /** Counts besides the call's other buckets; without it only the first bucket that a call fits counts. */
  readonly besides?: true;
  readonly burst: number;
  readonly perSecond: number;
  /** How many tokens a call takes; one unless told. None: the bucket is not for this call. */
  readonly tokens?: (input: Readonly<Record<string, unknown>>) => number;
  readonly source: string;
}

const ec2Page = 'https://docs.aws.amazon.com/ec2/latest/devguide/ec2-api-throttling.html';
const elbPage = 'https://docs.aws.amazon.com/elasticloadbalancing/latest/userguide/elb-api-throttling.html';
const statesPage = 'https://docs.aws.amazon.com/step-functions/latest/dg/service-quotas.html';
const cloudWatchPage =
  'https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/cloudwatch_limits.html';
const eventsPage = 'https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-quota.html';
const lambdaPage = 'https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html';

type Rates = Readonly<Record<string, readonly [burst: number, perSecond: number]>>;

function each(service: string, source: string, rates: Rates): PublishedRate[] {
  return Object.entries(rates).map(([action, [burst, perSecond]]) => ({
    service,
    name: action,
    actions: [action],
    shared: false,
    burst,
    perSecond,
    source,
  }));
}

/** "requested without specifying either pagination or a filter" */
const neitherFilteredNorPaged = [
  'DescribeInstances',
  'DescribeInstanceStatus',
  'DescribeNetworkInterfaces',
  'DescribeSecurityGroups',
  'DescribeSnapshots',
  'DescribeSpotInstanceRequests',
  'DescribeVolumes',
];

/** Ids are neither a filter nor a page, so that asking for some counts as wide: the page does not say otherwise. */
function isWide(input: Readonly<Record<string, unknown>>): boolean {
  return input.Filters === undefined && input.MaxResults === undefined && input.NextToken === undefined;
}

function instancesIn(input: Readonly<Record<string, unknown>>): number {
  const { InstanceIds: ids, MaxCount: most } = input;
  return Array.isArray(ids) ? ids.length : typeof most === 'number' ? most : 1;
}

/** "API actions that receive their own token bucket sizes and refill rates", those that the region has. */
const ec2Own: Rates = {
  CreateLaunchTemplateVersion: [100, 5],
  CreateTags: [100, 10],
  DeleteSnapshot: [100, 5],
  DeleteTags: [100, 10],
  DeregisterImage: [100, 5],
  ModifyImageAttribute: [100, 5],
  ModifyLaunchTemplate: [100, 5],
  ModifySnapshotAttribute: [100, 5],
  RunInstances: [5, 2],
  StartInstances: [5, 2],
  TerminateInstances: [100, 5],
};

/** "Resource token bucket": a token for each instance. */
const ec2Instances: Rates = {
  RunInstances: [1_000, 2],
  TerminateInstances: [1_000, 20],
  StartInstances: [1_000, 2],
  StopInstances: [1_000, 20],
};

export const publishedRates: readonly PublishedRate[] = [
  ...each('ec2', ec2Page, ec2Own),
  ...each('ec2', ec2Page, ec2Instances).map((rate) => ({
    ...rate,
    name: `${rate.name} (instances)`,
    besides: true as const,
    tokens: instancesIn,
  })),
  {
    service: 'ec2',
    name: 'Unfiltered and unpaginated non-mutating actions',
    actions: neitherFilteredNorPaged,
    shared: false,
    burst: 50,
    perSecond: 10,
    tokens: (input) => (isWide(input) ? 1 : 0),
    source: ec2Page,
  },
  {
    service: 'ec2',
    name: 'Non-mutating actions',
    actions: 'reading',
    shared: false,
    burst: 100,
    perSecond: 20,
    source: ec2Page,
  },
  {
    service: 'ec2',
    name: 'Mutating actions',
    actions: 'writing',
    shared: false,
    burst: 50,
    perSecond: 5,
    source: ec2Page,
  },
  {
    service: 'elasticloadbalancing',
    name: 'Account',
    actions: 'all',
    shared: true,
    besides: true,
    burst: 40,
    perSecond: 10,
    source: elbPage,
  },
  {
    service: 'elasticloadbalancing',
    name: 'Registration',
    actions: ['RegisterTargets', 'DeregisterTargets'],
    shared: true,
    burst: 20,
    perSecond: 4,
    source: elbPage,
  },
  {
    service: 'elasticloadbalancing',
    name: 'Mutating actions',
    actions: 'writing',
    shared: true,
    burst: 20,
    perSecond: 3,
    source: elbPage,
  },
  {
    // AWS says that there is one bucket for all of the service's calls, and not how large it is: taken as ELB's.
    service: 'autoscaling',
    name: 'Account',
    actions: 'all',
    shared: true,
    burst: 40,
    perSecond: 10,
    source: 'https://repost.aws/knowledge-center/autoscaling-api-calls-throttled',
  },
  ...each('states', statesPage, {
    CreateStateMachine: [100, 1],
    DeleteStateMachine: [100, 1],
    DescribeExecution: [300, 15],
    DescribeStateMachine: [200, 20],
    DescribeStateMachineForExecution: [200, 1],
    GetExecutionHistory: [400, 20],
    ListExecutions: [200, 5],
    ListStateMachines: [100, 5],
    ListTagsForResource: [100, 1],
    SendTaskFailure: [3_000, 500],
    SendTaskHeartbeat: [3_000, 500],
    SendTaskSuccess: [3_000, 500],
    StartExecution: [1_300, 300],
    StopExecution: [1_000, 200],
    TagResource: [200, 1],
    UntagResource: [200, 1],
    UpdateStateMachine: [100, 1],
  }),
  ...each('monitoring', cloudWatchPage, {
    DeleteAlarms: [3, 3],
    DescribeAlarms: [9, 9],
    GetMetricData: [50, 50],
    GetMetricStatistics: [400, 400],
    ListMetrics: [25, 25],
    PutMetricAlarm: [3, 3],
    PutMetricData: [500, 500],
    SetAlarmState: [3, 3],
  }),
  ...each('events', eventsPage, { PutEvents: [10_000, 10_000] }),
  {
    service: 'events',
    name: 'All other calls',
    actions: 'all',
    shared: true,
    burst: 50,
    perSecond: 50,
    source: eventsPage,
  },
  ...each('lambda', lambdaPage, { GetFunction: [100, 100], GetPolicy: [15, 15] }),
  {
    service: 'lambda',
    name: 'Control plane',
    actions: 'all',
    except: ['Invoke'],
    shared: true,
    burst: 15,
    perSecond: 15,
    source: lambdaPage,
  },
];
