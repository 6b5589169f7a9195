/**
 * Whether the account has room for a candidate: what it needs, what is used, and what the quotas allow. A quota that
 * is not known refuses nothing, because a launch that does not fit fails before any traffic moves; the plan says that
 * it was not checked.
 */

export type Market = 'on-demand' | 'spot';

/** A quota as the Service Quotas console names it. */
export interface QuotaRef {
  readonly service: 'ec2' | 'autoscaling' | 'elasticloadbalancing';
  readonly code: string;
  readonly name: string;
}

/** What was read, or why it could not be. */
export type Known<T> =
  | { readonly known: true; readonly value: T }
  | { readonly known: false; readonly why: string };

export interface RunningInstance {
  readonly id: string;
  readonly type: string;
  readonly market: Market;
}

export interface Usage {
  readonly used: number;
  readonly quota: number;
}

export interface QuotaWorld {
  /** Every instance of the account that counts: pending or running. */
  readonly running: Known<readonly RunningInstance[]>;
  /** vCPUs by instance type, as EC2 counts them: the type's default, whatever an instance's CPU options say. */
  readonly vcpus: Known<ReadonlyMap<string, number>>;
  /** Values by the quota's code; those of {@link vcpuQuotas}, and of {@link targetQuotas} for large fleets. */
  readonly quotas: ReadonlyMap<string, Known<number>>;
  readonly groups: Known<Usage>;
  /** Versions of the fleet's launch template; undefined where they cannot be many yet. */
  readonly templateVersions: Known<Usage> | undefined;
}

/** What is about to be launched. */
export interface LaunchNeed {
  /** In order of preference. */
  readonly types: readonly string[];
  readonly spotPercent: number;
  /** Instances of the group when it is ready. */
  readonly count: number;
  /** Of these, instances that run already: those of a warm group. */
  readonly already: number;
  /** A new group with a new version of the launch template; a warm release has both. */
  readonly newGroup: boolean;
  /** Instances that are gone before the launch: those of the release that leaves the slot. */
  readonly leaving: readonly string[];
  /** Groups that are gone before the launch. */
  readonly groupsLeaving: number;
  /** Instances of live: targets of the same load balancer. */
  readonly serving: number;
}

const ec2 = (code: string, name: string): QuotaRef => ({ service: 'ec2', code, name });

/**
 * vCPU quotas by the letters with which an instance type begins; On-Demand and Spot apart.
 * https://docs.aws.amazon.com/ec2/latest/instancetypes/ec2-instance-quotas.html
 */
const families: readonly (readonly [letters: RegExp, quotas: Partial<Record<Market, QuotaRef>>])[] = [
  [
    /^(a|c|d|h|i|im|is|m|r|t|z)$/,
    {
      'on-demand': ec2('L-1216C47A', 'Running On-Demand Standard (A, C, D, H, I, M, R, T, Z) instances'),
      spot: ec2('L-34B43A08', 'All Standard (A, C, D, H, I, M, R, T, Z) Spot Instance Requests'),
    },
  ],
  [
    /^f$/,
    {
      'on-demand': ec2('L-74FC7D96', 'Running On-Demand F instances'),
      spot: ec2('L-88CF9481', 'All F Spot Instance Requests'),
    },
  ],
  [
    /^(g|gr|vt)$/,
    {
      'on-demand': ec2('L-DB2E81BA', 'Running On-Demand G and VT instances'),
      spot: ec2('L-3819A6DF', 'All G and VT Spot Instance Requests'),
    },
  ],
  // Spot has one quota for P5 and another for those before it: not worth guessing which one a newer type counts to.
  [/^p$/, { 'on-demand': ec2('L-417A185B', 'Running On-Demand P instances') }],
  [
    /^x$/,
    {
      'on-demand': ec2('L-7295265B', 'Running On-Demand X instances'),
      spot: ec2('L-E3A00192', 'All X Spot Instance Requests'),
    },
  ],
  [
    /^inf$/,
    {
      'on-demand': ec2('L-1945791B', 'Running On-Demand Inf instances'),
      spot: ec2('L-B5D1601B', 'All Inf Spot Instance Requests'),
    },
  ],
  [
    /^trn$/,
    {
      'on-demand': ec2('L-2C3B7624', 'Running On-Demand Trn instances'),
      spot: ec2('L-6B0D517C', 'All Trn Spot Instance Requests'),
    },
  ],
  [
    /^dl$/,
    {
      'on-demand': ec2('L-6E869C2A', 'Running On-Demand DL instances'),
      spot: ec2('L-85EED4F7', 'All DL Spot Instance Requests'),
    },
  ],
  [/^hpc$/, { 'on-demand': ec2('L-F7808C92', 'Running On-Demand HPC instances') }],
];

