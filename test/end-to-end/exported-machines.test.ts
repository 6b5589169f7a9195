/** The machines of the deployed stack, exported by a client, pass asl-validator's own program unchanged. */
import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { DescribeStateMachineCommand, ListStateMachinesCommand, SFNClient } from '@aws-sdk/client-sfn';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { packageDir, templateFile } from '../../infra/package.ts';
import { machineNames } from '../../infra/template/declared.ts';
import { createRegion, type Region } from '../../local/region.ts';
import { deployStack } from '../../local/stack/deploy.ts';

const validator = join(import.meta.dirname, '..', '..', 'node_modules', '.bin', 'asl-validator');

let region: Region;
let folder: string;
/** Files of definitions, by the machine's name. */
let exported: Map<string, string>;

beforeAll(async () => {
  region = await createRegion();
  // What this file asks is what the region knows, not when each copy of it knows.
  region.context.lag.off();
  folder = await mkdtemp(join(tmpdir(), 'flotilla-machines-'));
  const endpoint = await region.listen();
  const { network } = region.parts.ec2;
  await deployStack(region, {
    template: JSON.parse(await readFile(templateFile, 'utf8')),
    artifactsDir: packageDir,
    stackName: 'flotilla',
    parameters: {
      VpcId: network.vpcId,
      SubnetIds: network.subnets.map(({ subnetId }) => subnetId),
      SecurityGroupIds: [network.securityGroupId],
      ListenerArn: region.parts.elbv2.defaultListener.arn,
      AllowStandInKernel: 'yes',
    },
  });
  const client = new SFNClient({ endpoint, region: 'us-east-1', credentials: region.createOperator() });
  exported = new Map();
  const { stateMachines = [] } = await client.send(new ListStateMachinesCommand({}));
  for (const { name = '', stateMachineArn } of stateMachines) {
    const { definition = '' } = await client.send(new DescribeStateMachineCommand({ stateMachineArn }));
    const file = join(folder, `${name}.asl.json`);
    await writeFile(file, definition);
    exported.set(name, file);
  }
  client.destroy();
});

afterAll(async () => {
  await region.close();
  await rm(folder, { recursive: true, force: true });
});

/** The program, run by the Node.js that runs this. @returns what it says. @throws Error where it finds a fault. */
async function validate(file: string): Promise<string> {
  const { stdout } = await promisify(execFile)(process.execPath, [validator, '--json-path', file]);
  return stdout;
}

test('every machine is exported', () => {
  expect([...exported.keys()].sort()).toEqual(machineNames.map((name) => `flotilla-${name}`).sort());
});

test('each passes asl-validator as it is, paths and ARNs included', async () => {
  for (const file of exported.values()) expect(await validate(file)).toContain('is valid');
});

test('and would not pass with a transition that leads nowhere', async () => {
  const [file = ''] = exported.values();
  const broken = join(folder, 'broken.asl.json');
  const definition = JSON.parse(await readFile(file, 'utf8'));
  await writeFile(broken, JSON.stringify({ ...definition, StartAt: 'Nowhere' }));
  await expect(validate(broken)).rejects.toThrow('StartAt');
});
