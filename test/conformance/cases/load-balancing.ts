import type { Sheet } from '../case.ts';
import { targetGroupCases } from './load-balancing-groups.ts';
import { ruleCases } from './load-balancing-rules.ts';

/** Cases of Elastic Load Balancing v2. */
export const loadBalancing: Sheet = {
  service: 'elasticloadbalancing',
  title: 'Elastic Load Balancing v2',
  pages: 'https://docs.aws.amazon.com/elasticloadbalancing/latest/APIReference/API_*.html',
  cases: [...targetGroupCases, ...ruleCases],
};