/** The quota to which an instance's vCPUs count; undefined where this code knows none. */
export function vcpuQuota(instanceType: string, market: Market): QuotaRef | undefined {
  const letters = /^[a-z]+/.exec(instanceType)?.[0] ?? '';
  return families.find(([pattern]) => pattern.test(letters))?.[1][market];
}

export const groupQuota: QuotaRef = {
  service: 'autoscaling',
  code: 'L-CDE20ADC',
  name: 'Auto Scaling groups per region',
};

export const templateVersionQuota = ec2('L-142B4294', 'Launch template versions');

/**
 * Versions that every account may keep of a launch template. A rollout makes one at most, so that a fleet's count of
 * rollouts tells without a call that there is room.
 * https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/launch-template-restrictions.html
 */
export const templateVersionsGiven = 10_000;

/**
 * Targets that every account may have, in a target group and behind a load balancer: smaller fleets ask no quota.
 * https://docs.aws.amazon.com/elasticloadbalancing/latest/application/load-balancer-limits.html
 */
export const targetsGiven = 1_000;

const balancing = (code: string, name: string): QuotaRef => ({ service: 'elasticloadbalancing', code, name });

export const targetQuotas = {
  group: balancing('L-A0D0B863', 'Targets per Target Group per Region'),
  balancer: balancing('L-7E6692B2', 'Targets per Application Load Balancer'),
} as const;

/**
 * How many of a group's instances are On-Demand: the first, then a share that is rounded up, as the group's mixed
 * instances policy has it (src/aws/groups.ts).
 */
export function onDemandCount(count: number, spotPercent: number): number {
  if (count === 0) return 0;
  return 1 + Math.ceil(((count - 1) * (100 - spotPercent)) / 100);
}

/** Instances to be launched, by market. */
function launches({ count, already, spotPercent }: LaunchNeed): Readonly<Record<Market, number>> {
  const more = Math.max(count, already);
  const onDemand = onDemandCount(more, spotPercent) - onDemandCount(already, spotPercent);
  return { 'on-demand': Math.max(0, onDemand), spot: Math.max(0, more - already - onDemand) };
}

/** The types that instances of a market may have. On-Demand takes the first: the strategy is `prioritized`. */
function typesIn(market: Market, types: readonly string[]): readonly string[] {
  return market === 'on-demand' ? types.slice(0, 1) : types;
}

/** The vCPU quotas that a launch of these types may count to. */
export function vcpuQuotas(need: Pick<LaunchNeed, 'types' | 'spotPercent'>): readonly QuotaRef[] {
  const markets: readonly Market[] = need.spotPercent > 0 ? ['on-demand', 'spot'] : ['on-demand'];
  const all = markets.flatMap((market) =>
    typesIn(market, need.types).flatMap((type) => vcpuQuota(type, market) ?? []),
  );
  return [...new Map(all.map((quota) => [quota.code, quota])).values()];
}

/** `aws service-quotas request-service-quota-increase …`, to paste. */
function raise(quota: QuotaRef, wanted: number): string {
  return `aws service-quotas request-service-quota-increase --service-code ${quota.service} --quota-code ${quota.code} --desired-value ${wanted}`;
}

function refusal(what: string, quota: QuotaRef, need: number, usage: Usage): string {
  return `${what}: ${need} needed, ${usage.used} of ${usage.quota} used (quota ${quota.code}, ${quota.name}); remove what is not needed, or raise it: ${raise(quota, usage.used + need)}`;
}

