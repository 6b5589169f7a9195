/**
 * A process of its own that outlives the region by a moment: when the region is gone, however it went, it kills
 * what it was told to kill and removes what it was told to remove.
 *
 * Its standard input is one JSON object a line: `{ "kill": PID }` for a process group, `{ "spare": PID }` for one
 * that ended by itself, `{ "remove": PATH }`, and `{ "removeIfEmpty": PATH }` for a folder that others may share.
 * The end of the input is the end of the region.
 */
import { rmdirSync, rmSync } from 'node:fs';
import { createInterface } from 'node:readline';
import type { Duty } from './caretaker.ts';

const groups = new Set<number>();
const paths = new Set<string>();
const folders = new Set<string>();

const input = createInterface({ input: process.stdin });
input.on('line', (line) => {
  const duty = JSON.parse(line) as Duty;
  if ('kill' in duty) groups.add(duty.kill);
  else if ('spare' in duty) groups.delete(duty.spare);
  else if ('remove' in duty) paths.add(duty.remove);
  else folders.add(duty.removeIfEmpty);
});
input.on('close', () => {
  for (const group of groups) {
    try {
      process.kill(-group, 'SIGKILL');
    } catch {
      // It ended by itself meanwhile.
    }
  }
  for (const path of paths) {
    // What was just killed may still be writing for a moment.
    rmSync(path, { recursive: true, force: true, maxRetries: 5, retryDelay: 100 });
  }
  for (const folder of folders) {
    try {
      rmdirSync(folder);
    } catch {
      // Another region uses it.
    }
  }
  process.exit(0);
});
