import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  buildExecutionName,
  decodeEventKey,
  fleetOfKey,
  isLaterEvent,
  parseUploadKey,
  uploadId,
} from '../../../src/lineage/upload.ts';

describe('the key of an upload', () => {
  it.each([
    ['web/hello', 'web', 'hello'],
    ['web/linux/hello v2', 'web', 'linux/hello v2'],
  ])('%s names the fleet %s', (key, fleet, name) => {
    expect(parseUploadKey(key)).toEqual({ fleet, name });
  });

  it.each([
    'hello',
    '/hello',
    'web/',
    'web',
    '',
    'Web/hello',
    'we b/hello',
    'a-very-long-fleet-name/hello',
    '../x',
  ])('%j names no fleet', (key) => {
    expect(() => parseUploadKey(key)).toThrow(expect.objectContaining({ name: 'UploadKeyInvalid' }));
    expect(fleetOfKey(key)).toBeUndefined();
  });

  it('is read as S3 encodes it', () => {
    expect(decodeEventKey('web/hello+world%2Bv2%C3%A4')).toBe('web/hello world+v2ä');
  });

  it('stays as it is where it is no such encoding', () => {
    expect(decodeEventKey('web/100%')).toBe('web/100%');
  });
});

describe('the id of an upload', () => {
  it('is another one for another version, key or bucket, and fits into the name of an execution', () => {
    const address = { bucket: 'b', key: 'web/x', versionId: '1' };
    const ids = [
      uploadId(address),
      uploadId({ ...address, versionId: '2' }),
      uploadId({ ...address, key: 'web/y' }),
      uploadId({ ...address, bucket: 'c' }),
    ];
    expect(new Set(ids).size).toBe(4);
    expect(uploadId(address)).toBe(ids[0]);
    expect(buildExecutionName(uploadId(address))).toMatch(/^up-[0-9a-f]{32}$/);
  });
});

describe('the order of events of one key', () => {
  it('follows the sequencer, the shorter one padded on the right', () => {
    expect(isLaterEvent('0055AED6DCD90281E5', '0055AED6DCD90281E4')).toBe(true);
    expect(isLaterEvent('0055AED6DCD90281E5', '0055AED6DCD90281E5')).toBe(false);
    expect(isLaterEvent('00551', '0055')).toBe(true);
    expect(isLaterEvent('0055', '00550')).toBe(false);
    expect(isLaterEvent('00AF', '00ae')).toBe(true);
  });

  it('is an order: of two different events at most one is later', () => {
    const sequencer = fc.string({
      unit: fc.constantFrom(...'0123456789ABCDEF'),
      minLength: 1,
      maxLength: 18,
    });
    fc.assert(
      fc.property(sequencer, sequencer, (a, b) => {
        expect(isLaterEvent(a, b) && isLaterEvent(b, a)).toBe(false);
      }),
    );
  });
});
