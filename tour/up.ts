/** Brings up a local region with the packaged stack in it, as `npm start` and `flotilla up` do. */
import { chmod, lstat, mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { RegionNote } from '../cli/local-region.ts';
import { noteFolder } from '../cli/local-region.ts';
import type { KeyPair } from '../local/iam/iam.ts';
import { createRegion, type Region } from '../local/region.ts';
import { deployStack } from '../local/stack/deploy.ts';
import type { Caretaker } from './caretaker.ts';
import { addBundle } from './stand-in.ts';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');
const packageDir = join(root, '.build', 'package');
/** What a region has found out about the package for the next ones; the packager empties it. */
const sharedDir = join(root, '.build', 'compiled');
const template = join(packageDir, 'cloudformation-template-update-stack.json');

export interface LocalOptions {
  /** 0 takes a free one. */
  readonly port: number;
  /** Where the region keeps its bytes; a temporary folder that goes with it unless given. */
  readonly dataDir?: string;
  /** Whether it keeps its state there, too, and goes on with what an earlier region kept. */
  readonly keepState?: boolean;
  /** Hears of what must not outlive the region, even where it is killed. */
  readonly caretaker?: Caretaker;
}

export interface LocalRegion {
  readonly region: Region;
  readonly endpoint: string;
  readonly apiUrl: string;
  readonly balancerUrl: string;
  readonly uploadBucket: string;
  readonly storeBucket: string;
  readonly operator: KeyPair;
  /** Ends everything that runs, and removes the note by which the command finds the region. Repeating it does nothing. */
  close(): Promise<void>;
}

export async function startLocal(options: LocalOptions): Promise<LocalRegion> {
  const { port, dataDir, keepState = false, caretaker } = options;
  const region = await createRegion({
    port,
    keepState,
    sharedDir,
    ...(dataDir === undefined ? {} : { dataDir }),
  });
  try {
    return await furnish(region, caretaker);
  } catch (error) {
    await region.close();
    throw error;
  }
}

async function furnish(region: Region, caretaker?: Caretaker): Promise<LocalRegion> {
  const endpoint = await region.listen();
  const { elbv2, ec2 } = region.parts;
  await elbv2.listen();
  const { outputs } = await deployStack(region, {
    template: JSON.parse(await readFile(template, 'utf8')),
    artifactsDir: packageDir,
    stackName: 'flotilla',
    parameters: {
      VpcId: ec2.network.vpcId,
      SubnetIds: ec2.network.subnets.map(({ subnetId }) => subnetId).join(','),
      SecurityGroupIds: ec2.network.securityGroupId,
      ListenerArn: elbv2.defaultListener.arn,
      AllowStandInKernel: 'yes',
    },
  });
  const output = (name: string): string => {
    const value = outputs[name];
    if (value === undefined) throw new Error(`The packaged template has no output ${name}`);
    return value;
  };
  const operator = region.createOperator();
  const storeBucket = output('StoreBucket');
  await addBundle(region, storeBucket);
  const local = {
    region,
    endpoint,
    apiUrl: output('ApiUrl').replace(/\/$/, ''),
    balancerUrl: elbv2.url(),
    uploadBucket: output('UploadBucket'),
    storeBucket,
    operator,
  };
  const note = await leaveNote(caretaker, {
    endpoint,
    region: region.context.regionName,
    apiUrl: local.apiUrl,
    uploadBucket: local.uploadBucket,
    storeBucket,
    accessKeyId: operator.accessKeyId,
    secretAccessKey: operator.secretAccessKey,
    pid: process.pid,
  });
  let closing: Promise<void> | undefined;
  return {
    ...local,
    close: () => {
      closing ??= rm(note, { force: true }).then(() => region.close());
      return closing;
    },
  };
}

/** The file by which the command finds the region: it holds a key pair, so it is the user's own. */
async function leaveNote(caretaker: Caretaker | undefined, note: RegionNote): Promise<string> {
  const uid = process.getuid?.() ?? 0;
  const folder = noteFolder(process.env, uid);
  await mkdir(folder, { recursive: true, mode: 0o700 });
  // The folder for temporary files is everybody's: somebody else may have put something there under this name.
  const found = await lstat(folder);
  if (!found.isDirectory() || found.uid !== uid)
    throw new Error(`${folder} is not a folder of yours; the region keeps its key pair there. Remove it.`);
  await chmod(folder, 0o700);
  const file = join(folder, `region-${new URL(note.endpoint).port}.json`);
  caretaker?.finally({ remove: file });
  caretaker?.finally({ removeIfEmpty: folder });
  await rm(file, { force: true });
  await writeFile(file, JSON.stringify(note), { mode: 0o600, flag: 'wx' });
  return file;
}
