/** AcquireLease: one rollout or retirement at a time holds a fleet. */
import * as z from 'zod';
import { openTable } from '../src/aws/table.ts';
import { rolloutCall } from '../src/contracts/rollout.ts';
import { lambdaFunction } from '../src/runtime/handler.ts';
import { acquireLease } from '../src/runtime/rollout/lease.ts';

const input = rolloutCall.extend({
  purpose: z.enum(['rollout', 'retirement']),
  /** The release to retire; a rollout's is in its item. */
  release: z.number().int().min(1).optional(),
  /** When the execution began; the wait for the lease counts from there. */
  startedAt: z.iso.datetime(),
});

export const handler = lambdaFunction({
  name: 'acquire-lease',
  input,
  deps: (config) => ({ table: openTable(config.table) }),
  run: (call, { table }, { clock }) => acquireLease(call, table, clock),
});
