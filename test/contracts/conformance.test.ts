/** The conformance table is complete, names its pages, and is what docs/conformance.md shows. */
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { type Case, pageOf } from '../conformance/case.ts';
import { conformancePage } from '../conformance/page.ts';
import { sheets } from '../conformance/sheets.ts';
import {
  knownErrors,
  operationsOfCode,
  operationsOfMachine,
  usedOperations,
} from '../conformance/used-operations.ts';

const casesOf = new Map<string, Case[]>();
for (const { service, cases } of sheets)
  for (const one of cases) {
    const name = `${service}.${one.operation}`;
    casesOf.set(name, [...(casesOf.get(name) ?? []), one]);
  }
const codes = new Set(
  [...casesOf.values()].flat().flatMap(({ fails }) => (fails === undefined ? [] : [fails.code].flat())),
);

/** Operations that AWS lets nobody be refused, or that take nothing which could be wrong. */
const neverRefused = ['sts.GetCallerIdentity', 'autoscaling.DescribeAccountLimits'];

/** Errors that a client cannot bring about, with the reason. */
const unreachable: Readonly<Record<string, string>> = {
  UnauthorizedOperation:
    'these clients may do everything: test/scenarios/iam-audit.test.ts takes rights away',
  ...Object.fromEntries(
    [
      'AuthFailure.ServiceLinkedRoleCreationNotPermitted',
      'InstanceLimitExceeded',
      'InsufficientFreeAddressesInSubnet',
      'InsufficientHostCapacity',
      'InsufficientInstanceCapacity',
      'MaxSpotInstanceCountExceeded',
      'SpotMaxPriceTooLow',
      'Unsupported',
      'VcpuLimitExceeded',
    ].map((code) => [code, 'capacity and quotas are the region’s to withhold: smoke-boot.test.ts does so']),
  ),
  TimeoutError:
    'nothing that AWS answers: the product’s own patience with a copy, tried in api-rollouts.test.ts',
  TaskDoesNotExist: 'task tokens are opaque: one of a task that never was cannot be made',
};

describe('the conformance table', () => {
  it.each([...usedOperations()].sort())('has cases of %s, which the product uses', (name) => {
    const cases = casesOf.get(name) ?? [];
    expect(
      cases.some(({ fails }) => fails === undefined),
      `Write cases of ${name}, from AWS's page of it, in test/conformance/cases`,
    ).toBe(true);
    if (neverRefused.includes(name)) return;
    expect(
      cases.some(({ fails }) => fails !== undefined),
      `a case in which ${name} is refused`,
    ).toBe(true);
  });

  it('meets every error that the product knows by name', () => {
    const missing = [...knownErrors()].filter((code) => !codes.has(code) && unreachable[code] === undefined);
    expect(missing).toEqual([]);
  });

  it('takes each case from a page of AWS, and says it once', () => {
    for (const sheet of sheets) {
      const said = sheet.cases.map((one) => `${one.operation} ${one.says}`);
      expect(new Set(said).size, sheet.title).toBe(said.length);
      for (const one of sheet.cases)
        expect(pageOf(sheet, one)).toMatch(/^https:\/\/docs\.aws\.amazon\.com\/[\w./-]+\.html$/);
    }
  });

  it('is what docs/conformance.md shows', () => {
    const page = readFileSync(new URL('../../docs/conformance.md', import.meta.url), 'utf8');
    expect(
      page === conformancePage(sheets),
      'Run node bin/with-node.mjs test/conformance/write-page.ts',
    ).toBe(true);
  });
});

describe('the list of what the product uses', () => {
  it('reads commands, those of lib-dynamodb and of several lines among them', () => {
    const text = `import {
  CreateRuleCommand,
  type DescribeRulesCommandOutput,
  ElasticLoadBalancingV2Client,
} from '@aws-sdk/client-elastic-load-balancing-v2';
import { TransactWriteCommand, type QueryCommandInput } from '@aws-sdk/lib-dynamodb';`;
    expect(operationsOfCode(text)).toEqual([
      'elasticloadbalancing.CreateRule',
      'dynamodb.TransactWriteItems',
    ]);
  });

  it('does not pass over what it cannot read', () => {
    expect(() => operationsOfCode("import { paginateDescribeImages } from '@aws-sdk/client-ec2';")).toThrow(
      'paginateDescribeImages',
    );
    expect(() => operationsOfMachine('Resource: arn:aws:states:::aws-sdk:ec2:describeImages')).toThrow(
      'aws-sdk:ec2',
    );
  });

  it('finds what is known to be used', () => {
    expect([...usedOperations()]).toEqual(
      expect.arrayContaining(['ebs.PutSnapshotBlock', 's3.CopyObject', 'lambda.Invoke', 'dynamodb.Query']),
    );
    expect([...knownErrors()]).toEqual(expect.arrayContaining(['InvalidAMIName.Duplicate', 'PriorityInUse']));
  });
});
