/**
 * Service Quotas: tells the quotas that the region's services enforce.
 * https://docs.aws.amazon.com/servicequotas/2019-06-24/apireference/Welcome.html
 */
import type {
  GetServiceQuotaRequest,
  GetServiceQuotaResponse,
  ListAWSDefaultServiceQuotasRequest,
  ListAWSDefaultServiceQuotasResponse,
  ListServiceQuotasRequest,
  ListServiceQuotasResponse,
  ListServicesRequest,
  ListServicesResponse,
  ServiceQuota,
} from '@aws-sdk/client-service-quotas';
import type { Context } from '../../context.ts';
import { arn } from '../../context.ts';
import type { Access, Operation, Service } from '../../service.ts';
import { AwsError } from '../../service.ts';
import { page } from '../paging.ts';
import { onlySupported } from '../supported.ts';
import type { Quota } from './quota.ts';

export interface ServiceQuotas {
  readonly service: Service;
  /** Every quota that is enforced somewhere; tests change the values. */
  readonly all: readonly Quota[];
}

const serviceNames: Readonly<Record<string, string>> = {
  autoscaling: 'Amazon EC2 Auto Scaling',
  ebs: 'Amazon Elastic Block Store (Amazon EBS)',
  ec2: 'Amazon Elastic Compute Cloud (Amazon EC2)',
  elasticloadbalancing: 'Elastic Load Balancing (ELB)',
};

/** The most a page holds. */
const pageSize = 100;

export function createServiceQuotas(context: Context, all: readonly Quota[]): ServiceQuotas {
  const access = (operation: string) => (): readonly Access[] => [
    { action: `servicequotas:${operation}`, resources: ['*'] },
  ];
  const describe = (one: Quota, Value: number): ServiceQuota => ({
    ServiceCode: one.serviceCode,
    ServiceName: serviceNames[one.serviceCode] ?? one.serviceCode,
    QuotaArn: arn(context, 'servicequotas', `${one.serviceCode}/${one.code}`),
    QuotaCode: one.code,
    QuotaName: one.name,
    Value,
    Unit: 'None',
    Adjustable: one.adjustable,
    GlobalQuota: false,
    QuotaAppliedAtLevel: 'ACCOUNT',
  });
  const ofService = (code: string | undefined): readonly Quota[] => {
    const found = all.filter((one) => one.serviceCode === code);
    if (found.length === 0) throw missing(`The service ${code ?? ''} has no quotas in the local region.`);
    return found;
  };
  const list = (
    operation: string,
    input: ListServiceQuotasRequest,
    amount: (one: Quota) => number,
  ): ListServiceQuotasResponse => {
    onlySupported(operation, input, ['ServiceCode', 'NextToken', 'MaxResults', 'QuotaCode']);
    const found = ofService(input.ServiceCode).filter(
      (one) => input.QuotaCode === undefined || one.code === input.QuotaCode,
    );
    const size = input.MaxResults ?? pageSize;
    const shown = page(found, (one) => one.code, size, input.NextToken, badToken);
    return { Quotas: shown.items.map((one) => describe(one, amount(one))), NextToken: shown.nextToken };
  };

  const ListServiceQuotas: Operation<ListServiceQuotasRequest, ListServiceQuotasResponse> = {
    access: access('ListServiceQuotas'),
    run: (input) => list('ListServiceQuotas', input, (one) => one.value),
  };

  const ListAWSDefaultServiceQuotas: Operation<
    ListAWSDefaultServiceQuotasRequest,
    ListAWSDefaultServiceQuotasResponse
  > = {
    access: access('ListAWSDefaultServiceQuotas'),
    run: (input) => list('ListAWSDefaultServiceQuotas', input, (one) => one.defaultValue),
  };

  const GetServiceQuota: Operation<GetServiceQuotaRequest, GetServiceQuotaResponse> = {
    access: access('GetServiceQuota'),
    run(input) {
      onlySupported('GetServiceQuota', input, ['ServiceCode', 'QuotaCode']);
      const found = ofService(input.ServiceCode).find((one) => one.code === input.QuotaCode);
      if (found === undefined)
        throw missing(`There is no quota ${input.QuotaCode ?? ''} in the local region.`);
      return { Quota: describe(found, found.value) };
    },
  };

  const ListServices: Operation<ListServicesRequest, ListServicesResponse> = {
    access: access('ListServices'),
    run(input) {
      const codes = [...new Set(all.map((one) => one.serviceCode))].sort();
      const shown = page(codes, (code) => code, input.MaxResults ?? pageSize, input.NextToken, badToken);
      return {
        Services: shown.items.map((ServiceCode) => ({
          ServiceCode,
          ServiceName: serviceNames[ServiceCode] ?? ServiceCode,
        })),
        NextToken: shown.nextToken,
      };
    },
  };

  return {
    service: {
      id: 'servicequotas',
      operations: { ListServices, ListServiceQuotas, ListAWSDefaultServiceQuotas, GetServiceQuota },
    },
    all,
  };
}

function missing(message: string): AwsError {
  return new AwsError('NoSuchResourceException', message);
}

function badToken(): AwsError {
  return new AwsError('InvalidPaginationTokenException', 'The pagination token is not valid.');
}
