/** The credentials of whoever runs the command, found as every AWS tool finds them. */
import { S3Client } from '@aws-sdk/client-s3';

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

/** A client for the operator's own calls to S3: a local region's, when an endpoint is given. */
export function operatorS3(connection: {
  readonly region: string;
  readonly endpoint?: string | undefined;
  readonly credentials: OperatorCredentials;
}): S3Client {
  return new S3Client({
    region: connection.region,
    credentials: connection.credentials,
    ...(connection.endpoint === undefined ? {} : { endpoint: connection.endpoint, forcePathStyle: true }),
  });
}
