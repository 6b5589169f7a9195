/** Tells the uploader what became of the upload, and of the rollout that it asked for: every end passes here. */
import * as z from 'zod';
import { openEvents } from '../src/aws/events.ts';
import { openObjects } from '../src/aws/objects.ts';
import { openTable } from '../src/aws/table.ts';
import { lambdaFunction } from '../src/runtime/handler.ts';
import {
  type ReportDeps,
  reportOutcome,
  reportRollout,
  rolloutOutcome,
  uploadOutcome,
} from '../src/runtime/report-outcome.ts';

export const handler = lambdaFunction({
  name: 'report-outcome',
  input: z.union([uploadOutcome, rolloutOutcome]),
  deps: (config): ReportDeps => ({
    table: openTable(config.table),
    objects: openObjects(),
    events: openEvents(),
  }),
  run: async (outcome, deps, { clock, config }): Promise<{ state: string }> =>
    'upload' in outcome
      ? await reportOutcome(outcome, deps, { storeBucket: config.storeBucket, now: clock.now() })
      : await reportRollout(outcome, deps, { storeBucket: config.storeBucket }),
});
