/** A region behind its socket, as clients of other people reach it, and the rights of an operator in it. */
import { S3Client } from '@aws-sdk/client-s3';
import { createRegion, type Region } from '../../local/region.ts';

export interface WireRegion {
  readonly region: Region;
  /** For any client of the SDK. */
  readonly settings: {
    readonly endpoint: string;
    readonly region: string;
    readonly credentials: { readonly accessKeyId: string; readonly secretAccessKey: string };
  };
  readonly s3: S3Client;
  close(): Promise<void>;
}

/** One without lag and throttling: what is asked of it is what it knows, not when each copy of it knows. */
export async function openWireRegion(): Promise<WireRegion> {
  const region = await createRegion({ seed: 7 });
  region.context.lag.off();
  region.throttles.off();
  const endpoint = await region.listen();
  const settings = { endpoint, region: 'us-east-1', credentials: region.createOperator() };
  const s3 = new S3Client({ ...settings, forcePathStyle: true });
  const close = async (): Promise<void> => {
    s3.destroy();
    await region.close();
  };
  return { region, settings, s3, close };
}
