/** Launches one instance of the image, once, and writes down first that it will. */
import * as z from 'zod';
import { openBootInstances } from '../src/aws/boot-instances.ts';
import { ec2Client } from '../src/aws/clients/ec2.ts';
import { openTable } from '../src/aws/table.ts';
import { executionArn } from '../src/contracts/build.ts';
import { sha256Hex } from '../src/contracts/ids.ts';
import { lambdaFunction } from '../src/runtime/handler.ts';
import { launchBoot } from '../src/runtime/smoke-boot/launch.ts';

export const handler = lambdaFunction({
  name: 'launch-smoke-boot',
  input: z.strictObject({ identity: sha256Hex, imageId: z.string(), fleet: z.string(), executionArn }),
  deps: (config) => ({ table: openTable(config.table), instances: openBootInstances(ec2Client()) }),
  run: launchBoot,
});
