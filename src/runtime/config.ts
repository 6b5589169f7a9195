/** The environment of a function, parsed once. serverless.yml sets each of these. */
import * as z from 'zod';

/** Where new fleets stand unless their spec says otherwise: parameters of the stack, given as JSON. */
const defaults = z.strictObject({
  vpcId: z.string(),
  subnetIds: z.array(z.string()),
  securityGroupIds: z.array(z.string()),
  listenerArn: z.string(),
});

const environment = z.object({
  FLOTILLA_TABLE: z.string().min(3),
  FLOTILLA_STORE_BUCKET: z.string().min(3),
  FLOTILLA_UPLOAD_BUCKET: z.string().min(3),
  FLOTILLA_STACK: z.string().min(1),
  FLOTILLA_MACHINE_PREFIX: z.string().startsWith('arn:'),
  FLOTILLA_DEFAULTS: z
    .string()
    .transform((text, context) => {
      try {
        return JSON.parse(text) as unknown;
      } catch {
        context.addIssue({ code: 'custom', message: 'not JSON' });
        return z.NEVER;
      }
    })
    .pipe(defaults),
  FLOTILLA_STAND_IN_KERNEL: z.enum(['allowed', 'refused']).default('refused'),
  FLOTILLA_ON_BEHALF_ROLES: z
    .string()
    .default('')
    .transform((text) => text.split(',').filter((id) => id !== '')),
});

export interface Config {
  readonly table: string;
  readonly storeBucket: string;
  readonly uploadBucket: string;
  /** Name of the stack; it is in tags, so that two stacks in one account do not touch each other's things. */
  readonly stack: string;
  /** `arn:aws:states:REGION:ACCOUNT:stateMachine:STACK-`; a machine's short name completes it. */
  readonly machinePrefix: string;
  readonly defaults: z.infer<typeof defaults>;
  /** The stand-in kernel boots nowhere but in a local region, so it is refused elsewhere. */
  readonly standInKernel: 'allowed' | 'refused';
  /** Ids (`AROA…`) of the roles that put objects on behalf of a person. Given to receive-upload alone. */
  readonly onBehalfRoles: readonly string[];
}

/**
 * Reads the configuration from a process's environment.
 * @throws ZodError naming each variable that is missing or malformed.
 */
export function readConfig(env: Readonly<Record<string, string | undefined>>): Config {
  const parsed = environment.parse(env);
  return {
    table: parsed.FLOTILLA_TABLE,
    storeBucket: parsed.FLOTILLA_STORE_BUCKET,
    uploadBucket: parsed.FLOTILLA_UPLOAD_BUCKET,
    stack: parsed.FLOTILLA_STACK,
    machinePrefix: parsed.FLOTILLA_MACHINE_PREFIX,
    defaults: parsed.FLOTILLA_DEFAULTS,
    standInKernel: parsed.FLOTILLA_STAND_IN_KERNEL,
    onBehalfRoles: parsed.FLOTILLA_ON_BEHALF_ROLES,
  };
}

export type MachineName = 'build-image' | 'swap-fleet' | 'retire-release';

/** ARN of one of the stack's state machines. */
export function machineArn(config: Pick<Config, 'machinePrefix'>, machine: MachineName): string {
  return `${config.machinePrefix}${machine}`;
}

/** ARN of an execution of one of them, from the name that identifies it. */
export function executionArn(
  config: Pick<Config, 'machinePrefix'>,
  machine: MachineName,
  execution: string,
): string {
  return `${machineArn(config, machine).replace(':stateMachine:', ':execution:')}:${execution}`;
}
