import type { Narrator } from './narrator.ts';
import type { LocalRegion } from './up.ts';

/** What is said of a region. */
type Place = Pick<LocalRegion, 'endpoint' | 'apiUrl' | 'balancerUrl' | 'uploadBucket' | 'operator'> & {
  readonly region: { readonly context: { readonly regionName: string } };
};

/**
 * What a person can do now, in lines that can be pasted into another terminal.
 * @param hasFleet whether the tour made its fleet
 * @param env of this process, and so probably of the other terminal
 */
export function whereNext(
  local: Place,
  say: Narrator,
  hasFleet: boolean,
  env: Readonly<Record<string, string | undefined>>,
): void {
  const { endpoint, operator } = local;
  say.chapter('Where to go next');
  say.print(`  load balancer   ${local.balancerUrl}/`);
  say.print(`  API             ${local.apiUrl}`);
  say.print(`  upload bucket   s3://${local.uploadBucket}/<fleet>/<name>`);
  say.print(`  a look inside   ${endpoint}/_region`);
  say.print();
  const elsewhere = env.FLOTILLA_API_URL;
  if (elsewhere === undefined || elsewhere === '')
    say.print('  In another terminal, the command finds this region by itself:');
  else {
    say.print(`  FLOTILLA_API_URL is set: the command would talk to ${elsewhere}, not to this region.`);
    say.print('  In another terminal, first of all:');
    say.print('    unset FLOTILLA_API_URL');
  }
  if (!hasFleet) say.print('    npx flotilla fleet apply examples/hello/fleet.yml');
  say.print('    npx flotilla status');
  say.print('    npx flotilla deploy FILE --fleet hello');
  say.print();
  say.print('  The AWS CLI, with an operator key pair that was made for this run:');
  // Version 1 of the AWS CLI reads the one, the SDKs the other.
  const region = local.region.context.regionName;
  say.print(`    export AWS_ENDPOINT_URL=${endpoint} AWS_REGION=${region} AWS_DEFAULT_REGION=${region}`);
  say.print(`    export AWS_ACCESS_KEY_ID=${operator.accessKeyId}`);
  say.print(`    export AWS_SECRET_ACCESS_KEY=${operator.secretAccessKey}`);
  say.print('    aws ec2 describe-images --owners self');
  say.print('    aws stepfunctions list-state-machines');
  say.print();
  say.print('  Ctrl-C ends the region, and leaves nothing behind.');
}
