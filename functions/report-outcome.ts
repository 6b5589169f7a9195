/** Tells the uploader what became of the upload: success and failure both pass here. */
import { openEvents } from '../src/aws/events.ts';
import { openObjects } from '../src/aws/objects.ts';
import { openTable } from '../src/aws/table.ts';
import { lambdaFunction } from '../src/runtime/handler.ts';
import { type ReportDeps, reportOutcome, uploadOutcome } from '../src/runtime/report-outcome.ts';

export const handler = lambdaFunction({
  name: 'report-outcome',
  input: uploadOutcome,
  deps: (config): ReportDeps => ({
    table: openTable(config.table),
    objects: openObjects(),
    events: openEvents(),
  }),
  run: (outcome, deps, { clock, config }) =>
    reportOutcome(outcome, deps, { storeBucket: config.storeBucket, now: clock.now() }),
});
