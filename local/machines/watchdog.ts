/**
 * A process of its own that outlives the region by a moment: when the region is gone, however it went, it
 * kills what the region's machines left running and removes their folder.
 *
 * It reads lines from its standard input: `+PID` for a process group to watch, `-PID` for one that ended.
 * The end of the input is the end of the region. Its one argument is the folder.
 */
import { rmSync } from 'node:fs';

const folder = process.argv[2];
const groups = new Set<number>();
let rest = '';

process.stdin.setEncoding('utf8');
process.stdin.on('data', (chunk: string) => {
  const lines = (rest + chunk).split('\n');
  rest = lines.pop() ?? '';
  for (const line of lines) {
    const group = Number(line.slice(1));
    if (line.startsWith('+')) groups.add(group);
    else groups.delete(group);
  }
});
process.stdin.on('close', () => {
  for (const group of groups) {
    try {
      process.kill(-group, 'SIGKILL');
    } catch {
      // It ended by itself meanwhile.
    }
  }
  if (folder !== undefined) rmSync(folder, { recursive: true, force: true });
  process.exit(0);
});
