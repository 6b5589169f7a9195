/** One quota of the account: what Service Quotas tells, and what the service that owns it enforces. */
export interface Quota {
  /** `ec2`, `autoscaling`, `elasticloadbalancing`, `ebs`. */
  readonly serviceCode: string;
  /** For example `L-1216C47A`. */
  readonly code: string;
  readonly name: string;
  readonly adjustable: boolean;
  /** What AWS gives a new account. */
  readonly defaultValue: number;
  /** What counts now; tests change it. */
  value: number;
}

/** @param value what this account has, where it is not the default. */
export function quota(
  serviceCode: string,
  code: string,
  name: string,
  defaultValue: number,
  { adjustable = true, value = defaultValue }: { adjustable?: boolean; value?: number } = {},
): Quota {
  return { serviceCode, code, name, adjustable, defaultValue, value };
}
