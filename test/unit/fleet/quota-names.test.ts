/** The quota that stands against a launch is named as the Service Quotas console names it: somebody will look there. */
import { describe, expect, it } from 'vitest';
import { groupQuota, targetQuotas, templateVersionQuota, vcpuQuota } from '../../../src/fleet/quotas.ts';

const names = (types: string) =>
  types.split(' ').map((type) => ({
    'on-demand': vcpuQuota(type, 'on-demand'),
    spot: vcpuQuota(type, 'spot'),
  }));

/** https://docs.aws.amazon.com/ec2/latest/instancetypes/ec2-instance-quotas.html */
const table = [
  [
    'a1.large c7i.large d3.xlarge h1.2xlarge i4i.large im4gn.large is4gen.large m7i-flex.large r8g.large t3.nano z1d.large',
    ['L-1216C47A', 'Running On-Demand Standard (A, C, D, H, I, M, R, T, Z) instances'],
    ['L-34B43A08', 'All Standard (A, C, D, H, I, M, R, T, Z) Spot Instance Requests'],
  ],
  [
    'f1.2xlarge f2.6xlarge',
    ['L-74FC7D96', 'Running On-Demand F instances'],
    ['L-88CF9481', 'All F Spot Instance Requests'],
  ],
  [
    'g4dn.xlarge gr6.4xlarge vt1.3xlarge',
    ['L-DB2E81BA', 'Running On-Demand G and VT instances'],
    ['L-3819A6DF', 'All G and VT Spot Instance Requests'],
  ],
  ['p4d.24xlarge p5.4xlarge', ['L-417A185B', 'Running On-Demand P instances'], undefined],
  [
    'x1e.xlarge x2idn.16xlarge',
    ['L-7295265B', 'Running On-Demand X instances'],
    ['L-E3A00192', 'All X Spot Instance Requests'],
  ],
  [
    'inf1.xlarge inf2.xlarge',
    ['L-1945791B', 'Running On-Demand Inf instances'],
    ['L-B5D1601B', 'All Inf Spot Instance Requests'],
  ],
  [
    'trn1.2xlarge trn1n.32xlarge',
    ['L-2C3B7624', 'Running On-Demand Trn instances'],
    ['L-6B0D517C', 'All Trn Spot Instance Requests'],
  ],
  [
    'dl1.24xlarge dl2q.24xlarge',
    ['L-6E869C2A', 'Running On-Demand DL instances'],
    ['L-85EED4F7', 'All DL Spot Instance Requests'],
  ],
  ['hpc6a.48xlarge hpc7g.4xlarge', ['L-F7808C92', 'Running On-Demand HPC instances'], undefined],
] as const;

describe('the vCPU quota of', () => {
  it.each(table)('%s', (types, onDemand, spot) => {
    const quota = (of: readonly [string, string] | undefined) =>
      of === undefined ? undefined : { service: 'ec2', code: of[0], name: of[1] };
    for (const one of names(types)) expect(one).toEqual({ 'on-demand': quota(onDemand), spot: quota(spot) });
  });

  /** A letter more or less makes another family; AWS may call one so any day. */
  it.each(
    'cx1 mac2 qf1 fx1 qg1 gx1 qp1 px1 qx1 xx1 qinf1 infx1 qtrn1 trnx1 qdl1 dlx1 qhpc1 hpcx1 1t u7i-12tb'.split(
      ' ',
    ),
  )('a family that is not known, %s, is not guessed', (family) => {
    expect(names(`${family}.large`)).toEqual([{ 'on-demand': undefined, spot: undefined }]);
  });
});

describe('the other quotas', () => {
  it('have the names and services of the console, too', () => {
    expect([groupQuota, templateVersionQuota, targetQuotas.group, targetQuotas.balancer]).toEqual([
      { service: 'autoscaling', code: 'L-CDE20ADC', name: 'Auto Scaling groups per region' },
      { service: 'ec2', code: 'L-142B4294', name: 'Launch template versions' },
      { service: 'elasticloadbalancing', code: 'L-A0D0B863', name: 'Targets per Target Group per Region' },
      { service: 'elasticloadbalancing', code: 'L-7E6692B2', name: 'Targets per Application Load Balancer' },
    ]);
  });
});
