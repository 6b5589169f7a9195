/**
 * HTTP APIs (API Gateway v2): what the stack makes of them, and how a request reaches its function. Their addresses
 * do not lead to the region, so that an API answers under `/_api/<apiId>/…` of the region's own, and under the host
 * `<apiId>.execute-api.localhost`.
 */
import type { Context } from '../../context.ts';
import type { Iam } from '../../iam/iam.ts';
import { AwsError } from '../../service.ts';
import { mapOf, type Persistent } from '../../state/persistent.ts';
import { TokenBucket } from '../../throttling/token-bucket.ts';
import type { Authenticated, Front } from '../../wire/front-door.ts';
import {
  decodeComponent,
  namesNoBucket,
  readAll,
  splitUrl,
  type WireRequest,
  type WireResponse,
} from '../../wire/http.ts';
import { readClaim } from '../../wire/sigv4.ts';
import type { Lambda } from '../lambda/lambda.ts';
import { message, proxyAnswer, proxyEvent } from './payload.ts';
import { checkRouteKey, matchRoute, type Route } from './routes.ts';

interface Integration {
  readonly functionArn: string;
  readonly timeoutMs: number;
}

interface Stage {
  readonly name: string;
  readonly burst: number;
  readonly perSecond: number;
  readonly bucket: TokenBucket;
}

interface HttpApi {
  readonly apiId: string;
  readonly name: string;
  readonly disabled: boolean;
  readonly integrations: Map<string, Integration>;
  readonly routes: Route[];
  stage: Stage | undefined;
}

/**
 * The account's own brake, where a stage has none.
 * https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-quotas.html
 */
const accountBurst = 5_000;
const accountPerSecond = 10_000;
/** The longest that an HTTP API waits for its function, and the largest body that it takes. */
const longestTimeoutMs = 30_000;
const largestBodyBytes = 10 * 1024 * 1024;

