import type { Sheet } from '../case.ts';
import { imageCases } from './ec2-images.ts';
import { instanceCases } from './ec2-instances.ts';
import { launchTemplateCases } from './ec2-launch-templates.ts';

/** Cases of EC2. */
export const ec2: Sheet = {
  service: 'ec2',
  title: 'EC2',
  pages: 'https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_*.html',
  cases: [...imageCases, ...launchTemplateCases, ...instanceCases],
};
