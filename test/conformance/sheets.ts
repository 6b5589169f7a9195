/** Every sheet of the conformance table. */
import type { Sheet } from './case.ts';
import { autoScaling } from './cases/auto-scaling.ts';
import { dynamodb } from './cases/dynamodb.ts';
import { ebs } from './cases/ebs.ts';
import { ec2 } from './cases/ec2.ts';
import { loadBalancing } from './cases/load-balancing.ts';
import { cloudWatch, eventBridge, lambda, serviceQuotas, sts } from './cases/others.ts';
import { s3 } from './cases/s3.ts';
import { stepFunctions } from './cases/step-functions.ts';

export const sheets: readonly Sheet[] = [
  s3,
  dynamodb,
  ebs,
  ec2,
  loadBalancing,
  autoScaling,
  stepFunctions,
  lambda,
  eventBridge,
  cloudWatch,
  serviceQuotas,
  sts,
];
