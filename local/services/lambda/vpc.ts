/**
 * Functions in a VPC. Their requests leave through network interfaces in private addresses: they reach what is in the
 * VPC, and nothing else. "By default, Lambda functions are connected to the public internet"; one in a VPC has the
 * internet, and with it AWS's APIs, only where the VPC has a NAT gateway or endpoints, and this one has neither.
 * https://docs.aws.amazon.com/lambda/latest/dg/configuration-vpc.html
 * https://docs.aws.amazon.com/lambda/latest/dg/configuration-vpc-internet.html
 */
import { createServer as createHttpServer, type ServerResponse } from 'node:http';
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net';
import { type Duplex, Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type { VpcConfig } from '@aws-sdk/client-lambda';
import { arn, type Context } from '../../context.ts';
import type { Iam } from '../../iam/iam.ts';
import type { Reach } from '../ec2/reach.ts';
import { invalid } from './invalid.ts';
import type { Transport } from './sandbox.ts';

export interface VpcSettings {
  readonly vpcId: string;
  readonly subnetIds: readonly string[];
  readonly securityGroupIds: readonly string[];
}

/** What Lambda needs to know of the network. */
export interface VpcNetwork {
  readonly vpcId: string;
  readonly securityGroupId: string;
  readonly subnets: readonly { readonly subnetId: string }[];
}

/** Which VPC a function is in; empty lists take it out. @throws InvalidParameterValueException */
export function checkVpc(config: VpcConfig | undefined, network: VpcNetwork): VpcSettings | undefined {
  const { SubnetIds: subnetIds = [], SecurityGroupIds: securityGroupIds = [] } = config ?? {};
  if (subnetIds.length === 0 && securityGroupIds.length === 0) return undefined;
  if (subnetIds.length === 0 || securityGroupIds.length === 0)
    throw invalid('Subnet Ids and Security Group Ids must both be given, or both be empty.');
  const stranger =
    subnetIds.find((id) => network.subnets.every(({ subnetId }) => subnetId !== id)) ??
    securityGroupIds.find((id) => id !== network.securityGroupId);
  if (stranger !== undefined)
    throw invalid(`Error occurred while validating the VPC: ${stranger} does not exist.`);
  return { vpcId: network.vpcId, subnetIds: [...subnetIds], securityGroupIds: [...securityGroupIds] };
}

/**
 * Lambda makes the interfaces with the function's own rights, and refuses a role that lacks one. Which of them it
 * tries is not told: all that the page lists are asked for.
 * https://docs.aws.amazon.com/lambda/latest/dg/configuration-vpc.html#configuration-vpc-permissions
 *
 * @throws InvalidParameterValueException
 */
export function requireInterfaceRights(
  context: Context,
  iam: Pick<Iam, 'refusal' | 'rolePrincipal'>,
  { roleArn, name, vpc }: { readonly roleArn: string; readonly name: string; readonly vpc: VpcSettings },
): void {
  const ec2 = (rest: string): string => arn(context, 'ec2', rest);
  const interfaces = ec2('network-interface/*');
  const asked = {
    CreateNetworkInterface: [
      interfaces,
      ...vpc.subnetIds.map((id) => ec2(`subnet/${id}`)),
      ...vpc.securityGroupIds.map((id) => ec2(`security-group/${id}`)),
    ],
    DescribeNetworkInterfaces: ['*'],
    DescribeSubnets: ['*'],
    // "Either specify a unique resource ID, or include all resource IDs".
    DeleteNetworkInterface: [ec2('*/*')],
    AssignPrivateIpAddresses: [interfaces],
    UnassignPrivateIpAddresses: [interfaces],
  };
  const principal = iam.rolePrincipal(roleArn, name);
  for (const [action, resources] of Object.entries(asked))
    if (iam.refusal(principal, { action: `ec2:${action}`, resources }) !== undefined)
      throw invalid(`The provided execution role does not have permissions to call ${action} on EC2`);
}

const never = <T>(): Promise<T> => new Promise<T>(() => {});

/** What answers a function on the virtual clock, by where it stands. */
export function transportOf(vpc: VpcSettings | undefined, frontDoor: Transport, reach: Reach): Transport {
  return async (request) => {
    const { host, port } = request.to ?? { host: '', port: 80 };
    const isPrivate = /^10\./.test(host);
    if (vpc === undefined) return isPrivate ? never() : frontDoor(request);
    if (!isPrivate) return never();
    const { method, url, headers } = request;
    const answer = await reach({ host, port, method, path: url, headers });
    if (answer.kind === 'silence') return never();
    if (answer.kind === 'refused')
      throw Object.assign(new Error(`connect ECONNREFUSED ${host}:${port}`), { code: 'ECONNREFUSED' });
    return answer;
  };
}

/**
 * The way out for functions that are processes: a port on loopback, which leads to the VPC alone. bootstrap.mjs connects
 * there instead, and says first whom it meant: what a proxy is told would be the Host header.
 */
export class VpcProxy {
  readonly #reach: Reach;
  readonly #meant = new WeakMap<Duplex, { readonly host: string; readonly port: number }>();
  readonly #sockets = new Set<Socket>();
  #server: Promise<Server> | undefined;

  constructor(reach: Reach) {
    this.#reach = reach;
  }

  /** For a process's environment. */
  async variables(): Promise<Record<string, string>> {
    this.#server ??= this.#listen();
    const { port } = (await this.#server).address() as AddressInfo;
    // Nothing here speaks TLS: a proxy that never answers is silence. https://nodejs.org/api/cli.html#node_use_env_proxy1
    return {
      LOCAL_REGION_VPC_PORT: String(port),
      NODE_USE_ENV_PROXY: '1',
      HTTPS_PROXY: `http://127.0.0.1:${port}`,
    };
  }

  async close(): Promise<void> {
    const server = await this.#server;
    for (const socket of this.#sockets) socket.destroy();
    await new Promise((resolve) => {
      if (server === undefined) resolve(undefined);
      else server.close(resolve);
    });
  }

  #listen(): Promise<Server> {
    const requests = createHttpServer((message, response) => {
      const meant = this.#meant.get(message.socket) ?? { host: '', port: 80 };
      const headers = Object.fromEntries(
        Object.entries(message.headers).map(([name, value]) => [name, String(value)]),
      );
      const { method = 'GET', url: path = '/' } = message;
      void this.#answer({ ...meant, method, path, headers }, response);
    });
    const server = createServer((socket) => {
      this.#sockets.add(socket);
      socket.on('close', () => this.#sockets.delete(socket));
      socket.on('error', () => socket.destroy());
      let heard = '';
      const listen = (chunk: Buffer): void => {
        heard += chunk.toString();
        const [, host, port] = /^(\S+) (\d+)\n$/.exec(heard) ?? [];
        if (host === undefined) return;
        socket.off('data', listen);
        this.#meant.set(socket, { host, port: Number(port) });
        requests.emit('connection', socket);
        // The request comes after this, to its parser alone.
        socket.write('\n');
      };
      socket.on('data', listen);
    });
    return new Promise((resolve, reject) => {
      server.once('error', reject);
      server.listen(0, '127.0.0.1', () => resolve(server));
    });
  }

  async #answer(asked: Parameters<Reach>[0], response: ServerResponse): Promise<void> {
    const answer = await this.#reach(asked);
    if (answer.kind === 'silence') return;
    if (answer.kind === 'refused') {
      response.destroy();
      return;
    }
    response.writeHead(answer.status, answer.headers);
    const body = answer.body instanceof Readable ? answer.body : Readable.from([answer.body]);
    // Whoever asked may have gone.
    await pipeline(body, response).catch(() => response.destroy());
  }
}
