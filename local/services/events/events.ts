import type {
  DeleteRuleRequest,
  DescribeRuleRequest,
  EnableRuleRequest,
  ListRuleNamesByTargetRequest,
  ListRulesRequest,
  ListTargetsByRuleRequest,
  PutEventsRequest,
  PutEventsResultEntry,
  PutRuleRequest,
  PutTargetsRequest,
  RemoveTargetsRequest,
  TestEventPatternRequest,
} from '@aws-sdk/client-eventbridge';
import type { Timer } from '../../clock.ts';
import { arn, type Context, type RegionEvent } from '../../context.ts';
import { type Access, AwsError, type Operations, type Service } from '../../service.ts';
import type { Persistent } from '../../state/persistent.ts';
import { page } from '../paging.ts';
import { onlySupported } from '../supported.ts';
import { Delivery, type Envelope, type EventWatch, type FailedDelivery, type Roles } from './delivery.ts';
import { compilePattern } from './pattern.ts';
import { checkBus, type Rule, RuleStore } from './rule-store.ts';

/** What other parts of the region use of EventBridge. */
export interface Events {
  readonly service: Service;
  readonly persistent: Persistent;
  /** The hook `publish`. */
  publish(event: RegionEvent): void;
  readonly faults: {
    /** Loses the next `count` events that match; any event unless told otherwise. */
    drop(count?: number, matches?: (event: Envelope) => boolean): void;
    /** Delivers the next `count` events that match twice. */
    double(count?: number, matches?: (event: Envelope) => boolean): void;
    /** Decides the fate of each event that neither of these waits for. */
    watch(watch: EventWatch): void;
  };
  /** Deliveries that failed for good, newest last, a hundred at most. Functions count theirs themselves. */
  readonly failures: readonly FailedDelivery[];
  close(): Promise<void>;
}

const badToken = (): AwsError => new AwsError('ValidationException', 'NextToken is not valid.');
/** https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-putevents.html */
const entryBytes = 1024 * 1024;

