/** Which control plane the command talks to, and as whom. */
import { type OperatorConnection, operatorCredentials } from '../src/aws/operator.ts';
import { CommandError, exitCodes, usageError } from './exit-codes.ts';
import { noteFolder, runningRegions } from './local-region.ts';

/** Its endpoint is that of a local region; undefined for AWS itself. */
export interface Connection extends OperatorConnection {
  /** Of the HTTP API, without a slash at the end. */
  readonly apiUrl: string;
}

export interface Surroundings {
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly uid: number;
}

/** `https://….execute-api.eu-west-1.amazonaws.com` names its region. */
function regionOfUrl(url: string): string | undefined {
  return /\.execute-api\.([a-z0-9-]+)\.amazonaws\.com/.exec(url)?.[1];
}

/**
 * `--endpoint` chooses; then FLOTILLA_API_URL with the AWS environment; then the newest local region that runs.
 * @param endpoint of a local region (`http://127.0.0.1:4566`), or the URL of an API
 * @throws CommandError usage, unreachable
 */
export async function connect(endpoint: string | undefined, { env, uid }: Surroundings): Promise<Connection> {
  const regions = runningRegions(noteFolder(env, uid), uid);
  if (endpoint !== undefined) {
    const wanted = trimmed(endpoint);
    const local = regions.find(
      (note) => trimmed(note.endpoint) === wanted || trimmed(note.apiUrl) === wanted,
    );
    if (local !== undefined) return ofNote(local);
    if (!URL.canParse(wanted)) throw usageError(`--endpoint: ${endpoint} is no URL`);
    return await ofUrl(wanted, env);
  }
  const url = env.FLOTILLA_API_URL;
  if (url !== undefined && url !== '') {
    if (!URL.canParse(url)) throw usageError(`FLOTILLA_API_URL: ${url} is no URL`);
    return await ofUrl(trimmed(url), env);
  }
  const [newest] = regions;
  if (newest !== undefined) return ofNote(newest);
  throw new CommandError(exitCodes.unreachable, 'No local region runs here, and no API is named.', {
    advice: 'Start one with flotilla up, or set FLOTILLA_API_URL to the URL of the API.',
  });
}

function trimmed(url: string): string {
  return url.replace(/\/+$/, '');
}

function ofNote(note: ReturnType<typeof runningRegions>[number]): Connection {
  const { apiUrl, region, endpoint, accessKeyId, secretAccessKey } = note;
  return { apiUrl: trimmed(apiUrl), region, endpoint, credentials: { accessKeyId, secretAccessKey } };
}

async function ofUrl(apiUrl: string, env: Surroundings['env']): Promise<Connection> {
  const region = regionOfUrl(apiUrl) ?? env.AWS_REGION ?? env.AWS_DEFAULT_REGION;
  if (region === undefined || region === '') {
    throw usageError(`${apiUrl} does not say its region.`, 'Set AWS_REGION.');
  }
  try {
    const credentials = await operatorCredentials(region);
    return { apiUrl, region, endpoint: env.AWS_ENDPOINT_URL, credentials };
  } catch (error) {
    throw new CommandError(
      exitCodes.forbidden,
      `There are no AWS credentials: ${(error as Error).message}.`,
      {
        advice: 'Set AWS_PROFILE, or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY.',
      },
    );
  }
}