export function createHttpApis(context: Context, iam: Iam, lambda: Lambda, fronts: Front[]) {
  const apis = new Map<string, HttpApi>();
  const { random, clock, accountId, regionName } = context;

  function apiNamed(apiId: string): HttpApi {
    const found = apis.get(apiId);
    if (found === undefined)
      throw new AwsError('NotFoundException', `Invalid API identifier specified ${accountId}:${apiId}`, 404);
    return found;
  }

  const newId = (length: number) => random.text(length, 'abcdefghijklmnopqrstuvwxyz0123456789');
  const refused = (text: string) => new AwsError('BadRequestException', text);
  const domainOf = (apiId: string) => `${apiId}.execute-api.${regionName}.amazonaws.com`;

  /** The API that a request is for, and the path within it, still encoded. */
  function target(request: WireRequest): { apiId: string; path: string; query: string } | undefined {
    const { path, query } = splitUrl(request.url);
    const byPath = namesNoBucket(request) ? /^\/_api\/([a-z0-9]+)(\/.*)?$/.exec(path) : null;
    if (byPath !== null) return { apiId: byPath[1] ?? '', path: byPath[2] ?? '/', query };
    const byHost = /^([a-z0-9]+)\.execute-api\.localhost(:\d+)?$/.exec(request.headers.host ?? '');
    return byHost === null ? undefined : { apiId: byHost[1] ?? '', path, query };
  }

  /** Runs a function for at most so long. `undefined`: it was too slow, or there was no room for it. */
  async function invoke(integration: Integration, event: object, sourceArn: string): Promise<WireResponse> {
    let timer: { cancel(): void } | undefined;
    const late = new Promise<'late'>((resolve) => {
      timer = clock.after(integration.timeoutMs, () => resolve('late'));
    });
    try {
      const outcome = await Promise.race([
        lambda.invokeForService(integration.functionArn, event, 'apigateway.amazonaws.com', sourceArn),
        late,
      ]);
      // The function goes on by itself; nobody reads its answer.
      if (outcome === 'late') return message(503, 'Service Unavailable');
      return outcome.failed ? message(500, 'Internal Server Error') : proxyAnswer(outcome.payload);
    } catch (error) {
      const code = error instanceof AwsError ? error.code : undefined;
      if (code === 'TooManyRequestsException') return message(503, 'Service Unavailable');
      if (code === undefined) throw error;
      return message(500, 'Internal Server Error');
    } finally {
      timer?.cancel();
    }
  }

  async function handle(
    request: WireRequest,
    authenticate: (request: WireRequest) => Promise<Authenticated>,
  ): Promise<WireResponse> {
    const { apiId, path, query } = target(request) ?? { apiId: '', path: '', query: '' };
    const api = apis.get(apiId);
    const stage = api?.stage;
    if (api === undefined || stage === undefined || api.disabled) return message(404, 'Not Found');
    const decoded = decodeComponent(path);
    const match = matchRoute(api.routes, request.method, decoded);
    if (match === undefined) return message(404, 'Not Found');
    if (!stage.bucket.take()) return message(429, 'Too Many Requests');
    if (Number(request.headers['content-length'] ?? 0) > largestBodyBytes)
      return message(413, 'Request Entity Too Large');

    const { route, pathParameters } = match;
    const arn = `arn:aws:execute-api:${regionName}:${accountId}:${apiId}`;
    let authenticated: Authenticated | undefined;
    if (route.authorizationType === 'AWS_IAM') {
      authenticated = await authenticateAs(request, authenticate);
      const resource = `${arn}/${stage.name}/${request.method}${decoded}`;
      // A refusal says no more than this: https://repost.aws/knowledge-center/api-gateway-http-api-403-errors
      if (
        authenticated === undefined ||
        iam.refusal(authenticated.principal, { action: 'execute-api:Invoke', resources: [resource] }) !==
          undefined
      )
        return message(403, 'Forbidden');
    }
    const body = await clock.hold(readAll(authenticated?.body ?? request.body, largestBodyBytes));
    const integration = api.integrations.get(route.integrationId);
    if (integration === undefined) return message(500, 'Internal Server Error');
    const event = proxyEvent({
      apiId,
      accountId,
      stage: stage.name,
      domainName: domainOf(apiId),
      requestId: `${random.text(15, 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789')}=`,
      nowMs: clock.now(),
      routeKey: route.routeKey,
      method: request.method,
      path: decoded,
      query,
      headers: request.headers,
      pathParameters,
      body,
      sourceIp: request.sourceIp ?? '127.0.0.1',
      caller:
        authenticated === undefined
          ? undefined
          : { principal: authenticated.principal, accessKey: readClaim(request)?.accessKeyId ?? '' },
    });
    return await invoke(integration, event, `${arn}/${stage.name}/${route.routeKey.replace(' ', '')}`);
  }

  async function authenticateAs(
    request: WireRequest,
    authenticate: (request: WireRequest) => Promise<Authenticated>,
  ): Promise<Authenticated | undefined> {
    try {
      return readClaim(request)?.service === 'execute-api' ? await authenticate(request) : undefined;
    } catch (error) {
      // Whatever is wrong with a signature, the answer is the same.
      if (error instanceof Error && (error.name === 'SignatureRefused' || error instanceof AwsError))
        return undefined;
      throw error;
    }
  }

  fronts.push({ matches: (request) => target(request) !== undefined, handle });

  const persistent: Persistent = {
    name: 'http-apis',
    version: 1,
    collections: [
      mapOf<HttpApi>('apis', apis, {
        save: ({ stage, ...rest }) => ({
          ...rest,
          stage: stage && { name: stage.name, burst: stage.burst, perSecond: stage.perSecond },
        }),
        load: ({
          stage,
          ...rest
        }: Omit<HttpApi, 'stage'> & { stage: Omit<Stage, 'bucket'> | undefined }) => ({
          ...rest,
          stage: stage && { ...stage, bucket: new TokenBucket(clock, stage.burst, stage.perSecond) },
        }),
      }),
    ],
  };

  return {
    persistent,
    /** @throws AwsError BadRequestException */
    createApi(input: { name: string; protocolType: string; disabled: boolean }): {
      apiId: string;
      apiEndpoint: string;
    } {
      if (input.protocolType !== 'HTTP') throw refused('The local region has HTTP APIs alone.');
      const apiId = newId(10);
      apis.set(apiId, {
        apiId,
        name: input.name,
        disabled: input.disabled,
        integrations: new Map(),
        routes: [],
        stage: undefined,
      });
      return { apiId, apiEndpoint: `https://${domainOf(apiId)}` };
    },
    /** @throws AwsError BadRequestException, NotFoundException */
    createStage(
      apiId: string,
      input: {
        stageName: string;
        autoDeploy: boolean;
        burst: number | undefined;
        perSecond: number | undefined;
      },
    ): void {
      if (input.stageName !== '$default' || !input.autoDeploy)
        throw refused('The local region has the stage $default alone, deployed by itself.');
      const { burst = accountBurst, perSecond = accountPerSecond } = input;
      apiNamed(apiId).stage = {
        name: input.stageName,
        burst,
        perSecond,
        bucket: new TokenBucket(clock, burst, perSecond),
      };
    },
    /** @throws AwsError BadRequestException, NotFoundException */
    createIntegration(
      apiId: string,
      input: {
        integrationType: string;
        integrationUri: string;
        payloadFormatVersion: string;
        timeoutMs: number;
      },
    ): string {
      if (input.integrationType !== 'AWS_PROXY' || input.payloadFormatVersion !== '2.0')
        throw refused('The local region has AWS_PROXY integrations of payload format 2.0 alone.');
      if (input.timeoutMs < 50 || input.timeoutMs > longestTimeoutMs)
        throw refused('TimeoutInMillis must be from 50 to 30000.');
      const integrationId = newId(7);
      const { integrationUri: functionArn, timeoutMs } = input;
      apiNamed(apiId).integrations.set(integrationId, { functionArn, timeoutMs });
      return integrationId;
    },
    /** @throws AwsError BadRequestException, ConflictException, NotFoundException */
    createRoute(
      apiId: string,
      input: { routeKey: string; target: string; authorizationType: string },
    ): string {
      const api = apiNamed(apiId);
      const { routeKey, authorizationType } = input;
      checkRouteKey(routeKey);
      if (authorizationType !== 'NONE' && authorizationType !== 'AWS_IAM')
        throw refused(`The local region does not know the authorization type ${authorizationType}.`);
      if (api.routes.some((route) => route.routeKey === routeKey))
        throw new AwsError(
          'ConflictException',
          `Route with key ${routeKey} already exists for this API`,
          409,
        );
      const integrationId = /^integrations\/(.+)$/.exec(input.target)?.[1] ?? '';
      if (!api.integrations.has(integrationId)) throw refused(`There is no ${input.target}.`);
      api.routes.push({ routeKey, integrationId, authorizationType });
      return newId(7);
    },
    /**
     * A text that begins with the address of an API of this region gets the address where that API answers. Every
     * other text, and every text while the region does not listen, stays as it is.
     */
    localUrl(text: string, listening: boolean): string {
      const apiId = /^https:\/\/([a-z0-9]+)\.execute-api\./.exec(text)?.[1];
      if (!listening || apiId === undefined || !apis.has(apiId)) return text;
      return text.replace(`https://${domainOf(apiId)}`, `${context.endpoint()}/_api/${apiId}`);
    },
    look: () =>
      Object.fromEntries(
        [...apis.values()].map((api) => [
          api.apiId,
          { name: api.name, routes: api.routes.map((r) => r.routeKey) },
        ]),
      ),
  };
}
