/** Asks instances at their private addresses. The one function that stands in the VPC; it calls nothing of AWS. */
import { askInstances, questions } from '../src/runtime/ask-instance.ts';
import { lambdaFunction } from '../src/runtime/handler.ts';

export const handler = lambdaFunction({
  name: 'ask-instance',
  input: questions,
  deps: () => ({}),
  run: askInstances,
});
