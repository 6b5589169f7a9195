/**
 * What a service of the region is: typed functions from an operation's input to its output, each with a
 * statement of what the caller must be allowed to do. The wire layer (local/wire) turns requests into calls
 * and answers into bytes; it checks the signature and, through `access`, IAM. Nothing in a service knows HTTP.
 */

/** A parsed policy document, as IAM stores it. */
export interface PolicyDocument {
  readonly Version?: string;
  readonly Statement: readonly PolicyStatement[];
}

export interface PolicyStatement {
  readonly Sid?: string;
  readonly Effect: 'Allow' | 'Deny';
  readonly Action?: string | readonly string[];
  readonly NotAction?: string | readonly string[];
  readonly Resource?: string | readonly string[];
  readonly NotResource?: string | readonly string[];
  readonly Principal?: '*' | Readonly<Record<string, string | readonly string[]>>;
  readonly Condition?: Readonly<Record<string, Readonly<Record<string, string | readonly string[]>>>>;
}

/** Who calls. */
export interface Principal {
  /** `root`: the region itself; `service`: an AWS service on its own behalf, such as autoscaling.amazonaws.com. */
  readonly kind: 'root' | 'user' | 'role' | 'service' | 'anonymous';
  /** As GetCallerIdentity tells it, or the service's name. */
  readonly arn: string;
  readonly userId: string;
  /** Identity policies; root and services need none. */
  readonly policies: readonly PolicyDocument[];
}

/** One thing that a caller must be allowed to do. Denied as soon as one resource is denied. */
export interface Access {
  /** For example `ec2:RegisterImage`. */
  readonly action: string;
  /** ARNs, or `*` for an action that takes no resource. */
  readonly resources: readonly string[];
  /** Condition keys in lower case, for example `aws:requesttag/flotilla:fleet`. */
  readonly context?: Readonly<Record<string, string | readonly string[]>>;
}

/** The circumstances of one call. */
export interface Call {
  readonly principal: Principal;
  readonly requestId: string;
  readonly sourceIp: string;
  readonly userAgent: string;
  /** `X-Amzn-Trace-Id` of the request: what it was made on behalf of. */
  readonly trace?: string | undefined;
  /** Throws AccessDenied in the words of the service; for rights that depend on what the call finds. */
  authorize(access: Access): void;
}

/** One operation. `input` has the shape of the SDK's command input, `output` that of its output. */
export interface Operation<Input = never, Output = unknown> {
  /** What the caller must be allowed to do, from the input alone. An empty list: anyone with a signature. */
  readonly access: (input: Input) => readonly Access[];
  readonly run: (input: Input, call: Call) => Output | Promise<Output>;
}

// biome-ignore lint/suspicious/noExplicitAny: a table of operations of different types; each is typed where it is written
export type Operations = Readonly<Record<string, Operation<any, any>>>;

/** A service as the region's front door knows it. */
export interface Service {
  /** The region's name for it: `ec2`, `autoscaling`, `elasticloadbalancing`, `ebs`, `s3`, `dynamodb`, `states`, … */
  readonly id: string;
  readonly operations: Operations;
  /** Policies that stand on a resource itself (a bucket's), by the resource's ARN. */
  readonly resourcePolicies?: (resource: string) => readonly PolicyDocument[];
  /** A short account of what exists, for the region's own page; plain data. */
  readonly look?: () => unknown;
}

/**
 * An error as AWS answers it. `code` is what clients match on; `status` the HTTP status; `fault` says whose
 * it is. `fields` are further members of a modelled error (`CancellationReasons`, `Item`).
 */
export class AwsError extends Error {
  override readonly name: string;
  readonly code: string;
  readonly status: number;
  readonly fields: Readonly<Record<string, unknown>>;

  constructor(code: string, message: string, status = 400, fields: Readonly<Record<string, unknown>> = {}) {
    super(message);
    this.name = code;
    this.code = code;
    this.status = status;
    this.fields = fields;
  }
}
