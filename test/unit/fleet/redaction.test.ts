/** Secrets are taken out of a page, and as little else as may be: somebody has to find the cause in the rest. */
import { describe, expect, it } from 'vitest';
import { redact, redactText } from '../../../src/fleet/redaction.ts';

const key = `AKIA${'ABCDEFGH12345678'}`;

describe('a text', () => {
  it.each([
    // Signed addresses, in whatever case, wherever the parameter stands, up to whatever ends it.
    ['u?X-Amz-Signature=ab12&y=1', 'u?X-Amz-Signature=<removed>&y=1'],
    ['u?y=1&X-Amz-Credential=ab/cd HTTP/1.1', 'u?y=1&X-Amz-Credential=<removed> HTTP/1.1'],
    ['u?X-AMZ-SECURITY-TOKEN=ab', 'u?X-AMZ-SECURITY-TOKEN=<removed>'],
    ['"u?X-Amz-Signature=ab"', '"u?X-Amz-Signature=<removed>"'],
    ["'u?X-Amz-Signature=ab'", "'u?X-Amz-Signature=<removed>'"],
    ['<u?X-Amz-Signature=ab>', '<u?X-Amz-Signature=<removed>>'],
    ['u?X-Amz-Signature=a&X-Amz-Credential=b', 'u?X-Amz-Signature=<removed>&X-Amz-Credential=<removed>'],
    ['u?Signature=ab&y=1', 'u?Signature=<removed>&y=1'],
    ['u?y=1&AWSAccessKeyId=ab "', 'u?y=1&AWSAccessKeyId=<removed> "'],
    // Keys of AWS, as a word of their own.
    [`${key} is unknown`, '<access key removed> is unknown'],
    [`ASIA${key.slice(4)},${key}`, '<access key removed>,<access key removed>'],
    // Headers, to the end of their line.
    ['Authorization: Bearer a b\nnext', 'Authorization: <removed>\nnext'],
    ['authorization:Basic ab', 'authorization:<removed>'],
    ['cookie:  a=1; b=2', 'cookie:  <removed>'],
    ['Set-Cookie: a=1', 'Set-Cookie: <removed>'],
    // Settings whose names say what they are.
    ['password=ab next', 'password=<removed> next'],
    ['DB_PASSWD = ab, next', 'DB_PASSWD = <removed>, next'],
    ['client-secret: ab; next', 'client-secret: <removed>; next'],
    ['SECRET_KEY: ab&next', 'SECRET_KEY: <removed>&next'],
    ['apikey=ab', 'apikey=<removed>'],
    ['API_KEY=ab', 'API_KEY=<removed>'],
    ['tokens   :   ab', 'tokens   :   <removed>'],
  ])('loses the secret in %j', (text, shown) => {
    expect(redactText(text, {})).toBe(shown);
  });

  it.each([
    'u?X-Amz-Date=20260101T000000Z&X-Amz-Expires=900',
    'X-Amz-Signature=ab stands in no address',
    'u?X-Amz-Signature=&y=1',
    'Signature=ab stands in no address',
    'u?signature=ab is of another service',
    `x${key} is part of a longer word`,
    `${key}9 is too long`,
    `${key.slice(0, -1)} is too short`,
    'AKIAabcdefgh12345678 has small letters',
    'reauthorization: wanted',
    'authorization failed: 403',
    'cookie:',
    'the password is wrong',
    'the password: ',
    'listening on :8080',
  ])('keeps %j', (text) => {
    expect(redactText(text, {})).toBe(text);
  });
});

describe('the values of the environment', () => {
  it('are named instead, wherever they stand, from eight characters on', () => {
    const environment = { URL: 'db://web1', MODE: 'verbose', LEVEL: 'detailed' };
    expect(redactText('db://web1, db://web1: verbose, detailed', environment)).toBe(
      '<URL>, <URL>: verbose, <LEVEL>',
    );
  });
  it('are taken out whole where one is part of another, in whatever order they are given', () => {
    const short = { PART: 'db://web1' };
    const long = { WHOLE: 'db://web1/main' };
    for (const environment of [
      { ...short, ...long },
      { ...long, ...short },
    ]) {
      expect(redactText('db://web1/main db://web1/other', environment)).toBe('<WHOLE> <PART>/other');
    }
  });
  it('are taken out of texts at any depth; what is no text stays as it is', () => {
    const value = { a: ['db://web1', { b: 'db://web1' }], c: 1, d: null, e: true, f: undefined };
    expect(redact(value, { URL: 'db://web1' })).toEqual({
      a: ['<URL>', { b: '<URL>' }],
      c: 1,
      d: null,
      e: true,
      f: undefined,
    });
    expect(redact('db://web1', { URL: 'db://web1' })).toBe('<URL>');
  });
});
