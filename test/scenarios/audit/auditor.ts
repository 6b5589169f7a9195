/**
 * Takes the rights of functions away, one part after the other, while a scenario runs.
 *
 * Each time a function is about to use a part of its role that was not looked at yet, its role is changed under its
 * feet: the action is gone, the resource is another, or the condition is false. The call is then refused, and the
 * invocation ends as it ends. The role is mended and the same event handled again, with the next part missing, until
 * the function uses nothing new; only that last answer goes on to the scenario. This takes what Flotilla promises
 * anyway, that whatever was broken off can be repeated, and costs one invocation for each part.
 */
import type { Allowed } from '../../../local/iam/iam.ts';
import type { Region } from '../../../local/region.ts';
import type { PolicyDocument, Principal } from '../../../local/service.ts';
import type { Outcome } from '../../../local/services/lambda/executor.ts';
import { listOf, type Unit, unitId, unitsOf, without } from './units.ts';

/** What became of an invocation whose role lacked a part. */
export type Consequence =
  /** It failed with the refusal. */
  | 'failed'
  /** It answered something else than with all its rights. */
  | 'answered otherwise'
  /** Nothing of it stands in its log. */
  | 'has no log'
  /** It did what it could, and its log names the refusal. */
  | 'tells its log'
  /** As if nothing had happened: what it may not do does not matter here. */
  | 'went on';

export interface Finding {
  readonly role: string;
  readonly unit: Unit;
  /** The scenario in which the part was used. */
  readonly scenario: string;
  readonly call: { readonly action: string; readonly resource: string };
  /** The refusal, in AWS's words; undefined where other parts allow the same. */
  readonly refusal: string | undefined;
  readonly consequence: Consequence | undefined;
}

interface Probe {
  readonly unit: Unit;
  readonly call: Finding['call'];
  readonly refusal: string;
}

interface Tried {
  readonly probe: Probe;
  readonly outcome: Outcome;
  readonly consequence: Consequence | undefined;
}

export class Auditor {
  readonly findings: Finding[] = [];
  scenario = '';
  /** What a scenario does in the moment before a function begins: an object goes, an order comes. */
  before: (functionName: string) => Promise<void> = async () => {};
  readonly #region: Region;
  /** The functions' roles by name: what they say, whole. */
  readonly #whole = new Map<string, PolicyDocument>();
  readonly #functionOf = new Map<string, string>();
  readonly #seen = new Set<string>();
  readonly #standing = new Map<string, { probe: Probe | undefined }>();
  readonly #queues = new Map<string, Promise<unknown>>();

  private constructor(region: Region) {
    this.#region = region;
  }

