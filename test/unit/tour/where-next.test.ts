import { expect, it } from 'vitest';
import type { Narrator } from '../../../tour/narrator.ts';
import { whereNext } from '../../../tour/where-next.ts';

/** Lines that can be pasted, and what is said around them. */
function told(env: Record<string, string>): string {
  const lines: string[] = [];
  const say = (text = ''): void => void lines.push(text);
  const narrator: Narrator = { chapter: say, status: say, fact: say, print: say };
  const local = {
    endpoint: 'http://127.0.0.1:4566',
    apiUrl: 'http://127.0.0.1:4566/_api/a1',
    balancerUrl: 'http://127.0.0.1:4567',
    uploadBucket: 'uploads',
    operator: { accessKeyId: 'AKIAEXAMPLE', secretAccessKey: 'secret' },
    region: { context: { regionName: 'us-east-1' } },
  };
  whereNext(local, narrator, true, env);
  return lines.join('\n');
}

it('says that the command finds the region', () => {
  expect(told({})).toContain('the command finds this region by itself');
  expect(told({ FLOTILLA_API_URL: '' })).toContain('the command finds this region by itself');
});

// The variable outranks every local region: what was meant for the tour would go to an account.
it('warns where the command would talk to another API, before the first command', () => {
  const said = told({ FLOTILLA_API_URL: 'https://a1.execute-api.eu-west-1.amazonaws.com' });
  expect(said).not.toContain('by itself');
  expect(said).toMatch(
    /would talk to https:\/\/a1\.execute-api.*\n {4}unset FLOTILLA_API_URL\n {4}npx flotilla status/s,
  );
});
