/** Users, roles and sessions of the region, and the judgement over what they may do. */
import type { Context, SessionCredentials } from '../context.ts';
import { type Access, AwsError, type PolicyDocument, type Principal } from '../service.ts';
import { mapOf, type Persistent } from '../state/persistent.ts';
import { managedPolicies } from './managed.ts';
import { evaluate, type Grant, type PolicyKind, parsePolicy } from './policy.ts';

export interface Role {
  readonly name: string;
  readonly path: string;
  readonly arn: string;
  readonly roleId: string;
  readonly trust: PolicyDocument;
  readonly policies: readonly PolicyDocument[];
}

/** What a role is made of; documents as objects or as JSON text. */
export interface RoleInput {
  readonly name: string;
  /** Starts and ends with a slash; `/` unless told otherwise. */
  readonly path?: string;
  readonly assumeRolePolicy: unknown;
  /** Inline policies by name. */
  readonly policies?: Readonly<Record<string, unknown>>;
  /** ARNs of AWS's own policies; refused unless the region knows what they say. */
  readonly managedPolicyArns?: readonly string[];
}

export interface KeyPair {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
}

/** Whose keys they are: a user, by name, or a session of a role. */
type Holder = { readonly user: string } | { readonly roleArn: string; readonly sessionName: string };

interface StoredCredential extends KeyPair {
  readonly sessionToken: string | undefined;
  readonly expiresAt: number | undefined;
  readonly holder: Holder;
}

interface Credential extends StoredCredential {
  readonly principal: () => Principal;
}

/** How a resource's own policy is found: the bucket's, for the ARN of an object. */
type ResourcePolicies = (resource: string) => readonly PolicyDocument[];

/** A service that wants to assume a role, and the resource on whose behalf. */
export interface ServiceCaller {
  readonly service: string;
  readonly sourceArn?: string;
}

/** Something that was allowed, and the statement that allowed it. */
export interface Allowed {
  readonly principal: Principal;
  readonly action: string;
  readonly resource: string;
  readonly context: NonNullable<Access['context']>;
  readonly grant: Grant;
}

/** Told of all that identity policies allow; `again` when it changed them, so that the question stands anew. */
export type AllowedWatch = (allowed: Allowed) => 'again' | undefined;

/** What the holder of a key may be told. */
export type Lookup = Credential | 'unknown' | 'expired' | 'bad-token';

export type Iam = ReturnType<typeof createIam>;

const noPolicies: ResourcePolicies = () => [];
/** An hour: what AssumeRole gives where nobody asks for more or less. */
const sessionSeconds = 3600;