  /** Begins with every function of the region. */
  static async over(region: Region): Promise<Auditor> {
    const auditor = new Auditor(region);
    for (const name of region.parts.lambda.names()) {
      const { Role } = (await region.call('lambda', 'GetFunctionConfiguration', { FunctionName: name })) as {
        Role: string;
      };
      const role = region.iam.roleOf(Role);
      auditor.#functionOf.set(role.name, name);
      const [document, ...more] = role.policies;
      if (document === undefined || more.length > 0) throw new Error(`${role.name} has not one policy`);
      auditor.#whole.set(role.name, document);
    }
    region.iam.watchAllowed((allowed) => auditor.#allowed(allowed));
    region.parts.lambda.faults.stand = (name, invoke) => auditor.#stand(name, invoke);
    return auditor;
  }

  /** Every part of every role, and what is known of it. */
  *all(): Generator<{ role: string; functionName: string; document: PolicyDocument; unit: Unit }> {
    for (const [role, document] of this.#whole)
      for (const unit of unitsOf(document))
        yield { role, functionName: this.#functionOf.get(role) ?? '', document, unit };
  }

  findingOf(role: string, unit: Unit): Finding | undefined {
    return this.findings.find((one) => one.role === role && unitId(one.unit) === unitId(unit));
  }

  /** Has each function handle an event that is none, without the right to write of it. */
  async withoutLogs(): Promise<void> {
    const { iam, parts } = this.#region;
    for (const { role, functionName, document, unit } of [...this.all()]) {
      const statement = document.Statement[unit.statement];
      if (!listOf(statement?.Action).every((action) => action.startsWith('logs:'))) continue;
      // A new environment has a new stream.
      await this.#region.call('lambda', 'UpdateFunctionConfiguration', {
        FunctionName: functionName,
        Description: unit.text.slice(0, 100),
      });
      this.#put(role, without(document, unit));
      const before = this.#lines(role);
      await parts.lambda.invoke(functionName, {});
      const { arn } = iam.roleNamed(role);
      const [action] = unit.part.kind === 'action' ? [unit.text] : listOf(statement?.Action);
      const call = { action: action ?? '', resource: listOf(statement?.Resource)[0] ?? '' };
      const principal = iam.rolePrincipal(arn, functionName);
      const refusal = iam.refusal(principal, { action: call.action, resources: [call.resource] });
      const consequence = this.#lines(role) === before ? 'has no log' : 'went on';
      this.findings.push({ role, unit, scenario: this.scenario, call, refusal, consequence });
      this.#put(role, document);
    }
  }

  #allowed(allowed: Allowed): 'again' | undefined {
    const role = roleName(allowed.principal);
    const standing = this.#standing.get(role);
    const whole = this.#whole.get(role);
    // A log that is missing stops nobody: see withoutLogs.
    if (allowed.action.startsWith('logs:')) return undefined;
    if (standing === undefined || standing.probe !== undefined || whole === undefined) return undefined;
    for (const unit of unitsOf(whole)) {
      if (unit.statement !== allowed.grant.index || this.#seen.has(`${role} ${unitId(unit)}`)) continue;
      if (this.#judged(role, without(whole, unit), allowed) === undefined) {
        // Another part of the list lets it pass; a statement that allows the same makes this one unneeded here.
        this.#put(role, whole);
        continue;
      }
      const refusal = this.#region.iam.refusal(allowed.principal, {
        action: allowed.action,
        resources: [allowed.resource],
        context: allowed.context,
      });
      this.#seen.add(`${role} ${unitId(unit)}`);
      const call = { action: allowed.action, resource: allowed.resource };
      standing.probe = {
        unit,
        call,
        refusal: refusal ?? '',
      };
      return 'again';
    }
    return undefined;
  }

  /** Why the call would be refused under another document, which stays in place. */
  #judged(role: string, document: PolicyDocument, allowed: Allowed): string | undefined {
    this.#put(role, document);
    const standing = this.#standing.get(role);
    this.#standing.delete(role);
    try {
      const { principal, action, resource, context } = allowed;
      return this.#region.iam.refusal(principal, { action, resources: [resource], context });
    } finally {
      if (standing !== undefined) this.#standing.set(role, standing);
    }
  }

  #put(role: string, document: PolicyDocument): void {
    const { name, path, trust } = this.#region.iam.roleNamed(role);
    this.#region.iam.updateRole({ name, path, assumeRolePolicy: trust, policies: { own: document } });
  }

  #lines(role: string): number {
    return this.#region.parts.logs.messages(`/aws/lambda/${this.#functionOf.get(role)}`).length;
  }

  /** Tries what is done outside an invocation with a function's rights, such as through a URL that it signed. */
  onBehalfOf(functionName: string, attempt: () => Promise<Outcome>): Promise<Outcome> {
    return this.#stand(`flotilla-${functionName}`, attempt);
  }

  /** One invocation of a role at a time: its rights are changed for all of them. */
  async #stand(functionName: string, invoke: () => Promise<Outcome>): Promise<Outcome> {
    const role = [...this.#functionOf].find(([, name]) => name === functionName)?.[0] ?? '';
    await this.before(functionName.replace('flotilla-', ''));
    const turn = (this.#queues.get(role) ?? Promise.resolve()).then(() => this.#repeat(role, invoke));
    this.#queues.set(
      role,
      turn.catch(() => undefined),
    );
    return await turn;
  }

  async #repeat(role: string, invoke: () => Promise<Outcome>): Promise<Outcome> {
    const whole = this.#whole.get(role);
    if (whole === undefined) return await invoke();
    const tried: Tried[] = [];
    for (;;) {
      const standing: { probe: Probe | undefined } = { probe: undefined };
      this.#standing.set(role, standing);
      const outcome = await invoke();
      this.#standing.delete(role);
      const { probe } = standing;
      if (probe === undefined) {
        for (const one of tried) this.#tell(role, one, outcome);
        return outcome;
      }
      const failed = outcome.failed && outcome.payload.includes(probe.call.action);
      const consequence = failed ? 'failed' : undefined;
      tried.push({ probe, outcome, consequence });
      this.#put(role, whole);
    }
  }

  #tell(role: string, { probe, outcome, consequence }: Tried, last: Outcome): void {
    const { unit, call, refusal } = probe;
    const otherwise = outcome.failed !== last.failed || outcome.payload !== last.payload;
    const told = outcome.log.includes(call.action) && !last.log.includes(call.action);
    this.findings.push({
      role,
      unit,
      scenario: this.scenario,
      call,
      refusal,
      consequence: consequence ?? (otherwise ? 'answered otherwise' : told ? 'tells its log' : 'went on'),
    });
  }
}

function roleName({ kind, arn }: Principal): string {
  return kind === 'role' ? (/:assumed-role\/([^/]+)\//.exec(arn)?.[1] ?? '') : '';
}
