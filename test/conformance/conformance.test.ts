/**
 * The conformance table: cases from AWS's pages, each played by boto3, by the SDK for JavaScript and by the AWS CLI.
 * docs/conformance.md lists them.
 */
import { afterAll, beforeAll, describe, test } from 'vitest';
import { createRegion, type Region } from '../../local/region.ts';
import { pythonTool } from '../support/python.ts';
import type { Sheet } from './case.ts';
import { play, type Words } from './play.ts';
import { sheets } from './sheets.ts';
import { type Address, awsCli, boto3, javaScript, type Stranger } from './strangers.ts';
import { makeWorld } from './world.ts';

const tool = await pythonTool(['boto3==1.44.8', 'awscli==1.46.3']);
const skipped = 'skip' in tool ? ` (skipped: ${tool.skip})` : '';

let region: Region;
let world: Words;
let address: Address;
/** Does for the AWS CLI, which is slow, what comes before and after its call. */
let helper: Stranger;

beforeAll(async () => {
  region = await createRegion();
  // What this file asks is what the region knows, not when each copy of it knows.
  region.context.lag.off();
  region.throttles.off();
  address = { endpoint: await region.listen(), ...region.createOperator() };
  helper = javaScript(address);
  world = await makeWorld(region);
});
afterAll(async () => {
  await helper.close();
  await region.close();
});

const strangers = [
  { who: 'the SDK for JavaScript', letter: 'j', open: javaScript },
  { who: 'boto3', letter: 'b', open: boto3With },
  { who: 'the AWS CLI', letter: 'c', open: cliWith },
] as const;

function boto3With(at: Address): Stranger {
  return boto3('bin' in tool ? tool.bin : '', at);
}
function cliWith(at: Address): Stranger {
  return awsCli('bin' in tool ? tool.bin : '', at);
}

/** What stands in the world, and names that no other case and no other stranger has. */
function fresh(sheet: Sheet, index: number, letter: string): Words {
  const number = 1000 * sheets.indexOf(sheet) + 3 * index + 'jbc'.indexOf(letter) + 1;
  const name = `${sheet.service.slice(0, 4)}-case-${index}${letter}`;
  return new Map<string, string | number>([
    ...world,
    ['name', name],
    ['number', number],
    ['digits', `${number}`],
  ]);
}

for (const { who, letter, open } of strangers) {
  const python = open !== javaScript;
  describe.skipIf(python && 'skip' in tool)(`${who}${python ? skipped : ''}`, { concurrent: true }, () => {
    let stranger: Stranger;
    beforeAll(() => {
      stranger = open(address);
    });
    afterAll(() => stranger.close());

    describe.each(sheets)('$title', { concurrent: true }, (sheet) => {
      for (const [index, one] of sheet.cases.entries()) {
        if (open === cliWith && one.notByCli !== undefined) continue;
        test(`${one.operation} ${one.says}`, { timeout: 120_000 }, () =>
          play(sheet, one, stranger, open === cliWith ? helper : stranger, fresh(sheet, index, letter)),
        );
      }
    });
  });
}
