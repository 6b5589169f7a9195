import { mockClient as mock } from 'aws-sdk-client-mock';
import { afterAll } from 'vitest';

/**
 * aws-sdk-client-mock's, given back when the file's tests have ended: files share processes, and what it replaces is
 * the class's own method, which the next file may want as it is.
 */
export const mockClient: typeof mock = (client) => {
  const mocked = mock(client);
  afterAll(() => mocked.restore());
  return mocked;
};
