/** Clients with the rights of whoever runs the command, whose credentials are found as every AWS tool finds them. */
import { EBSClient } from '@aws-sdk/client-ebs';
import { EC2Client } from '@aws-sdk/client-ec2';
import { S3Client } from '@aws-sdk/client-s3';
import { withCalls } from './calls.ts';
import { clientSettings, requestHandler } from './clients/settings.ts';

export interface OperatorCredentials {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  readonly sessionToken?: string;
}

/** Asked before each request, so that a deploy may take longer than a session of SSO or of an assumed role. */
export type CredentialsProvider = () => Promise<OperatorCredentials>;

/**
 * Environment, shared files, SSO, container or instance, in the SDK's own order; renewed before they end.
 * @throws the SDK's CredentialsProviderError where there are none
 */
export async function operatorCredentials(region: string): Promise<CredentialsProvider> {
  const { credentials } = new S3Client({ region }).config;
  await credentials();
  return credentials;
}

/** Where the operator's own calls go: to a local region, when an endpoint is given. */
export interface OperatorConnection {
  readonly region: string;
  readonly endpoint?: string | undefined;
  readonly credentials: OperatorCredentials | CredentialsProvider;
}

function settingsOf({ region, credentials, endpoint }: OperatorConnection) {
  return { region, credentials, ...(endpoint === undefined ? {} : { endpoint }) };
}

/** A file of a kernel has more time than a function would give it: a person's line may be slow. */
const ofFiles = { ...requestHandler, requestTimeout: 120_000 };

export function operatorS3(connection: OperatorConnection): S3Client {
  const settings = { ...clientSettings(), requestHandler: ofFiles, ...settingsOf(connection) };
  return withCalls('s3', new S3Client({ ...settings, forcePathStyle: connection.endpoint !== undefined }));
}

export function operatorEc2(connection: OperatorConnection): EC2Client {
  return withCalls('ec2', new EC2Client({ ...clientSettings(), ...settingsOf(connection) }));
}

/** Retries are the reader's own, as those of the block writer are. */
export function operatorEbs(connection: OperatorConnection): EBSClient {
  return withCalls('ebs', new EBSClient({ requestHandler, maxAttempts: 1, ...settingsOf(connection) }));
}
