import { chmod, open } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { readBootPlan } from './disk-reader.ts';
import type { PrepareMachine } from './process-machine.ts';

/**
 * Runs the program found inside the AMI's snapshot as a process of this host. The program gets the manifest's
 * arguments and environment, and nothing of the host's own: only PORT and HOST to listen on, and the fleet
 * and release from the instance's tags.
 * @throws DiskUnreadable for whatever a kernel could not boot from
 */
export const prepareNative: PrepareMachine = async (launch, { folder, host, port }) => {
  const plan = await readBootPlan(launch.disk);
  // Named as in the image, so that argv[0] ends in the name that the program expects.
  const path = join(folder, basename(plan.program) || 'program');
  const file = await open(path, 'wx', 0o700);
  try {
    for await (const piece of plan.programPieces()) await file.write(piece);
  } finally {
    await file.close();
  }
  await chmod(path, 0o700);
  return {
    command: path,
    arguments: plan.arguments.slice(1),
    argv0: plan.arguments[0] ?? plan.program,
    environment: {
      ...plan.environment,
      PORT: `${port}`,
      HOST: host,
      FLOTILLA_FLEET: launch.tags['flotilla:fleet'] ?? '',
      FLOTILLA_RELEASE: launch.tags['flotilla:release'] ?? '',
    },
    // A program that listens at a port of its own is asked in vain, and would say nothing of it.
    greeting: `health is asked at ${host}:${port}; the program is told so by HOST and PORT`,
  };
};
