/** Asks an instance once, at its private address. The one function that stands in the VPC; it calls nothing of AWS. */
import { askInstance, question } from '../src/runtime/ask-instance.ts';
import { lambdaFunction } from '../src/runtime/handler.ts';

export const handler = lambdaFunction({
  name: 'ask-instance',
  input: question,
  deps: () => ({}),
  run: askInstance,
});
