/**
 * PutSnapshotBlock without the middleware that the SDK puts around every call: twenty layers that find the endpoint
 * anew, make a stack of themselves, and write and read the parts by schema. They cost more processor time than all else
 * that a put does; a thousand puts a second have no room for that in functions that get a part of a core.
 *
 * Endpoint, credentials, signature, connections and errors are the SDK's own. docs/decisions/0008-lean-puts.md
 */
import {
  type EBSClientResolvedConfig,
  EBSServiceException,
  PutSnapshotBlockCommand,
  type PutSnapshotBlockCommandInput,
  type PutSnapshotBlockCommandOutput,
} from '@aws-sdk/client-ebs';
import { getEndpointFromInstructions } from '@smithy/core/endpoints';
import { HttpRequest, type HttpResponse } from '@smithy/core/protocols';
import { SignatureV4 } from '@smithy/signature-v4';
import type { HttpHandlerOptions } from '@smithy/types';
import { answering } from './calls.ts';

/** What every put of a client has in common. */
interface Way {
  readonly protocol: string;
  readonly hostname: string;
  readonly port?: number;
  /** The path before the operation's own, and the host as it is signed. */
  readonly base: string;
  readonly host: string;
  readonly signer: SignatureV4;
}

const ways = new WeakMap<EBSClientResolvedConfig, Promise<Way>>();

/** To be sent by a client like any other command; the middleware of the client is not asked. */
export class LeanPutSnapshotBlock extends PutSnapshotBlockCommand {
  override resolveMiddleware(_stack: unknown, config: EBSClientResolvedConfig, options?: HttpHandlerOptions) {
    return async () => {
      const { output, response } = await put(this.input, config, options);
      return { output, response };
    };
  }
}

async function put(
  input: PutSnapshotBlockCommandInput,
  config: EBSClientResolvedConfig,
  options: HttpHandlerOptions = {},
): Promise<{ output: PutSnapshotBlockCommandOutput; response: HttpResponse }> {
  let way = ways.get(config);
  if (way === undefined) {
    way = findWay(config);
    ways.set(config, way);
    // The next put looks again.
    way.catch(() => ways.delete(config));
  }
  const { signer, base, host, ...where } = await way;
  const { SnapshotId = '', BlockIndex = 0, BlockData, DataLength = 0, Checksum = '' } = input;
  const request = new HttpRequest({
    ...where,
    method: 'PUT',
    path: `${base}/snapshots/${encodeURIComponent(SnapshotId)}/blocks/${BlockIndex}`,
    headers: {
      host,
      'content-type': 'application/octet-stream',
      'content-length': String(DataLength),
      'x-amz-data-length': String(DataLength),
      'x-amz-checksum': Checksum,
      'x-amz-checksum-algorithm': 'SHA256',
      // The checksum above is signed: to hash the block once more for the signature would prove nothing.
      'x-amz-content-sha256': 'UNSIGNED-PAYLOAD',
    },
    body: BlockData,
  });
  const signed = HttpRequest.clone(
    await signer.sign(request, { signingDate: new Date(Date.now() + config.systemClockOffset) }),
  );
  const { response } = await config.requestHandler.handle(signed, options);
  const body = await text(response);
  const metadata = {
    httpStatusCode: response.statusCode,
    requestId: response.headers['x-amzn-requestid'],
  };
  if (response.statusCode >= 300)
    throw answering(refusal(response, body, metadata), 'ebs:PutSnapshotBlock', input);
  return { output: { $metadata: metadata }, response };
}

async function findWay(config: EBSClientResolvedConfig): Promise<Way> {
  const { url } = await getEndpointFromInstructions({}, PutSnapshotBlockCommand, { ...config });
  return {
    protocol: url.protocol,
    hostname: url.hostname,
    ...(url.port === '' ? {} : { port: Number(url.port) }),
    base: url.pathname.replace(/\/$/, ''),
    host: url.host,
    signer: new SignatureV4({
      service: 'ebs',
      region: config.region,
      credentials: config.credentials,
      sha256: config.sha256,
      applyChecksum: false,
    }),
  };
}

/** https://smithy.io/2.0/aws/protocols/aws-restjson1-protocol.html#operation-error-serialization */
function refusal(
  response: HttpResponse,
  body: string,
  $metadata: EBSServiceException['$metadata'],
): EBSServiceException {
  const said = parsed(body);
  const type = response.headers['x-amzn-errortype'] ?? said.code ?? said.__type ?? 'UnknownError';
  const name = /([^#:]+)(?::|$)/.exec(type.replace(/^.*#/, ''))?.[1] ?? type;
  const message =
    said.Message ?? said.message ?? `PutSnapshotBlock was answered with ${$metadata.httpStatusCode}`;
  const $fault = response.statusCode >= 500 ? 'server' : 'client';
  return Object.assign(new EBSServiceException({ name, message, $fault, $metadata }), {
    Reason: said.Reason,
  });
}

function parsed(body: string): Readonly<Record<string, string | undefined>> {
  try {
    const said: unknown = JSON.parse(body);
    if (typeof said !== 'object' || said === null) return {};
    return Object.fromEntries(
      Object.entries(said).map(([name, value]) => [name, typeof value === 'string' ? value : undefined]),
    );
  } catch {
    // A proxy's page, or nothing: the status says enough.
    return {};
  }
}

/** Reads to the end, without which the connection would not be free for the next put. */
async function text({ body }: HttpResponse): Promise<string> {
  let read = '';
  for await (const chunk of body as AsyncIterable<Uint8Array>) read += Buffer.from(chunk).toString('utf8');
  return read;
}
