/** A file sent to a presigned URL, streamed: its size has no place in memory. */
import { createHash } from 'node:crypto';
import { createReadStream, statSync } from 'node:fs';
import { request as requestHttp } from 'node:http';
import { request as requestHttps } from 'node:https';
import { pipeline } from 'node:stream/promises';
import type { UploadTicket } from '../src/contracts/api.ts';
import { CommandError, exitCodes, usageError } from './exit-codes.ts';

export interface FileFacts {
  readonly path: string;
  readonly sizeBytes: number;
  readonly sha256: string;
}

/** @throws CommandError usage where it is no readable file */
export async function readFacts(path: string): Promise<FileFacts> {
  try {
    if (!statSync(path).isFile()) throw usageError(`${path} is no file.`);
    const digest = createHash('sha256');
    let sizeBytes = 0;
    for await (const chunk of createReadStream(path)) {
      digest.update(chunk as Buffer);
      sizeBytes += (chunk as Buffer).length;
    }
    return { path, sizeBytes, sha256: digest.digest('hex') };
  } catch (error) {
    if (error instanceof CommandError) throw error;
    throw usageError(`${path} cannot be read: ${(error as Error).message}.`);
  }
}

/** Without a byte passing for so long, the line is dead. */
const silenceMilliseconds = 60_000;

/**
 * @returns the version that S3 gave to the object: with bucket and key it names the upload.
 * @throws CommandError unreachable, or failed with S3's own words
 */
export async function sendFile(
  facts: FileFacts,
  ticket: UploadTicket,
  progress: (sentBytes: number) => void,
): Promise<{ versionId: string }> {
  const url = new URL(ticket.url);
  const open = url.protocol === 'https:' ? requestHttps : requestHttp;
  const request = open(url, {
    method: ticket.method,
    headers: { ...ticket.headers, 'content-length': String(facts.sizeBytes) },
    timeout: silenceMilliseconds,
    agent: false,
  });
  request.on('timeout', () => request.destroy(new Error('the line fell silent')));
  const answered = new Promise<{ status: number; versionId: string | undefined; text: string }>(
    (resolve, reject) => {
      request.on('error', reject);
      request.on('response', (response) => {
        let text = '';
        response.setEncoding('utf8');
        response.on('data', (chunk: string) => {
          text += chunk;
        });
        response.on('error', reject);
        response.on('end', () => {
          const version = response.headers['x-amz-version-id'];
          resolve({
            status: response.statusCode ?? 0,
            versionId: typeof version === 'string' ? version : undefined,
            text,
          });
        });
      });
    },
  );
  let sent = 0;
  const file = createReadStream(facts.path);
  file.on('data', (chunk) => {
    sent += chunk.length;
    progress(sent);
  });
  // An early answer (a refusal) may close the line while bytes are left: the answer tells more than the line.
  const [written, answer] = await Promise.allSettled([pipeline(file, request), answered]);
  if (answer.status === 'rejected') {
    const why = written.status === 'rejected' ? (written.reason as Error) : (answer.reason as Error);
    throw new CommandError(exitCodes.unreachable, `The upload broke off: ${why.message}`, {
      advice: 'Try again.',
    });
  }
  const { status, versionId, text } = answer.value;
  if (status < 200 || status > 299) {
    const said = /<Message>([^<]*)<\/Message>/.exec(text)?.[1] ?? text.slice(0, 300);
    throw new CommandError(exitCodes.failed, `S3 refused the upload (${status}): ${said}`);
  }
  return { versionId: versionId ?? 'null' };
}
