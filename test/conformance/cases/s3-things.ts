/** What cases of Amazon S3 share. */
import type { Step } from '../case.ts';

export const text = (value: string): Uint8Array => Uint8Array.from(Buffer.from(value));
export const plain = { Bucket: 'world-plain', Key: '<name>' };
export const versioned = { Bucket: 'world-versioned', Key: '<name>' };
export const put = (body: string, more: object = {}): Step => ({
  call: 'PutObject',
  input: { ...plain, Body: text(body), ...more },
});
export const twoVersions: readonly Step[] = [
  { call: 'PutObject', input: { ...versioned, Body: text('first') }, keep: { first: 'VersionId' } },
  { call: 'PutObject', input: { ...versioned, Body: text('second') }, keep: { second: 'VersionId' } },
];
export const removed: Step = {
  call: 'DeleteObject',
  input: versioned,
  answers: { DeleteMarker: true },
  keep: { marker: 'VersionId' },
};
export const api = 'https://docs.aws.amazon.com/AmazonS3/latest/API';
export const guide = 'https://docs.aws.amazon.com/AmazonS3/latest/userguide';
/** "Error responses": the codes with their statuses. */
export const errors = `${api}/ErrorResponses.html`;
export const conditional = `${guide}/conditional-writes.html`;
export const markers = `${guide}/DeleteMarker.html`;
export const etagOfHello = '"5d41402abc4b2a76b9719d911017c592"';
/** S3 answers HEAD without a body, so that clients make a name of the status. */
export const notFound = { code: ['404', 'NotFound'], status: 404 };
export const noVersion = 'abcdefghijklmnopqrstuvwxyz012345';
