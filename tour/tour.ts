/** The tour itself. It is a module of its own, so that a region without one need not load what only the tour uses. */
import { S3Client } from '@aws-sdk/client-s3';
import { openApi } from '../cli/api-client.ts';
import { journey, type Programs } from './journey.ts';
import type { Narrator } from './narrator.ts';
import { type Story, tellStory, whatDidNotHold } from './story.ts';
import type { LocalRegion } from './up.ts';

export { startBuilding } from './journey.ts';

/** Makes the tour and tells of it. @returns the story, and whether everything in it was as promised */
export async function tell(
  local: LocalRegion,
  programs: Programs,
  say: Narrator,
): Promise<{ story: Story; held: boolean }> {
  const story = await make(local, programs, say);
  const reasons = whatDidNotHold(story);
  tellStory(story, say);
  for (const reason of reasons) say.print(`  Not as promised: ${reason}.`);
  return { story, held: reasons.length === 0 };
}

async function make(local: LocalRegion, programs: Programs, say: Narrator): Promise<Story> {
  const { endpoint, region } = local;
  const { accessKeyId, secretAccessKey } = local.operator;
  const { regionName } = region.context;
  const credentials = { accessKeyId, secretAccessKey };
  const api = openApi(
    { apiUrl: local.apiUrl, region: regionName, endpoint, credentials },
    { userAgent: 'flotilla-tour' },
  );
  const objects = new S3Client({ endpoint, region: regionName, credentials, forcePathStyle: true });
  try {
    return await journey({
      say,
      api,
      objects,
      uploadBucket: local.uploadBucket,
      balancerUrl: local.balancerUrl,
      callsFor: (executionArn) => region.log.callsOf(executionArn),
      programs,
      now: () => Date.now(),
    });
  } finally {
    objects.destroy();
  }
}
