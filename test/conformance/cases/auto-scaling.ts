import type { Sheet } from '../case.ts';
import { activityCases } from './auto-scaling-activities.ts';
import { groupCases } from './auto-scaling-groups.ts';

/** Cases of EC2 Auto Scaling. */
export const autoScaling: Sheet = {
  service: 'autoscaling',
  title: 'EC2 Auto Scaling',
  pages: 'https://docs.aws.amazon.com/autoscaling/ec2/APIReference/API_*.html',
  cases: [...groupCases, ...activityCases],
};
