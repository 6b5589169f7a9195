import { describe, expect, it } from 'vitest';
import {
  judgeQuotas,
  type LaunchNeed,
  onDemandCount,
  type QuotaWorld,
  vcpuQuota,
  vcpuQuotas,
} from '../../../src/fleet/quotas.ts';

const standard = 'L-1216C47A';
const standardSpot = 'L-34B43A08';
const running = (count: number, type = 't3.nano', market: 'on-demand' | 'spot' = 'on-demand') =>
  Array.from({ length: count }, (_, index) => ({ id: `i-${type}-${market}-${index}`, type, market }));

const need: LaunchNeed = {
  types: ['t3.nano'],
  spotPercent: 0,
  count: 4,
  already: 0,
  newGroup: true,
  leaving: [],
  groupsLeaving: 0,
  serving: 0,
};

function judge(more: Partial<LaunchNeed> = {}, world: Partial<QuotaWorld> = {}) {
  return judgeQuotas(
    { ...need, ...more },
    {
      running: { known: true, value: [] },
      vcpus: {
        known: true,
        value: new Map([
          ['t3.nano', 2],
          ['c7i.xlarge', 4],
          ['g5.xlarge', 4],
        ]),
      },
      quotas: new Map([
        [standard, { known: true, value: 16 }],
        [standardSpot, { known: true, value: 16 }],
        ['L-DB2E81BA', { known: true, value: 0 }],
      ]),
      groups: { known: true, value: { used: 10, quota: 500 } },
      templateVersions: undefined,
      ...world,
    },
  );
}

describe('the quotas that a launch counts to', () => {
  it.each([
    ['t3.nano', 'on-demand', standard],
    ['c7gn.large', 'on-demand', standard],
    ['im4gn.large', 'on-demand', standard],
    ['is4gen.large', 'spot', standardSpot],
    ['i4i.large', 'on-demand', standard],
    ['inf2.xlarge', 'on-demand', 'L-1945791B'],
    ['inf2.xlarge', 'spot', 'L-B5D1601B'],
    ['g5.xlarge', 'on-demand', 'L-DB2E81BA'],
    ['gr6.4xlarge', 'on-demand', 'L-DB2E81BA'],
    ['vt1.3xlarge', 'spot', 'L-3819A6DF'],
    ['trn1.2xlarge', 'on-demand', 'L-2C3B7624'],
    ['trn1.2xlarge', 'spot', 'L-6B0D517C'],
    ['hpc7a.12xlarge', 'on-demand', 'L-F7808C92'],
    ['x2idn.16xlarge', 'on-demand', 'L-7295265B'],
    ['f2.6xlarge', 'spot', 'L-88CF9481'],
    ['p5.4xlarge', 'on-demand', 'L-417A185B'],
    ['p5.4xlarge', 'spot', undefined],
    ['mac2.metal', 'on-demand', undefined],
    ['u7i-12tb.224xlarge', 'on-demand', undefined],
    ['dl1.24xlarge', 'on-demand', 'L-6E869C2A'],
  ] as const)('%s, %s: %s', (type, market, code) => {
    expect(vcpuQuota(type, market)?.code).toBe(code);
  });

  it('are those of the first type for On-Demand, of every type for Spot, each once', () => {
    const types = ['t3.nano', 'c7i.xlarge', 'g5.xlarge'];
    expect(vcpuQuotas({ types, spotPercent: 0 }).map(({ code }) => code)).toEqual([standard]);
    expect(vcpuQuotas({ types, spotPercent: 50 }).map(({ code }) => code)).toEqual([
      standard,
      standardSpot,
      'L-3819A6DF',
    ]);
    expect(vcpuQuotas({ types: ['mac2.metal', 'p5.4xlarge'], spotPercent: 50 })).toEqual([]);
  });

  it.each([
    [0, 50, 0],
    [1, 100, 1],
    [4, 100, 1],
    [4, 50, 3],
    [5, 50, 3],
    [4, 0, 4],
  ])('of %i instances with %i %% Spot, %i are On-Demand', (count, spot, onDemand) => {
    expect(onDemandCount(count, spot)).toBe(onDemand);
  });
});

