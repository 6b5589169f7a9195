/**
 * What is described from copies that lag behind: the resources, how an answer lists them, and how a service says that
 * it does not know one (yet).
 * https://docs.aws.amazon.com/ec2/latest/devguide/eventual-consistency.html
 * https://docs.aws.amazon.com/autoscaling/ec2/userguide/gs-troubleshooting.html
 */

type Members = Readonly<Record<string, unknown>>;

/** One thing in an answer. */
export interface Listed {
  readonly id: string;
  readonly item: unknown;
}

export interface Resource {
  readonly service: string;
  /** The operation that describes it. */
  readonly describe: string;
  /** The input's member that asks for some by id. */
  readonly asks: string;
  /** The ids of such things that a call names, by the call's input or output. */
  readonly ids: (members: Members) => readonly string[];
  readonly list: (output: Members, input: Members) => readonly Listed[];
  /** The answer with these things instead. */
  readonly relist: (output: Members, items: readonly Listed[]) => Members;
  /** The error for an id that is not known; where there is none the answer is just shorter. */
  readonly unknown?: { readonly code: string; readonly message: (id: string) => string };
}

/** Strings anywhere in the members of a call that look like this. */
function matching(pattern: RegExp) {
  const found = (value: unknown, depth: number): readonly string[] => {
    if (typeof value === 'string') return pattern.test(value) ? [value] : [];
    if (typeof value !== 'object' || value === null || depth === 0 || value instanceof Uint8Array) return [];
    return Object.values(value).flatMap((one) => found(one, depth - 1));
  };
  return (members: Members): readonly string[] => found(members, 3);
}

function plain(
  service: string,
  describe: string,
  member: string,
  idMember: string,
  rest: Pick<Resource, 'asks' | 'ids' | 'unknown'>,
): Resource {
  return {
    service,
    describe,
    ...rest,
    list: (output) =>
      ((output[member] ?? []) as readonly Members[]).map((item) => ({ id: String(item[idMember]), item })),
    relist: (output, items) => ({ ...output, [member]: items.map(({ item }) => item) }),
  };
}

interface Reservation {
  readonly Instances?: readonly { readonly InstanceId?: string }[];
}

const instances: Resource = {
  service: 'ec2',
  describe: 'DescribeInstances',
  asks: 'InstanceIds',
  ids: matching(/^i-[0-9a-f]{17}$/),
  unknown: {
    code: 'InvalidInstanceID.NotFound',
    message: (id) => `The instance ID '${id}' does not exist`,
  },
  list: (output) =>
    ((output.Reservations ?? []) as readonly Reservation[]).flatMap(({ Instances = [] }) =>
      Instances.map((item) => ({ id: String(item.InstanceId), item })),
    ),
  relist: (output, items) => {
    const known = new Map(items.map(({ id, item }) => [id, item]));
    const reservations = ((output.Reservations ?? []) as readonly Reservation[])
      .map((one) => ({
        ...one,
        Instances: (one.Instances ?? []).flatMap(({ InstanceId: id = '' }) => known.get(id) ?? []),
      }))
      .filter((one) => one.Instances.length > 0);
    return { ...output, Reservations: reservations };
  },
};

const targetHealth: Resource = {
  service: 'elasticloadbalancing',
  describe: 'DescribeTargetHealth',
  asks: 'TargetGroupArn',
  ids: matching(/:targetgroup\//),
  // The list as a whole is what a copy knows of the group.
  list: (output, input) =>
    input.Targets === undefined
      ? [{ id: String(input.TargetGroupArn), item: output.TargetHealthDescriptions }]
      : [],
  relist: (output, items) => ({ ...output, TargetHealthDescriptions: items[0]?.item ?? [] }),
};

export const resources: readonly Resource[] = [
  instances,
  targetHealth,
  plain('ec2', 'DescribeImages', 'Images', 'ImageId', {
    asks: 'ImageIds',
    ids: matching(/^ami-[0-9a-f]{17}$/),
    unknown: { code: 'InvalidAMIID.NotFound', message: (id) => `The image id '[${id}]' does not exist` },
  }),
  plain('ec2', 'DescribeSnapshots', 'Snapshots', 'SnapshotId', {
    asks: 'SnapshotIds',
    ids: matching(/^snap-[0-9a-f]{17}$/),
    unknown: {
      code: 'InvalidSnapshot.NotFound',
      message: (id) => `The snapshot '${id}' does not exist.`,
    },
  }),
  plain('ec2', 'DescribeLaunchTemplates', 'LaunchTemplates', 'LaunchTemplateId', {
    asks: 'LaunchTemplateIds',
    ids: matching(/^lt-[0-9a-f]{17}$/),
    unknown: {
      code: 'InvalidLaunchTemplateId.NotFound',
      message: (id) => `The specified launch template, with template ID ${id}, does not exist.`,
    },
  }),
  plain('autoscaling', 'DescribeAutoScalingGroups', 'AutoScalingGroups', 'AutoScalingGroupName', {
    asks: 'AutoScalingGroupNames',
    ids: ({ AutoScalingGroupName: name }) => (typeof name === 'string' ? [name] : []),
  }),
  plain('elasticloadbalancing', 'DescribeTargetGroups', 'TargetGroups', 'TargetGroupArn', {
    asks: 'TargetGroupArns',
    ids: matching(/:targetgroup\//),
    unknown: { code: 'TargetGroupNotFound', message: () => 'One or more target groups not found' },
  }),
  plain('elasticloadbalancing', 'DescribeRules', 'Rules', 'RuleArn', {
    asks: 'RuleArns',
    ids: matching(/:listener-rule\//),
    unknown: { code: 'RuleNotFound', message: () => 'One or more rules not found' },
  }),
];
