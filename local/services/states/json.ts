/** What flows between states. */
export type Json = null | boolean | number | string | Json[] | { [key: string]: Json };

/** https://docs.aws.amazon.com/step-functions/latest/dg/service-quotas.html: input or output of a state or execution. */
export const dataLimitBytes = 256 * 1024;

/** https://docs.aws.amazon.com/step-functions/latest/dg/workflow-variables.html: all variables of an execution. */
export const variablesLimitBytes = 10 * 1024 * 1024;

/** Size as the service counts it: UTF-8 bytes of the JSON text. */
export function sizeOf(value: Json): number {
  return Buffer.byteLength(JSON.stringify(value));
}
