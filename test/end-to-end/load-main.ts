/**
 * `npm run load`: at least 50,000 requests over everything that happens to a fleet of one. Ends with 1 where one failed
 * that no killed machine had in its hands.
 *
 *   --requests N     50000 unless told otherwise
 *   --per-second N   250
 */
import { readFlags, wholeNumber } from '../support/flags.ts';
import { describeLoad, runLoad } from './load.ts';

const { values } = readFlags({
  options: {
    requests: { type: 'string', default: '50000' },
    'per-second': { type: 'string', default: '250' },
  },
});
const report = await runLoad({
  requests: wholeNumber('requests', values.requests),
  perSecond: wholeNumber('per-second', values['per-second']),
  tell: (words) => console.log(words),
});
console.log(`\n${describeLoad(report)}`);
process.exitCode = report.unexplained.length + report.after.failed === 0 ? 0 : 1;