/** EventBridge: the default bus, its rules, and schedules. */
export function createEvents(context: Context, roles: Roles): Events {
  const rules = new RuleStore(context);
  const delivery = new Delivery(context, rules, roles);
  const timers = new Map<string, Timer>();

  /** Sets the timer for a rule's next due time, or takes it away. */
  function arm(name: string): void {
    timers.get(name)?.cancel();
    timers.delete(name);
    const rule = rules.rules.get(name);
    if (rule?.schedule === undefined || rule.state !== 'ENABLED') return;
    const now = context.clock.now();
    const due = rule.schedule(now);
    if (due === undefined) return;
    const timer = context.clock.after(due - now, () => {
      delivery.send(rule, scheduled(rule, due));
      arm(name);
    });
    timers.set(name, timer);
  }

  function scheduled(rule: Rule, at: number): Envelope {
    return {
      version: '0',
      id: context.random.uuid(),
      'detail-type': 'Scheduled Event',
      source: 'aws.events',
      account: context.accountId,
      time: new Date(at).toISOString().replace(/\.\d+Z$/, 'Z'),
      region: context.regionName,
      resources: [rule.arn],
      detail: {},
    };
  }

  const onRule =
    (action: string) =>
    (input: { Name?: string | undefined; Rule?: string | undefined }): Access[] => [
      { action: `events:${action}`, resources: [rules.arnOf(input.Name ?? input.Rule)] },
    ];

  const operations: Operations = {
    PutRule: {
      access: onRule('PutRule'),
      run(input: PutRuleRequest) {
        const rule = rules.put(input);
        arm(rule.name);
        return { RuleArn: rule.arn };
      },
    },
    DescribeRule: {
      access: onRule('DescribeRule'),
      run: (input: DescribeRuleRequest) => described(rules.find(input.Name)),
    },
    EnableRule: {
      access: onRule('EnableRule'),
      run(input: EnableRuleRequest) {
        arm(rules.setState(input.Name, 'ENABLED').name);
        return {};
      },
    },
    DisableRule: {
      access: onRule('DisableRule'),
      run(input: EnableRuleRequest) {
        arm(rules.setState(input.Name, 'DISABLED').name);
        return {};
      },
    },
    DeleteRule: {
      access: onRule('DeleteRule'),
      run(input: DeleteRuleRequest) {
        rules.delete(input.Name);
        arm(input.Name ?? '');
        return {};
      },
    },
    ListRules: {
      access: () => [{ action: 'events:ListRules', resources: [arn(context, 'events', 'rule/*')] }],
      run(input: ListRulesRequest) {
        checkBus(input.EventBusName);
        const found = [...rules.rules.values()]
          .filter(({ name }) => name.startsWith(input.NamePrefix ?? ''))
          .sort((a, b) => (a.name < b.name ? -1 : 1));
        const shown = page(found, ({ name }) => name, input.Limit ?? 100, input.NextToken, badToken);
        return { Rules: shown.items.map(described), NextToken: shown.nextToken };
      },
    },
    ListRuleNamesByTarget: {
      access: () => [
        { action: 'events:ListRuleNamesByTarget', resources: [arn(context, 'events', 'rule/*')] },
      ],
      run: (input: ListRuleNamesByTargetRequest) => ({
        RuleNames: [...rules.rules.values()]
          .filter(({ targets }) => [...targets.values()].some(({ Arn }) => Arn === input.TargetArn))
          .map(({ name }) => name),
      }),
    },
    PutTargets: {
      access: (input: PutTargetsRequest) => [
        ...onRule('PutTargets')(input),
        ...(input.Targets ?? []).flatMap(({ RoleArn }) =>
          RoleArn === undefined
            ? []
            : [
                {
                  action: 'iam:PassRole',
                  resources: [RoleArn],
                  context: { 'iam:passedtoservice': 'events.amazonaws.com' },
                },
              ],
        ),
      ],
      run(input: PutTargetsRequest) {
        checkBus(input.EventBusName);
        const failed = rules.putTargets(input.Rule, input.Targets ?? []);
        return { FailedEntryCount: failed.length, FailedEntries: failed };
      },
    },
    RemoveTargets: {
      access: onRule('RemoveTargets'),
      run(input: RemoveTargetsRequest) {
        const rule = rules.find(input.Rule);
        for (const id of input.Ids ?? []) rule.targets.delete(id);
        return { FailedEntryCount: 0, FailedEntries: [] };
      },
    },
    ListTargetsByRule: {
      access: onRule('ListTargetsByRule'),
      run(input: ListTargetsByRuleRequest) {
        const targets = [...rules.find(input.Rule).targets.values()];
        const shown = page(targets, ({ Id }) => Id ?? '', input.Limit ?? 100, input.NextToken, badToken);
        return { Targets: [...shown.items], NextToken: shown.nextToken };
      },
    },
    TestEventPattern: {
      access: () => [{ action: 'events:TestEventPattern', resources: ['*'] }],
      run: (input: TestEventPatternRequest) => ({
        Result: compilePattern(input.EventPattern ?? '')(JSON.parse(input.Event ?? 'null')),
      }),
    },
    PutEvents: {
      access: () => [
        { action: 'events:PutEvents', resources: [arn(context, 'events', 'event-bus/default')] },
      ],
      run(input: PutEventsRequest) {
        onlySupported('PutEvents', input, ['Entries']);
        const entries = input.Entries ?? [];
        if (entries.length < 1 || entries.length > 10) {
          throw new AwsError('ValidationException', 'PutEvents takes from 1 to 10 entries.');
        }
        const told = entries.map((entry): PutEventsResultEntry => {
          checkBus(entry.EventBusName);
          const refused = refusalOf(entry);
          if (refused !== undefined) return refused;
          const event = {
            source: entry.Source ?? '',
            detailType: entry.DetailType ?? '',
            detail: JSON.parse(entry.Detail ?? '{}') as Record<string, unknown>,
            resources: entry.Resources ?? [],
          };
          return { EventId: delivery.put(event, entry.Time?.getTime()) };
        });
        return {
          FailedEntryCount: told.filter(({ ErrorCode }) => ErrorCode !== undefined).length,
          Entries: told,
        };
      },
    },
  };

  const any = (): boolean => true;
  return {
    service: { id: 'events', operations },
    persistent: {
      name: 'events',
      version: 1,
      collections: [rules.collection(), delivery.agenda.collection('deliveries')],
      resume() {
        delivery.agenda.resume();
        // What became due while the region was down is not made up for: EventBridge promises no more.
        for (const name of rules.rules.keys()) arm(name);
      },
    },
    publish: (event) => void delivery.put(event),
    faults: {
      drop: (count = 1, matches = any) => delivery.fault('drop', count, matches),
      double: (count = 1, matches = any) => delivery.fault('double', count, matches),
      watch: (watch) => delivery.watch(watch),
    },
    failures: delivery.failures,
    async close() {
      delivery.close();
      for (const timer of timers.values()) timer.cancel();
      timers.clear();
    },
  };
}

/** Why an entry is not taken, in the answer's terms. */
function refusalOf(
  entry: NonNullable<PutEventsRequest['Entries']>[number],
): PutEventsResultEntry | undefined {
  const no = (code: string, message: string): PutEventsResultEntry => ({
    ErrorCode: code,
    ErrorMessage: message,
  });
  if (!entry.Source)
    return no('InvalidArgument', 'Parameter Source is not valid. Reason: Source is a required argument.');
  if (/^aws\./.test(entry.Source)) {
    return no('NotAuthorizedForSourceException', 'Not authorized for the source.');
  }
  if (!entry.DetailType) {
    return no(
      'InvalidArgument',
      'Parameter DetailType is not valid. Reason: DetailType is a required argument.',
    );
  }
  if (Buffer.byteLength(entry.Detail ?? '') > entryBytes)
    return no('InvalidArgument', 'The entry is too large.');
  try {
    const detail: unknown = JSON.parse(entry.Detail ?? '');
    if (typeof detail === 'object' && detail !== null && !Array.isArray(detail)) return undefined;
  } catch {
    // Refused below like what is JSON but no object.
  }
  return no('MalformedDetail', 'Detail is malformed.');
}

function described(rule: Rule) {
  return {
    Name: rule.name,
    Arn: rule.arn,
    ...(rule.pattern !== undefined && { EventPattern: rule.pattern }),
    ...(rule.scheduleExpression !== undefined && { ScheduleExpression: rule.scheduleExpression }),
    State: rule.state,
    ...(rule.description !== undefined && { Description: rule.description }),
    EventBusName: 'default',
  };
}
