import type { PutRuleRequest, PutTargetsResultEntry, Tag, Target } from '@aws-sdk/client-eventbridge';
import { arn, type Context } from '../../context.ts';
import { AwsError } from '../../service.ts';
import { type Collection, mapOf } from '../../state/persistent.ts';
import { onlySupported } from '../supported.ts';
import { checkInput } from './input.ts';
import { compilePattern, type Predicate } from './pattern.ts';
import { parseSchedule, type Schedule } from './schedule.ts';

/** A rule on the default bus. */
export interface Rule {
  readonly name: string;
  readonly arn: string;
  readonly description: string | undefined;
  readonly pattern: string | undefined;
  readonly matches: Predicate | undefined;
  readonly scheduleExpression: string | undefined;
  readonly schedule: Schedule | undefined;
  readonly state: 'ENABLED' | 'DISABLED';
  /** From when on a rate counts. */
  readonly since: number;
  readonly targets: Map<string, Target>;
  readonly tags: Map<string, string>;
}

/** A rule without what follows from its texts. */
type SavedRule = Omit<Rule, 'matches' | 'schedule'>;

/** https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-quota.html */
const targetsPerRule = 5;

/** Rules by name. */
export class RuleStore {
  readonly #context: Context;
  readonly rules = new Map<string, Rule>();

  constructor(context: Context) {
    this.#context = context;
  }

  find(name: string | undefined): Rule {
    const rule = this.rules.get(name ?? '');
    if (rule === undefined) {
      throw new AwsError('ResourceNotFoundException', `Rule ${name} does not exist on EventBus default.`);
    }
    return rule;
  }

  arnOf(name: string | undefined): string {
    return arn(this.#context, 'events', `rule/${name}`);
  }

  /** Makes the rule, or replaces it but for its targets. */
  put(input: PutRuleRequest): Rule {
    onlySupported('PutRule', input, [
      'Name',
      'ScheduleExpression',
      'EventPattern',
      'State',
      'Description',
      'EventBusName',
      'RoleArn',
      'Tags',
    ]);
    checkBus(input.EventBusName);
    const name = input.Name ?? '';
    if (!/^[.\-_A-Za-z0-9]{1,64}$/.test(name)) {
      throw new AwsError('ValidationException', `The rule name ${name} is not valid.`);
    }
    const state = input.State ?? 'ENABLED';
    if (state !== 'ENABLED' && state !== 'DISABLED') {
      throw new AwsError('ValidationException', `The local region does not know the state ${state}.`);
    }
    if (input.EventPattern === undefined && input.ScheduleExpression === undefined) {
      throw new AwsError(
        'ValidationException',
        'Parameter(s) EventPattern or ScheduleExpression must be specified.',
      );
    }
    const before = this.rules.get(name);
    const now = this.#context.clock.now();
    const rule: Rule = {
      name,
      arn: this.arnOf(name),
      description: input.Description,
      pattern: input.EventPattern,
      matches: input.EventPattern === undefined ? undefined : compilePattern(input.EventPattern),
      scheduleExpression: input.ScheduleExpression,
      schedule:
        input.ScheduleExpression === undefined ? undefined : parseSchedule(input.ScheduleExpression, now),
      state,
      since: now,
      targets: before?.targets ?? new Map(),
      tags: before?.tags ?? new Map(),
    };
    for (const { Key, Value } of input.Tags ?? ([] as Tag[])) rule.tags.set(Key ?? '', Value ?? '');
    this.rules.set(name, rule);
    return rule;
  }

  setState(name: string | undefined, state: Rule['state']): Rule {
    const before = this.find(name);
    const now = this.#context.clock.now();
    const { scheduleExpression } = before;
    const rule: Rule = {
      ...before,
      state,
      since: now,
      schedule: scheduleExpression === undefined ? undefined : parseSchedule(scheduleExpression, now),
    };
    this.rules.set(rule.name, rule);
    return rule;
  }

  collection(): Collection {
    return mapOf<Rule>('rules', this.rules, {
      save: ({ matches: _matches, schedule: _schedule, ...rest }): SavedRule => rest,
      load: (saved: SavedRule) => ({
        ...saved,
        matches: saved.pattern === undefined ? undefined : compilePattern(saved.pattern),
        schedule:
          saved.scheduleExpression === undefined
            ? undefined
            : parseSchedule(saved.scheduleExpression, saved.since),
      }),
    });
  }

  delete(name: string | undefined): void {
    const rule = this.rules.get(name ?? '');
    // Deleting what is not there succeeds, as in AWS.
    if (rule === undefined) return;
    if (rule.targets.size > 0) {
      throw new AwsError('ValidationException', "Rule can't be deleted since it has targets.");
    }
    this.rules.delete(rule.name);
  }

  /** @returns what could not be added. */
  putTargets(name: string | undefined, targets: readonly Target[]): PutTargetsResultEntry[] {
    const rule = this.find(name);
    for (const target of targets) {
      onlySupported('PutTargets', target, [
        'Id',
        'Arn',
        'RoleArn',
        'Input',
        'InputPath',
        'InputTransformer',
        'RetryPolicy',
      ]);
      const kind = target.Arn?.split(':')[2];
      if (kind !== 'lambda' && kind !== 'states') {
        throw new AwsError(
          'ValidationException',
          `The local region has no target like ${target.Arn}: it has functions and state machines.`,
        );
      }
      if (kind === 'states' && target.RoleArn === undefined) {
        throw new AwsError('ValidationException', `RoleArn is required for target ${target.Arn}.`);
      }
      checkInput(target);
    }
    const ids = new Set([...rule.targets.keys(), ...targets.map(({ Id }) => Id ?? '')]);
    if (ids.size > targetsPerRule) {
      throw new AwsError(
        'LimitExceededException',
        'The requested resource exceeds the maximum number allowed.',
      );
    }
    for (const target of targets) rule.targets.set(target.Id ?? '', target);
    return [];
  }
}

/** There is the default bus alone. */
export function checkBus(name: string | undefined): void {
  if (name === undefined || name === 'default' || /:event-bus\/default$/.test(name)) return;
  throw new AwsError('ResourceNotFoundException', `Event bus ${name} does not exist.`);
}
