/**
 * A request from inside the VPC to the private address of an instance, or of a load balancer's node. The only security
 * group there is lets its own members in, on every port: whoever asks carries it. An instance's service has one port on
 * this host, whatever port it has in AWS, so that the port asked for matters to nodes alone.
 */
import { request } from 'node:http';
import type { Readable } from 'node:stream';
import type { Context } from '../../context.ts';
import type { Address, Machine } from '../../machines/machine.ts';
import type { Instances } from './instances.ts';
import type { Network } from './network.ts';

export interface PrivateRequest {
  /** Private address. */
  readonly host: string;
  readonly port: number;
  readonly method: string;
  /** With its query. */
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
}

/** `silence`: nothing answers, as packets to an address that nobody has; `refused`: no program listens. */
export type PrivateAnswer =
  | {
      readonly kind: 'answer';
      readonly status: number;
      readonly headers: Readonly<Record<string, string>>;
      readonly body: Readable | Uint8Array;
    }
  | { readonly kind: 'refused' }
  | { readonly kind: 'silence' };

export type Reach = (asked: PrivateRequest) => Promise<PrivateAnswer>;

/** How the VPC's own requests reach instances. */
export function openReach(context: Context, instances: Instances, network: Pick<Network, 'nodes'>): Reach {
  return async (asked) => {
    const node = network.nodes().find(({ address }) => address === asked.host);
    if (node !== undefined) return node.answer(asked);
    const machine = instances.byPrivateIp(asked.host)?.machine;
    return machine === undefined ? { kind: 'silence' } : askMachine(context, machine, asked);
  };
}

/** What the program of an instance answers. */
export async function askMachine(
  { clock }: Pick<Context, 'clock'>,
  machine: Machine,
  asked: PrivateRequest,
): Promise<PrivateAnswer> {
  if (machine.script !== undefined) {
    const status = machine.script.answer(asked.path);
    if (status === 'refused') return { kind: 'refused' };
    if (status === 'timeout') return { kind: 'silence' };
    return { kind: 'answer', status, headers: {}, body: Buffer.from(machine.script.body(asked.path)) };
  }
  if (machine.state === 'ended') return { kind: 'silence' };
  return machine.address === undefined ? { kind: 'refused' } : clock.hold(forwarded(asked, machine.address));
}

function forwarded({ method, path, headers }: PrivateRequest, address: Address): Promise<PrivateAnswer> {
  return new Promise((resolve) => {
    const asking = request({ ...address, method, path, headers, agent: false }, (response) =>
      resolve({
        kind: 'answer',
        status: response.statusCode ?? 502,
        headers: Object.fromEntries(
          Object.entries(response.headers).map(([name, value]) => [name, String(value)]),
        ),
        body: response,
      }),
    );
    asking.on('error', () => resolve({ kind: 'refused' }));
    asking.end();
  });
}
