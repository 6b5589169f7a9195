import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { promisify } from 'node:util';
import { describe, expect, it } from 'vitest';
import { templateFile } from '../../infra/package.ts';
import { pythonTool } from '../support/python.ts';

/**
 * Parliament as MIT Open Learning maintains it: the same linter as duo-labs' (last release April 2025), with what
 * AWS's service authorization reference said in May 2026.
 */
const tool = await pythonTool(['ol-parliament==1.7.0', 'setuptools==80.9.0']);

/** What it finds, and why that is as it should be. */
const reasons: readonly { readonly issue: string; readonly actions: RegExp; readonly because: string }[] = [
  {
    issue: 'RESOURCE_MISMATCH',
    actions: /^states:DescribeExecution$/,
    because: 'there are no express machines',
  },
  {
    issue: 'RESOURCE_MISMATCH',
    actions: /^elasticloadbalancing:(CreateRule|ModifyRule|DeleteRule|AddTags)$/,
    because: 'listeners and rules are those of application load balancers; no load balancer is tagged',
  },
  {
    issue: 'RESOURCE_MISMATCH',
    actions: /^ec2:RunInstances$/,
    because: 'its kinds of resources stand in three statements, each with a condition of its own',
  },
  {
    issue: 'RESOURCE_MISMATCH',
    actions: /^ec2:DeleteNetworkInterface$/,
    because: 'Lambda wants it for all resource ids: configuration-vpc.html',
  },
  {
    issue: 'RESOURCE_STAR',
    actions: /^cloudwatch:DescribeAlarms$/,
    because: 'composite alarms are told only to who may see all: API_DescribeAlarms.html',
  },
];

interface Finding {
  readonly issue: string;
  readonly detail: readonly (string | { readonly action: string })[] | string;
  readonly location: { readonly filepath: string };
}

/** The policy documents of the template, by role, as they are in some account. */
async function documents(): Promise<ReadonlyMap<string, unknown>> {
  const template = JSON.parse(await readFile(templateFile, 'utf8')) as {
    // biome-ignore lint/suspicious/noExplicitAny: the template is looked at, not typed
    Resources: Record<string, { Type: string; Properties: any }>;
  };
  const found = new Map<string, unknown>();
  for (const [id, { Type, Properties }] of Object.entries(template.Resources)) {
    if (Type === 'AWS::IAM::Role')
      for (const { PolicyDocument } of Properties.Policies) found.set(id, resolved(PolicyDocument));
    if (Type === 'AWS::S3::BucketPolicy') found.set(id, resolved(Properties.PolicyDocument));
  }
  return found;
}

const values: Readonly<Record<string, string>> = {
  'AWS::Partition': 'aws',
  'AWS::Region': 'us-east-1',
  'AWS::AccountId': '123456789012',
  'AWS::StackName': 'flotilla',
  EbsKeyArn: 'arn:aws:kms:us-east-1:123456789012:key/01234567-89ab-cdef-0123-456789abcdef',
};

function resolved(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(resolved);
  if (typeof value !== 'object' || value === null) return value;
  const { 'Fn::Sub': text, 'Fn::GetAtt': attribute, 'Fn::If': choice } = value as Record<string, unknown>;
  // The statements of every condition.
  if (Array.isArray(choice)) return resolved(choice[1]);
  if (typeof text === 'string')
    return text.replaceAll(/\$\{([^}]+)\}/g, (_, name: string) =>
      name.endsWith('.Arn') ? `arn:aws:s3:::${name.slice(0, -4).toLowerCase()}` : (values[name] ?? name),
    );
  if (Array.isArray(attribute)) {
    const name = String(attribute[0]);
    return name.endsWith('Bucket')
      ? `arn:aws:s3:::${name.toLowerCase()}`
      : `arn:aws:lambda:us-east-1:123456789012:function:${name}`;
  }
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, resolved(inner)]));
}

const actionsOf = ({ detail }: Finding): readonly string[] =>
  typeof detail === 'string' ? [detail] : detail.map((one) => (typeof one === 'string' ? one : one.action));

describe('the policies of the packaged template', () => {
  const skipped = 'skip' in tool ? ` (skipped: ${tool.skip})` : '';
  it.skipIf('skip' in tool)(
    `hold nothing that parliament minds, but for known reasons${skipped}`,
    async () => {
      if ('skip' in tool) return;
      const folder = await mkdtemp(join(tmpdir(), 'flotilla-policies-'));
      try {
        for (const [id, document] of await documents())
          await writeFile(join(folder, `${id}.json`), JSON.stringify(document));
        // It ends with 1 where it finds anything.
        const { stdout } = await promisify(execFile)(join(tool.bin, 'parliament'), [
          '--directory',
          folder,
          '--json',
        ]).catch((error: { stdout: string; stderr: string }) => {
          if (error.stdout === '') throw new Error(error.stderr);
          return error;
        });
        const findings = stdout
          .split('\n')
          .filter((line) => line.startsWith('{'))
          .map((line) => JSON.parse(line) as Finding);
        const excused = (finding: Finding) =>
          reasons.filter(
            ({ issue, actions }) =>
              issue === finding.issue && actionsOf(finding).every((action) => actions.test(action)),
          );
        const open = findings.filter((finding) => excused(finding).length === 0);
        expect(
          open.map((one) => `${basename(one.location.filepath)} ${one.issue} ${actionsOf(one)}`),
        ).toEqual([]);
        // A reason that excuses nothing is a lie by now.
        const used = new Set(findings.flatMap(excused));
        expect(reasons.filter((reason) => !used.has(reason))).toEqual([]);
      } finally {
        await rm(folder, { recursive: true, force: true });
      }
    },
  );
});
