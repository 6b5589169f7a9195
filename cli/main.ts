/** The flotilla command. */
import { exitCodes } from './exit-codes.ts';
import { run } from './run.ts';

const words = process.argv.slice(2);
let goesOn = 'what was started goes on (flotilla status).';
if (words[0] !== 'up') {
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'])
    process.on(signal, () => {
      process.stderr.write(`\nflotilla: interrupted; ${goesOn}\n`);
      process.exit(exitCodes.interrupted);
    });
}
// Whoever reads what the command says may have read enough (`| head`): that is no failure of anything.
for (const stream of [process.stdout, process.stderr])
  stream.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code !== 'EPIPE') throw error;
    process.exit(exitCodes.interrupted);
  });
process.exitCode = await run(words, {
  env: process.env,
  uid: process.getuid?.() ?? 0,
  stdout: process.stdout,
  stderr: process.stderr,
  goesOn: (said) => {
    goesOn = said;
  },
});