describe('a launch and the quotas', () => {
  it('fits to the last vCPU', () => {
    expect(judge({}, { running: { known: true, value: running(4) } })).toEqual({ reasons: [], notes: [] });
  });

  it('is refused with need, use, quota, and what raises it', () => {
    const { reasons, notes } = judge({}, { running: { known: true, value: running(5) } });
    expect(notes).toEqual([]);
    expect(reasons).toEqual([
      'vCPUs of 4 On-Demand t3.nano: 8 needed, 10 of 16 used (quota L-1216C47A, Running On-Demand Standard (A, C, D, H, I, M, R, T, Z) instances); remove what is not needed, or raise it: aws service-quotas request-service-quota-increase --service-code ec2 --quota-code L-1216C47A --desired-value 18',
    ]);
  });

  it('does not count what another quota counts', () => {
    const others = [...running(9, 't3.nano', 'spot'), ...running(9, 'g5.xlarge')];
    expect(judge({}, { running: { known: true, value: others } }).reasons).toEqual([]);
  });

  it('counts the sizes that run, each by its vCPUs', () => {
    const used = { known: true, value: running(3, 'c7i.xlarge') } as const;
    expect(judge({ count: 2 }, { running: used }).reasons).toEqual([]);
    expect(judge({ count: 3 }, { running: used }).reasons[0]).toContain('6 needed, 12 of 16 used');
  });

  it('does not count the instances that leave the slot first', () => {
    const value = running(5);
    const leaving = [value[0]?.id ?? ''];
    expect(judge({ leaving }, { running: { known: true, value } }).reasons).toEqual([]);
  });

  it('needs of a warm group only what is added to it', () => {
    const value = running(6);
    const warm = { newGroup: false, already: 2 };
    expect(judge(warm, { running: { known: true, value } }).reasons).toEqual([]);
    expect(judge({ ...warm, count: 5 }, { running: { known: true, value } }).reasons[0]).toContain(
      '6 needed',
    );
  });

  it('needs nothing where the warm group is large enough', () => {
    const warm = { newGroup: false, already: 6 };
    expect(judge(warm, { running: { known: true, value: running(8) } }).reasons).toEqual([]);
  });

  it('judges On-Demand and Spot apart, each with a reason', () => {
    const value = [...running(7), ...running(8, 't3.nano', 'spot')];
    const { reasons } = judge({ spotPercent: 50 }, { running: { known: true, value } });
    expect(reasons.map((reason) => reason.split(';')[0])).toEqual([
      expect.stringContaining('vCPUs of 3 On-Demand t3.nano: 6 needed, 14 of 16 used'),
      expect.stringContaining('vCPUs of 1 Spot t3.nano: 2 needed, 16 of 16 used'),
    ]);
  });

  it('fits as Spot where one of its types fits', () => {
    const spot = { types: ['c7i.xlarge', 't3.nano'], spotPercent: 100, count: 2 };
    const value = running(7, 't3.nano', 'spot');
    expect(judge(spot, { running: { known: true, value } }).reasons).toEqual([]);
  });

  it('wants room for its group, unless one leaves', () => {
    const full = { groups: { known: true, value: { used: 500, quota: 500 } } } as const;
    expect(judge({}, full).reasons[0]).toMatch(
      /^Auto Scaling groups: 1 needed, 500 of 500 used \(quota L-CDE20ADC.*--service-code autoscaling --quota-code L-CDE20ADC --desired-value 501$/,
    );
    expect(judge({ groupsLeaving: 1 }, full).reasons).toEqual([]);
    expect(judge({ newGroup: false, already: 4 }, full).reasons).toEqual([]);
  });

  it('wants room for its version of the launch template', () => {
    const versions = (used: number) =>
      judge({}, { templateVersions: { known: true, value: { used, quota: 10_000 } } }).reasons;
    expect(versions(9_999)).toEqual([]);
    expect(versions(10_000)[0]).toContain(
      'versions of the launch template: 1 needed, 10000 of 10000 used (quota L-142B4294',
    );
  });

  it('tells everything at once', () => {
    const { reasons } = judge(
      { spotPercent: 50 },
      {
        running: { known: true, value: [...running(8), ...running(8, 't3.nano', 'spot')] },
        groups: { known: true, value: { used: 500, quota: 500 } },
        templateVersions: { known: true, value: { used: 10_000, quota: 10_000 } },
      },
    );
    expect(reasons).toHaveLength(4);
  });
});

describe('a quota that is not known', () => {
  const denied = { known: false, why: 'AccessDeniedException: no' } as const;
  it.each<[string, Partial<QuotaWorld>]>([
    ['its value', { quotas: new Map([[standard, denied]]) }],
    ['what runs', { running: denied }],
    ['the vCPUs of the types', { vcpus: denied }],
    ['the number of groups', { groups: denied }],
    ['the versions of the template', { templateVersions: denied }],
  ])('refuses nothing, and is told: %s', (_, world) => {
    const { reasons, notes } = judge({}, world);
    expect(reasons).toEqual([]);
    expect(notes).toHaveLength(1);
    expect(notes[0]).toMatch(/were not checked against quota L-.*AccessDeniedException: no/);
  });

  it('is told where a type is in no family that is known', () => {
    expect(judge({ types: ['mac2.metal'] })).toEqual({
      reasons: [],
      notes: ['vCPUs of 4 On-Demand mac2.metal were not checked: their quota is not known'],
    });
  });

  it('is told where EC2 does not know the type', () => {
    expect(judge({ types: ['c9z.large'] })).toEqual({
      reasons: [],
      notes: [expect.stringContaining('EC2 does not know c9z.large')],
    });
  });

  it('is told where nobody read it', () => {
    expect(judge({}, { quotas: new Map() })).toEqual({
      reasons: [],
      notes: [expect.stringContaining('it was not read')],
    });
  });
});

describe('Spot of several types', () => {
  // Two Spot instances, beside the one that is On-Demand: of 4 vCPUs each in the larger type.
  const spot = (types: string[], used: number) =>
    judge(
      { types: ['t3.nano', ...types], spotPercent: 100, count: 3 },
      {
        quotas: new Map([
          [standard, { known: true, value: 16 }],
          [standardSpot, { known: true, value: 0 }],
          ['L-3819A6DF', { known: true, value: used }],
        ]),
      },
    );
  it('is refused with the first of them where none fits', () => {
    const { reasons, notes } = spot(['g5.xlarge'], 7);
    expect(notes).toEqual([]);
    expect(reasons).toEqual([expect.stringContaining('vCPUs of 2 Spot t3.nano: 4 needed, 0 of 0 used')]);
  });
  it('is judged by the one that fits rather than by one that is not known', () => {
    expect(spot(['p5.4xlarge', 'g5.xlarge'], 8)).toEqual({ reasons: [], notes: [] });
    expect(spot(['c9z.large', 'p5.4xlarge'], 8)).toEqual({
      reasons: [],
      notes: [expect.stringContaining('EC2 does not know c9z.large')],
    });
  });
  it('of no type needs nothing', () => {
    expect(judge({ types: [] })).toEqual({ reasons: [], notes: [] });
  });
  it('does not count what runs under a quota that is not known', () => {
    const value = [...running(9, 'mac2.metal'), ...running(9, 'c9z.large')];
    expect(judge({}, { running: { known: true, value } })).toEqual({ reasons: [], notes: [] });
  });
});

describe('the targets of a large fleet', () => {
  const allow = (perGroup: number, perBalancer: number) => ({
    running: { known: true as const, value: [] },
    quotas: new Map([
      [standard, { known: true as const, value: 10_000 }],
      ['L-A0D0B863', { known: true as const, value: perGroup }],
      ['L-7E6692B2', { known: true as const, value: perBalancer }],
    ]),
  });
  const reasons = (count: number, serving: number, perGroup: number, perBalancer: number): string[] =>
    judge({ count, serving }, allow(perGroup, perBalancer)).reasons.map(
      (text) => /^targets: (\d+ needed, \d+ of \d+ used)/.exec(text)?.[1] ?? text,
    );

  it('count to the target group, and with those of live to the load balancer', () => {
    expect(reasons(1_001, 0, 1_000, 5_000)).toEqual(['1001 needed, 0 of 1000 used']);
    expect(reasons(1_001, 0, 1_001, 5_000)).toEqual([]);
    expect(reasons(501, 500, 5_000, 1_000)).toEqual(['501 needed, 500 of 1000 used']);
    expect(reasons(501, 500, 5_000, 1_001)).toEqual([]);
    expect(reasons(1_200, 900, 1_000, 2_000)).toHaveLength(2);
    expect(judge({ count: 1_001 }, allow(1_000, 1_000)).notes).toEqual([]);
  });

  it('are not asked for where every account may have as many', () => {
    expect(judge({ count: 500, serving: 500 }, allow(1, 1))).toEqual({ reasons: [], notes: [] });
  });

  it('are told where the quota could not be read', () => {
    const { reasons: none, notes } = judge(
      { count: 1_001 },
      { quotas: new Map([[standard, { known: true, value: 10_000 }]]) },
    );
    expect(none).toEqual([]);
    expect(notes).toEqual([
      'targets were not checked against quota L-A0D0B863 (Targets per Target Group per Region): it was not read',
      'targets were not checked against quota L-7E6692B2 (Targets per Application Load Balancer): it was not read',
    ]);
  });
});