export function createIam(context: Context) {
  const { accountId, random, clock } = context;
  const roles = new Map<string, Role>();
  const users = new Map<
    string,
    { readonly arn: string; readonly userId: string; readonly policies: PolicyDocument[] }
  >();
  const credentials = new Map<string, StoredCredential>();
  let watch: AllowedWatch | undefined;
  const root: Principal = {
    kind: 'root',
    arn: `arn:aws:iam::${accountId}:root`,
    userId: accountId,
    policies: [],
  };

  /** @throws AwsError EntityAlreadyExists, MalformedPolicyDocument */
  function createRole(input: RoleInput): Role {
    if (roles.has(input.name))
      throw new AwsError('EntityAlreadyExists', `Role with name ${input.name} already exists.`, 409);
    return putRole(input, `AROA${random.text(17)}`);
  }

  function putRole(input: RoleInput, roleId: string): Role {
    const path = input.path ?? '/';
    const role: Role = {
      name: input.name,
      path,
      arn: `arn:aws:iam::${accountId}:role${path}${input.name}`,
      roleId,
      trust: document(input.assumeRolePolicy, 'trust'),
      policies: [
        ...Object.values(input.policies ?? {}).map((policy) => document(policy, 'identity')),
        ...(input.managedPolicyArns ?? []).map((name) => {
          const known = managedPolicies[name];
          if (known === undefined)
            throw new AwsError(
              'NoSuchEntity',
              `The local region does not know the managed policy ${name}.`,
              404,
            );
          return known;
        }),
      ],
    };
    roles.set(role.name, role);
    return role;
  }

  /** Replaces a role's documents; sessions that exist are judged by the new ones from now on, as in AWS. */
  function updateRole(input: RoleInput): Role {
    return putRole(input, roleNamed(input.name).roleId);
  }

  function deleteRole(name: string): void {
    roles.delete(name);
  }

  function roleNamed(name: string): Role {
    const role = roles.get(name);
    if (role === undefined)
      throw new AwsError('NoSuchEntity', `The role with name ${name} cannot be found.`, 404);
    return role;
  }

  function roleOf(roleArn: string): Role {
    const role = roles.get(roleArn.slice(roleArn.lastIndexOf('/') + 1));
    if (role?.arn !== roleArn)
      throw new AwsError('NoSuchEntity', `The role ${roleArn} cannot be found.`, 404);
    return role;
  }

  /** The caller that a session of the role is; its rights are the role's at this moment. */
  function rolePrincipal(roleArn: string, sessionName: string): Principal {
    const role = roleOf(roleArn);
    return {
      kind: 'role',
      arn: `arn:aws:sts::${accountId}:assumed-role/${role.name}/${sessionName}`,
      userId: `${role.roleId}:${sessionName}`,
      get policies() {
        return roles.get(role.name)?.policies ?? [];
      },
    };
  }

  /**
   * Whether a service (`lambda.amazonaws.com`) or a caller may assume the role. A service comes with the keys that
   * guard against confused deputies, where it says on whose behalf it comes.
   * https://docs.aws.amazon.com/IAM/latest/UserGuide/confused-deputy.html
   * @throws AwsError NoSuchEntity
   */
  function trusts(roleArn: string, by: ServiceCaller | Principal): boolean {
    const role = roleOf(roleArn);
    if (!('service' in by)) {
      const question = { action: 'sts:AssumeRole', resource: roleArn, context: circumstances(by) };
      const caller = { arns: arnsOf(by), accountId };
      return evaluate([role.trust], { ...question, caller }).effect === 'allow';
    }
    const context = {
      'aws:sourceaccount': accountId,
      ...(by.sourceArn === undefined ? {} : { 'aws:sourcearn': by.sourceArn }),
    };
    const caller = { arns: [], service: by.service, accountId };
    const question = { action: 'sts:AssumeRole', resource: roleArn, context, caller };
    return evaluate([role.trust], question).effect === 'allow';
  }

  /** Whether the trust policy means this very caller, not only its account. */
  function trustsByName(roleArn: string, by: Principal): boolean {
    const caller = { arns: arnsOf(by), accountId: 'none' };
    const question = { action: 'sts:AssumeRole', resource: roleArn, context: circumstances(by), caller };
    return evaluate([roleOf(roleArn).trust], question).effect === 'allow';
  }

  function sessionFor(roleArn: string, sessionName: string, seconds = sessionSeconds): SessionCredentials {
    roleOf(roleArn);
    for (const [id, old] of credentials)
      if (old.expiresAt !== undefined && old.expiresAt + sessionSeconds * 1000 < clock.now())
        credentials.delete(id);
    const expiresAt = clock.now() + seconds * 1000;
    const session = { ...keyPair('ASIA'), sessionToken: `local${random.hex(64)}`, expiresAt };
    credentials.set(session.accessKeyId, { ...session, holder: { roleArn, sessionName } });
    const { accessKeyId, secretAccessKey, sessionToken } = session;
    return { accessKeyId, secretAccessKey, sessionToken, expiration: new Date(expiresAt) };
  }

  function keyPair(prefix: 'AKIA' | 'ASIA'): KeyPair {
    return {
      accessKeyId: prefix + random.text(16),
      secretAccessKey: random.text(40, 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789'),
    };
  }

  /** A user with a key pair. Repeating the name adds a key pair; the policies become the ones given. */
  function createUser(name: string, policies: readonly unknown[]): KeyPair {
    const user = users.get(name) ?? {
      arn: `arn:aws:iam::${accountId}:user/${name}`,
      userId: `AIDA${random.text(17)}`,
      policies: [],
    };
    const documents = policies.map((policy) => document(policy, 'identity'));
    user.policies.splice(0, user.policies.length, ...documents);
    users.set(name, user);
    const pair = keyPair('AKIA');
    const holder = { user: name };
    credentials.set(pair.accessKeyId, { ...pair, sessionToken: undefined, expiresAt: undefined, holder });
    return pair;
  }

  /** The first key pair of a user who has one. */
  function keyPairOf(user: string): KeyPair | undefined {
    for (const { holder, accessKeyId, secretAccessKey } of credentials.values())
      if ('user' in holder && holder.user === user) return { accessKeyId, secretAccessKey };
    return undefined;
  }

  /** Who holds a key, to check a signature with. */
  function lookUp(accessKeyId: string, sessionToken: string | undefined): Lookup {
    const found = credentials.get(accessKeyId);
    if (found === undefined) return 'unknown';
    if (found.sessionToken !== sessionToken) return 'bad-token';
    if (found.expiresAt !== undefined && found.expiresAt <= clock.now()) return 'expired';
    return { ...found, principal: () => principalOf(found.holder) };
  }

  function principalOf(holder: Holder): Principal {
    if ('roleArn' in holder) return rolePrincipal(holder.roleArn, holder.sessionName);
    const user = users.get(holder.user);
    if (user === undefined) throw new AwsError('NoSuchEntity', `There is no user ${holder.user}.`, 404);
    return { kind: 'user', ...user };
  }

  function arnsOf(principal: Principal): readonly string[] {
    if (principal.kind === 'anonymous' || principal.kind === 'service') return [];
    const name = /:assumed-role\/([^/]+)\//.exec(principal.arn)?.[1];
    const role = name === undefined ? undefined : roles.get(name);
    return role === undefined ? [principal.arn] : [principal.arn, role.arn];
  }

  /**
   * What every request says of its caller.
   * https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_condition-keys.html
   */
  function circumstances(principal: Principal): Record<string, string | readonly string[]> {
    const now = clock.now();
    return {
      'aws:requestedregion': context.regionName,
      'aws:principalarn': arnsOf(principal).at(-1) ?? '',
      'aws:principalaccount': accountId,
      'aws:principaltype': principal.kind === 'role' ? 'AssumedRole' : 'User',
      'aws:userid': principal.userId,
      ...(principal.kind === 'user' ? { 'aws:username': principal.arn.split('/').at(-1) ?? '' } : {}),
      'aws:currenttime': new Date(now).toISOString(),
      'aws:epochtime': String(Math.floor(now / 1000)),
      // Loopback stands for TLS, so that a bucket policy that insists on it can be kept.
      'aws:securetransport': 'true',
    };
  }

  /**
   * Why the caller may not do this, in AWS's words; `undefined` if it may.
   * https://docs.aws.amazon.com/IAM/latest/UserGuide/troubleshoot_access-denied.html
   */
  function refusal(principal: Principal, access: Access, resourcePolicies = noPolicies): string | undefined {
    if (principal.kind === 'root' || principal.kind === 'service') return undefined;
    const conditions = { ...circumstances(principal), ...access.context };
    const caller = { arns: arnsOf(principal), accountId };
    for (const resource of access.resources) {
      const question = { action: access.action, resource, context: conditions };
      let own = evaluate(principal.policies, question);
      if (own.effect === 'allow' && watch !== undefined) {
        const again = watch({ principal, ...question, grant: own.grant });
        if (again !== undefined) own = evaluate(principal.policies, question);
      }
      const theirs = evaluate(resourcePolicies(resource), { ...question, caller });
      const said = `User: ${principal.arn} is not authorized to perform: ${access.action} on resource: ${resource}`;
      for (const [answer, kind] of [
        [own, 'an identity-based'],
        [theirs, 'a resource-based'],
      ] as const)
        if (answer.effect === 'deny')
          return answer.part === undefined
            ? `${said} with an explicit deny in ${kind} policy`
            : `${said} because the local region does not understand ${answer.part} in ${kind} policy`;
      if (own.effect !== 'allow' && theirs.effect !== 'allow')
        return `${said} because no identity-based policy allows the ${access.action} action`;
    }
    return undefined;
  }

  const persistent: Persistent = {
    name: 'iam',
    version: 1,
    collections: [mapOf('roles', roles), mapOf('users', users), mapOf('credentials', credentials)],
  };

  /** Watches what is allowed from now on. @returns ends the watch. */
  function watchAllowed(one: AllowedWatch): () => void {
    watch = one;
    return () => {
      watch = undefined;
    };
  }

  return {
    persistent,
    root,
    createRole,
    updateRole,
    deleteRole,
    roleNamed,
    roleOf,
    rolePrincipal,
    trusts,
    trustsByName,
    sessionFor,
    createUser,
    keyPairOf,
    lookUp,
    refusal,
    watchAllowed,
    look: () => ({
      users: [...users.values()].map((user) => user.arn),
      roles: [...roles.values()].map((role) => role.arn),
    }),
  };
}

function document(value: unknown, kind: PolicyKind): PolicyDocument {
  try {
    return parsePolicy(value, kind);
  } catch (error) {
    throw new AwsError('MalformedPolicyDocument', (error as Error).message, 400);
  }
}
