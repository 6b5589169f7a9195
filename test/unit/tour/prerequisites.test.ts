import { describe, expect, it } from 'vitest';
import { lacking } from '../../../tour/prerequisites.ts';

describe('what the tour lacks', () => {
  it.each(['go1.22', 'go1.22.4', 'go1.26.8', 'devel go1.27-1a2b3c', 'go2.0'])(
    'is nothing with %s',
    (version) => {
      expect(lacking('x64', version)).toBeUndefined();
    },
  );

  it.each(['go1.21.13', 'go1.9', ''])('is a newer Go where it is "%s"', (version) => {
    expect(lacking('x64', version)).toContain('needs Go 1.22 or later');
  });

  it('is Go where there is none', () => {
    expect(lacking('x64', undefined)).toContain('Go is not installed');
  });

  it('is another machine where programs of the tour do not run', () => {
    expect(lacking('arm64', 'go1.26.8')).toContain('this machine, which is arm64');
  });
});
