/** The auditor audited: what nothing uses, and what something wider makes unneeded, must be reported. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { PolicyStatement } from '../../local/service.ts';
import { Auditor } from './audit/auditor.ts';
import { FleetInVirtualTime, notPackaged } from './kit/fleet-in-virtual-time.ts';

const role = 'the role of the sweeper';

describe.skipIf(notPackaged !== undefined)('the auditor of rights', () => {
  let world: FleetInVirtualTime;
  beforeEach(async () => {
    world = await FleetInVirtualTime.create();
    world.region.context.lag.off();
  }, 120_000);
  afterEach(() => world.region.close());

  /** What the auditor finds of the sweeper's role with a statement more, after one sweep. */
  async function audited(more: PolicyStatement): Promise<{ text: string; used: boolean }[]> {
    const { iam } = world.region;
    const answer = await world.call('lambda', 'GetFunctionConfiguration', { FunctionName: 'flotilla-sweep' });
    const { name, path, trust, policies } = iam.roleOf(answer.Role);
    const [own] = policies;
    iam.updateRole({
      name,
      path,
      assumeRolePolicy: trust,
      policies: { own: { Version: '2012-10-17', Statement: [more, ...(own?.Statement ?? [])] } },
    });
    const auditor = await Auditor.over(world.region);
    auditor.scenario = role;
    await world.invoke('sweep', {});
    return [...auditor.all()]
      .filter((one) => one.role === name)
      .map((one) => ({
        text: one.unit.text,
        used: auditor.findingOf(one.role, one.unit)?.refusal?.includes('is not authorized') === true,
      }));
  }

  it('finds what is used, by its refusal, and reports what nothing uses', async () => {
    const found = await audited({
      Effect: 'Allow',
      Action: ['s3:GetObject'],
      Resource: ['arn:aws:s3:::none/*'],
    });
    expect(found).toContainEqual({ text: 'dynamodb:Query', used: true });
    expect(found).toContainEqual({ text: 's3:GetObject', used: false });
    expect(found).toContainEqual({ text: 'arn:aws:s3:::none/*', used: false });
  });

  it('reports a statement that a wider one makes unneeded', async () => {
    const found = await audited({ Effect: 'Allow', Action: ['dynamodb:*'], Resource: ['*'] });
    expect(found).toContainEqual({ text: 'dynamodb:Query', used: false });
  });
});
