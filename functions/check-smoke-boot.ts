/** Looks once at the instance of a smoke boot, with its last answer: healthy, to be asked again, or failed by name. */
import * as z from 'zod';
import { openBootInstances } from '../src/aws/boot-instances.ts';
import { ec2Client } from '../src/aws/clients/ec2.ts';
import { openInstances } from '../src/aws/instances.ts';
import { openTable } from '../src/aws/table.ts';
import { executionArn } from '../src/contracts/build.ts';
import { sha256Hex } from '../src/contracts/ids.ts';
import { answer } from '../src/runtime/ask-instance.ts';
import { lambdaFunction } from '../src/runtime/handler.ts';
import { bootLooks, checkBoot } from '../src/runtime/smoke-boot/check.ts';

export const handler = lambdaFunction({
  name: 'check-smoke-boot',
  input: z.strictObject({
    identity: sha256Hex,
    executionArn,
    looks: bootLooks,
    /** Of ask-instance; null before it was asked. */
    answer: answer.nullable(),
  }),
  deps: (config) => {
    const ec2 = ec2Client();
    return {
      table: openTable(config.table),
      instances: openBootInstances(ec2),
      consoles: openInstances(ec2),
    };
  },
  run: (look, deps, { clock }) => checkBoot(look, deps, clock.now()),
});
