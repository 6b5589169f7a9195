/** The credentials of whoever runs the command, found as every AWS tool finds them. */
import { EBSClient } from '@aws-sdk/client-ebs';
import { EC2Client } from '@aws-sdk/client-ec2';
import { S3Client } from '@aws-sdk/client-s3';
import { clientSettings } from './clients/settings.ts';

export interface OperatorCredentials {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  readonly sessionToken?: string;
}

/**
 * Environment, shared files, SSO, container or instance, in the SDK's own order.
 * @throws the SDK's CredentialsProviderError where there are none
 */
export async function operatorCredentials(region: string): Promise<OperatorCredentials> {
  const { accessKeyId, secretAccessKey, sessionToken } = await new S3Client({ region }).config.credentials();
  return { accessKeyId, secretAccessKey, ...(sessionToken === undefined ? {} : { sessionToken }) };
}

/** Where the operator's own calls go: to a local region, when an endpoint is given. */
export interface OperatorConnection {
  readonly region: string;
  readonly endpoint?: string | undefined;
  readonly credentials: OperatorCredentials;
}

function settingsOf({ region, credentials, endpoint }: OperatorConnection) {
  return { region, credentials, ...(endpoint === undefined ? {} : { endpoint }) };
}

export function operatorS3(connection: OperatorConnection): S3Client {
  return new S3Client({ ...settingsOf(connection), forcePathStyle: connection.endpoint !== undefined });
}

export function operatorEc2(connection: OperatorConnection): EC2Client {
  return new EC2Client({ ...clientSettings(), ...settingsOf(connection) });
}

/** Retries are the reader's own, as those of the block writer are. */
export function operatorEbs(connection: OperatorConnection): EBSClient {
  return new EBSClient({ ...clientSettings, maxAttempts: 1, ...settingsOf(connection) });
}
