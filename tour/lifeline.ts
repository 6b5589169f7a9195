import { Socket } from 'node:net';

/**
 * Calls `end` once when this process should stop: Ctrl-C, SIGTERM, SIGHUP, or the death of the process that
 * started it (bin/with-node.mjs holds the other end of a pipe).
 */
export function whenToldToEnd(end: (why: string) => void): void {
  let told = false;
  const once = (why: string): void => {
    if (told) return;
    told = true;
    end(why);
  };
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => once(signal));
  const descriptor = Number(process.env.FLOTILLA_PARENT_FD);
  if (Number.isInteger(descriptor) && descriptor > 2) {
    const pipe = new Socket({ fd: descriptor, readable: true, writable: false });
    pipe.on('error', () => once('its parent is gone'));
    pipe.on('close', () => once('its parent is gone'));
    pipe.resume();
    pipe.unref();
  }
}
