/** Who listens where, as Linux tells it: the sockets of a process and of all that it started. */
import { readdir, readFile, readlink } from 'node:fs/promises';

/** `127.0.0.1:4566` or, for IPv6, the address in 32 hexadecimal digits and the port, of every listening socket. */
export async function listeningAddresses(root: number): Promise<string[]> {
  const inodes = new Set<string>();
  for (const pid of await family(root)) for (const inode of await socketsOf(pid)) inodes.add(inode);
  const found: string[] = [];
  for (const table of ['tcp', 'tcp6']) {
    const text = await readFile(`/proc/net/${table}`, 'utf8').catch(() => '');
    for (const line of text.split('\n').slice(1)) {
      const [, local = '', , state, , , , , , inode = ''] = line.trim().split(/\s+/);
      if (state !== listen || !inodes.has(inode)) continue;
      const [address = '', port = ''] = local.split(':');
      found.push(`${address.length === 8 ? dotted(address) : address}:${Number.parseInt(port, 16)}`);
    }
  }
  return found.sort();
}

/** TCP_LISTEN of the kernel. */
const listen = '0A';

/** The address is written as a number of the machine's own order of bytes, which here is the small end first. */
function dotted(hex: string): string {
  return [...Buffer.from(hex, 'hex')].reverse().join('.');
}

/** A process and its descendants. */
async function family(root: number): Promise<number[]> {
  const parents = new Map<number, number>();
  for (const name of await readdir('/proc')) {
    if (!/^\d+$/.test(name)) continue;
    const stat = await readFile(`/proc/${name}/stat`, 'utf8').catch(() => '');
    parents.set(Number(name), Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1]));
  }
  const found = [root];
  for (const pid of found) for (const [child, parent] of parents) if (parent === pid) found.push(child);
  return found;
}

async function socketsOf(pid: number): Promise<string[]> {
  const names = await readdir(`/proc/${pid}/fd`).catch(() => []);
  const links = await Promise.all(names.map((name) => readlink(`/proc/${pid}/fd/${name}`).catch(() => '')));
  return links.flatMap((link) => /^socket:\[(\d+)\]$/.exec(link)?.[1] ?? []);
}
