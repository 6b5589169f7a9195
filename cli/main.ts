/** The flotilla command. */
import { exitCodes } from './exit-codes.ts';
import { run } from './run.ts';

const words = process.argv.slice(2);
if (words[0] !== 'up') {
  process.on('SIGINT', () => {
    process.stderr.write('\nflotilla: interrupted; what was started goes on (flotilla status).\n');
    process.exit(exitCodes.interrupted);
  });
}
process.exitCode = await run(words, {
  env: process.env,
  uid: process.getuid?.() ?? 0,
  stdout: process.stdout,
  stderr: process.stderr,
});
