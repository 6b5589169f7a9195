/**
 * Who may speak to the region at all: programs of this machine. A page in a browser is kept out by its Origin, and
 * a name that was made to point here (DNS rebinding) by Host.
 */

const loopbackName = /^(?:127\.0\.0\.1|\[::1\]|localhost|(?:[a-z0-9_-]+\.)+localhost)(?::\d+)?$/i;

/** Why a request is refused; `undefined` if it comes from here. */
export function foreignness(headers: Readonly<Record<string, string>>): string | undefined {
  const host = headers.host ?? '';
  if (!loopbackName.test(host))
    return `The local region answers to loopback names only, not to ${host || 'no Host'}.`;
  const origin = headers.origin;
  if (origin === undefined) return undefined;
  const named = /^https?:\/\/(.+)$/.exec(origin)?.[1] ?? '';
  return loopbackName.test(named) ? undefined : `The local region does not answer pages of ${origin}.`;
}

/** Why a target is refused that is no path: whoever sends a whole URL takes the region for a proxy to elsewhere. */
export function proxied(url: string): string | undefined {
  return url.startsWith('/') ? undefined : 'The local region answers to paths only: it is no proxy.';
}
