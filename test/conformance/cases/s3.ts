import type { Sheet } from '../case.ts';
import { multipartCases } from './s3-multipart.ts';
import { readingCases } from './s3-reading.ts';
import { api } from './s3-things.ts';
import { writingCases } from './s3-writing.ts';

/** Cases of Amazon S3. */
export const s3: Sheet = {
  service: 's3',
  title: 'Amazon S3',
  pages: `${api}/API_*.html`,
  cases: [...writingCases, ...readingCases, ...multipartCases],
};
