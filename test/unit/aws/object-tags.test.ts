/** Tags that are added to an object beside its uploader's, of which S3 takes ten in all. */
import { GetObjectTaggingCommand, PutObjectTaggingCommand, S3Client, type Tag } from '@aws-sdk/client-s3';
import { beforeEach, expect, test } from 'vitest';
import { openObjects } from '../../../src/aws/objects.ts';
import { mockClient } from '../../support/mock-client.ts';

const s3 = mockClient(S3Client);
beforeEach(() => s3.reset());

const theirs = (count: number): Tag[] =>
  Array.from({ length: count }, (_, index) => ({ Key: `theirs-${index}`, Value: 'x' }));
const ours = { 'our:first': 'a', 'our:second': 'b', 'our:third': undefined, 'our:fourth': 'd' };

/** The tags of an object that had these, once ours are added. */
async function tagged(present: readonly Tag[]): Promise<readonly Tag[]> {
  s3.on(GetObjectTaggingCommand).resolves({ TagSet: [...present] });
  s3.on(PutObjectTaggingCommand).resolves({});
  await openObjects(new S3Client()).tag({ bucket: 'uploads', key: 'web/hello', versionId: 'v1' }, ours);
  return s3.commandCalls(PutObjectTaggingCommand)[0]?.args[0].input.Tagging?.TagSet ?? [];
}

test.each([
  [0, ['our:first', 'our:second', 'our:fourth']],
  [7, ['our:first', 'our:second', 'our:fourth']],
  [8, ['our:first', 'our:second']],
  [9, ['our:first']],
  [10, []],
])('beside %i of its uploader stand the most important ones', async (count, expected) => {
  const tags = await tagged(theirs(count));
  expect(tags.slice(0, count)).toEqual(theirs(count));
  expect(tags.slice(count).map(({ Key }) => Key)).toEqual(expected);
});

test('what was said before gives way to what is said now', async () => {
  const before = [{ Key: 'our:third', Value: 'c' }, ...theirs(7), { Key: 'our:first', Value: 'z' }];
  expect(await tagged(before)).toEqual([
    ...theirs(7),
    { Key: 'our:first', Value: 'a' },
    { Key: 'our:second', Value: 'b' },
    { Key: 'our:fourth', Value: 'd' },
  ]);
});
