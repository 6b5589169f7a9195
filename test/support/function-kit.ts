/** What a test of a function needs around it: the environment of a stack, and Lambda's context. */
import type { Context } from 'aws-lambda';

/** Sets the environment that serverless.yml gives to each function. Handlers read it at their first call. */
export function giveEnvironment(changes: Readonly<Record<string, string>> = {}): void {
  Object.assign(process.env, {
    AWS_REGION: 'us-east-1',
    AWS_ACCESS_KEY_ID: 'AKIATEST',
    AWS_SECRET_ACCESS_KEY: 'test',
    FLOTILLA_TABLE: 'flotilla',
    FLOTILLA_STORE_BUCKET: 'flotilla-store',
    FLOTILLA_UPLOAD_BUCKET: 'flotilla-uploads',
    FLOTILLA_STACK: 'flotilla',
    FLOTILLA_MACHINE_PREFIX: 'arn:aws:states:us-east-1:000000000000:stateMachine:flotilla-',
    FLOTILLA_DEFAULTS: JSON.stringify({
      vpcId: 'vpc-1',
      subnetIds: ['subnet-1'],
      securityGroupIds: ['sg-1'],
      listenerArn: 'arn:listener',
    }),
    FLOTILLA_STAND_IN_KERNEL: 'allowed',
    ...changes,
  });
}

/** Lambda's second argument, as far as functions look at it. */
export function lambdaContext(remainingMilliseconds = 60_000): Context {
  return {
    awsRequestId: '00000000-0000-4000-8000-000000000000',
    getRemainingTimeInMillis: () => remainingMilliseconds,
  } as Context;
}

/** An error as the SDK throws it. */
export function awsError(name: string, status = 400): Error {
  return Object.assign(new Error(name), {
    name,
    $fault: status < 500 ? 'client' : 'server',
    $metadata: { httpStatusCode: status },
  });
}
