/** What the event of an execution's status holds of its data. */
import { expect, it } from 'vitest';
import { createBench } from './machine-bench.ts';

const limit = 248 * 1024;
/** A text of JSON that takes so many bytes as a string in JSON. */
const taking = (bytes: number): string => `1${' '.repeat(bytes - 3)}`;

/** How long a text is: two of these sizes take a minute to compare. */
const lengthOf = (text: unknown) => (typeof text === 'string' ? text.length : null);

/** What the last event tells of an execution whose input and output are these texts of JSON. */
async function told(input: string, output: string) {
  const bench = createBench();
  const stateMachineArn = await bench.machine({
    StartAt: 'A',
    States: { A: { Type: 'Pass', Output: `{% $parse('${output}') %}`, End: true } },
  });
  const { executionArn } = await bench.run('StartExecution', { stateMachineArn, input });
  await bench.finish(executionArn);
  const { input: shown, inputDetails, output: result, outputDetails } = bench.events.at(-1)?.detail ?? {};
  return { input: lengthOf(shown), inputDetails, output: lengthOf(result), outputDetails };
}

const quoted = (length: number): string => `"${'a'.repeat(length)}"`;

// https://docs.aws.amazon.com/step-functions/latest/dg/eventbridge-integration.html
it('holds both where they fit together', async () => {
  // The output is `1`, three bytes as a string.
  const input = taking(limit - 3);
  expect(await told(input, '1')).toEqual({
    input: input.length,
    inputDetails: { included: true },
    output: 1,
    outputDetails: { included: true },
  });
});

it('leaves out the input alone where both together are too large', async () => {
  expect(await told(taking(limit - 2), '1')).toEqual({
    input: null,
    inputDetails: { included: false },
    output: 1,
    outputDetails: { included: true },
  });
});

it('leaves out the output too where it is too large by itself', async () => {
  // Each of its two quotation marks takes two bytes, and the string's own two more.
  const fits = quoted(limit - 6);
  expect(await told('1', fits)).toMatchObject({ input: null, output: fits.length });
  expect(await told('1', quoted(limit - 5))).toEqual({
    input: null,
    inputDetails: { included: false },
    output: null,
    outputDetails: { included: false },
  });
});

it('counts bytes as they are escaped, not characters', async () => {
  const input = JSON.stringify('é'.repeat(limit / 2));
  expect(await told(input, '1')).toMatchObject({ input: null, output: 1 });
  const quotes = JSON.stringify('"'.repeat(limit / 4));
  expect(await told(quotes, '1')).toMatchObject({ input: null, output: 1 });
});
