/** Ends the instance of a smoke boot, keeps its console, and remembers what it proved. */
import * as z from 'zod';
import { openBootInstances } from '../src/aws/boot-instances.ts';
import { ec2Client } from '../src/aws/clients/ec2.ts';
import { openInstances } from '../src/aws/instances.ts';
import { openObjects } from '../src/aws/objects.ts';
import { openTable } from '../src/aws/table.ts';
import { executionArn } from '../src/contracts/build.ts';
import { sha256Hex } from '../src/contracts/ids.ts';
import { FlotillaError } from '../src/errors.ts';
import { caughtError, readCaughtError } from '../src/runtime/failure.ts';
import { lambdaFunction } from '../src/runtime/handler.ts';
import { type EndDeps, endBoot } from '../src/runtime/smoke-boot/end.ts';
import { bootId, readBoot } from '../src/runtime/smoke-boot/lease.ts';

export const handler = lambdaFunction({
  name: 'end-smoke-boot',
  input: z.strictObject({
    identity: sha256Hex,
    executionArn,
    /** Why it is not healthy; null where it is. */
    failure: caughtError.nullable(),
  }),
  deps: (config): EndDeps => {
    const ec2 = ec2Client();
    return {
      table: openTable(config.table),
      objects: openObjects(),
      instances: openBootInstances(ec2),
      consoles: openInstances(ec2),
    };
  },
  run: async ({ identity, executionArn, failure }, deps, { clock, config }) => {
    const id = bootId(identity, executionArn);
    const boot = await readBoot(deps.table, identity, id);
    // Refused before anything was written: there is nothing to end.
    if (boot === undefined) return { boot: id, outcome: 'never-opened' };
    const { stack, storeBucket } = config;
    const reason = failure === null ? {} : { reason: readCaughtError(failure).message };
    const end = { passed: failure === null, ...reason, stack, storeBucket, now: clock.now() };
    const outcome = await endBoot(boot, end, deps);
    if (outcome === 'unsure') {
      throw new FlotillaError('AwsUnavailable', 'EC2 does not show yet whether the instance was launched', {
        boot: id,
        instance: boot.instanceId,
      });
    }
    return { boot: id, outcome };
  },
});
