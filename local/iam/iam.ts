/** Users, roles and sessions of the region, and the judgement over what they may do. */
import type { Context, SessionCredentials } from '../context.ts';
import { type Access, AwsError, type PolicyDocument, type Principal } from '../service.ts';
import { mapOf, type Persistent } from '../state/persistent.ts';
import { managedPolicies } from './managed.ts';
import { evaluate, parsePolicy } from './policy.ts';

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
      trust: document(input.assumeRolePolicy),
      policies: [
        ...Object.values(input.policies ?? {}).map(document),
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
      policies: role.policies,
    };
  }

  /** Whether a service (`lambda.amazonaws.com`) or a caller may assume the role. */
  function trusts(
    roleArn: string,
    by: { service: string } | Principal,
    conditions: Access['context'] = {},
  ): boolean {
    const caller =
      'service' in by ? { arns: [], service: by.service, accountId } : { arns: arnsOf(by), accountId };
    const question = { action: 'sts:AssumeRole', resource: roleArn, context: conditions, caller };
    return evaluate([roleOf(roleArn).trust], question).effect === 'allow';
  }

  /** Whether the trust policy means this very caller, not only its account. */
  function trustsByName(roleArn: string, by: Principal): boolean {
    const caller = { arns: arnsOf(by), accountId: 'none' };
    const question = { action: 'sts:AssumeRole', resource: roleArn, context: {}, caller };
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
    user.policies.splice(0, user.policies.length, ...policies.map(document));
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
   * Why the caller may not do this, in AWS's words; `undefined` if it may.
   * https://docs.aws.amazon.com/IAM/latest/UserGuide/troubleshoot_access-denied.html
   */
  function refusal(principal: Principal, access: Access, resourcePolicies = noPolicies): string | undefined {
    if (principal.kind === 'root' || principal.kind === 'service') return undefined;
    const conditions = {
      'aws:requestedregion': context.regionName,
      'aws:principalarn': arnsOf(principal).at(-1) ?? '',
      'aws:principalaccount': accountId,
      // Loopback stands for TLS, so that a bucket policy that insists on it can be kept.
      'aws:securetransport': 'true',
      ...access.context,
    };
    for (const resource of access.resources) {
      const question = { action: access.action, resource, context: conditions };
      const caller = { arns: arnsOf(principal), accountId };
      const own = evaluate(principal.policies, question);
      const theirs = evaluate(resourcePolicies(resource), { ...question, caller });
      const said = `User: ${principal.arn} is not authorized to perform: ${access.action} on resource: ${resource}`;
      for (const [answer, kind] of [
        [own, 'an identity-based'],
        [theirs, 'a resource-based'],
      ] as const)
        if (answer.effect === 'deny')
          return answer.operator === undefined
            ? `${said} with an explicit deny in ${kind} policy`
            : `${said} because the local region does not know the condition operator ${answer.operator} in ${kind} policy`;
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
    look: () => ({
      users: [...users.values()].map((user) => user.arn),
      roles: [...roles.values()].map((role) => role.arn),
    }),
  };
}

function document(value: unknown): PolicyDocument {
  try {
    return parsePolicy(value);
  } catch (error) {
    throw new AwsError('MalformedPolicyDocument', (error as Error).message, 400);
  }
}
