/** Service Quotas tells what the other services enforce, to the SDK's own client. */
import {
  GetServiceQuotaCommand,
  ListAWSDefaultServiceQuotasCommand,
  ListServiceQuotasCommand,
  ListServicesCommand,
  ServiceQuotasClient,
} from '@aws-sdk/client-service-quotas';
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { Region } from '../../../../local/region.ts';
import { createRegion } from '../../../../local/region.ts';

let region: Region;
let client: ServiceQuotasClient;

beforeAll(async () => {
  region = await createRegion({ seed: 1 });
  client = new ServiceQuotasClient({
    endpoint: await region.listen(),
    region: 'us-east-1',
    credentials: region.createOperator(),
    maxAttempts: 1,
  });
});

afterAll(async () => {
  client.destroy();
  await region.close();
});

it('tells the value that counts, and the one that a new account has', async () => {
  region.parts.ec2.quotas.onDemandStandard.value = 32;
  const asked = { ServiceCode: 'ec2', QuotaCode: 'L-1216C47A' };
  const { Quota } = await client.send(new GetServiceQuotaCommand(asked));
  expect(Quota).toMatchObject({
    QuotaName: 'Running On-Demand Standard (A, C, D, H, I, M, R, T, Z) instances',
    QuotaArn: 'arn:aws:servicequotas:us-east-1:000000000000:ec2/L-1216C47A',
    Value: 32,
    Adjustable: true,
  });
  const { Quotas = [] } = await client.send(new ListAWSDefaultServiceQuotasCommand({ ServiceCode: 'ec2' }));
  expect(Quotas.find((one) => one.QuotaCode === 'L-1216C47A')?.Value).toBe(5);
});

it('lists the quotas of a service page by page', async () => {
  const values: Record<string, number | undefined> = {};
  for (let NextToken: string | undefined; ; ) {
    const found = await client.send(
      new ListServiceQuotasCommand({ ServiceCode: 'elasticloadbalancing', MaxResults: 2, NextToken }),
    );
    expect(found.Quotas?.length).toBeLessThanOrEqual(2);
    for (const one of found.Quotas ?? []) values[one.QuotaName ?? ''] = one.Value;
    NextToken = found.NextToken;
    if (NextToken === undefined) break;
  }
  expect(values).toMatchObject({
    'Target Groups per Region': 3_000,
    'Rules per Application Load Balancer': 100,
  });
});

it('knows the services that have quotas here, and no others', async () => {
  const { Services = [] } = await client.send(new ListServicesCommand({}));
  expect(Services.map((one) => one.ServiceCode)).toEqual([
    'autoscaling',
    'ebs',
    'ec2',
    'elasticloadbalancing',
  ]);
  const unknown = client.send(new GetServiceQuotaCommand({ ServiceCode: 'ec2', QuotaCode: 'L-00000000' }));
  await expect(unknown).rejects.toMatchObject({ name: 'NoSuchResourceException' });
});