const notChecked = (what: string, quota: QuotaRef, why: string): string =>
  `${what} were not checked against quota ${quota.code} (${quota.name}): ${why}`;

interface Judged {
  readonly reasons: readonly string[];
  readonly notes: readonly string[];
}

/** What of the account's quotas stands against a launch, each with its cure; and what could not be checked. */
export function judgeQuotas(need: LaunchNeed, world: QuotaWorld): Judged {
  const wanted = launches(need);
  const judged: Judged[] = (['on-demand', 'spot'] as const)
    .filter((market) => wanted[market] > 0)
    .map((market) => judgeVcpus(market, wanted[market], need, world));
  if (need.newGroup) {
    judged.push(judgeUsage('Auto Scaling groups', groupQuota, world.groups, need.groupsLeaving));
    if (world.templateVersions !== undefined) {
      judged.push(
        judgeUsage('versions of the launch template', templateVersionQuota, world.templateVersions, 0),
      );
    }
  }
  judged.push(judgeTargets(targetQuotas.group, 0, need, world));
  // Other fleets' targets count too, and are not looked for: what does not fit with our own does not fit.
  judged.push(judgeTargets(targetQuotas.balancer, need.serving, need, world));
  return {
    reasons: judged.flatMap(({ reasons }) => reasons),
    notes: judged.flatMap(({ notes }) => notes),
  };
}

function judgeTargets(quota: QuotaRef, used: number, { count }: LaunchNeed, { quotas }: QuotaWorld): Judged {
  const good: Judged = { reasons: [], notes: [] };
  if (used + count <= targetsGiven) return good;
  const value = quotas.get(quota.code) ?? { known: false, why: 'it was not read' };
  if (!value.known) return { reasons: [], notes: [notChecked('targets', quota, value.why)] };
  if (used + count <= value.value) return good;
  return { reasons: [refusal('targets', quota, count, { used, quota: value.value })], notes: [] };
}

function judgeUsage(what: string, quota: QuotaRef, seen: Known<Usage>, leaving: number): Judged {
  if (!seen.known) return { reasons: [], notes: [notChecked(what, quota, seen.why)] };
  const usage = { used: seen.value.used - leaving, quota: seen.value.quota };
  return { reasons: usage.used + 1 > usage.quota ? [refusal(what, quota, 1, usage)] : [], notes: [] };
}

/** Fits where one of the types that the market may take fits; otherwise the first of them says why. */
function judgeVcpus(market: Market, count: number, need: LaunchNeed, world: QuotaWorld): Judged {
  const tried = typesIn(market, need.types).map((type) => judgeType(type, market, count, need, world));
  return (
    tried.find(({ reasons, notes }) => reasons.length === 0 && notes.length === 0) ??
    tried.find(({ reasons }) => reasons.length === 0) ??
    tried[0] ?? { reasons: [], notes: [] }
  );
}

function judgeType(
  type: string,
  market: Market,
  count: number,
  need: LaunchNeed,
  { running, vcpus, quotas }: QuotaWorld,
): Judged {
  const what = `vCPUs of ${count} ${market === 'spot' ? 'Spot' : 'On-Demand'} ${type}`;
  const quota = vcpuQuota(type, market);
  if (quota === undefined)
    return { reasons: [], notes: [`${what} were not checked: their quota is not known`] };
  const unknown = (why: string): Judged => ({ reasons: [], notes: [notChecked(what, quota, why)] });
  const value = quotas.get(quota.code) ?? { known: false, why: 'it was not read' };
  if (!value.known) return unknown(value.why);
  if (!running.known) return unknown(running.why);
  if (!vcpus.known) return unknown(vcpus.why);
  const each = vcpus.value.get(type);
  if (each === undefined) return unknown(`EC2 does not know ${type}`);
  const used = running.value
    .filter((one) => !need.leaving.includes(one.id) && vcpuQuota(one.type, one.market)?.code === quota.code)
    .reduce((sum, one) => sum + (vcpus.value.get(one.type) ?? 0), 0);
  const wanted = count * each;
  if (used + wanted <= value.value) return { reasons: [], notes: [] };
  return { reasons: [refusal(what, quota, wanted, { used, quota: value.value })], notes: [] };
}
