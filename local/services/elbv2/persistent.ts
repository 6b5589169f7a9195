/** What the load balancers keep over restarts: all but requests in flight and checks under way. */
import { placeNodes } from '../../balancer/node.ts';
import { type Collection, mapOf, type Persistent, type Saved, single } from '../../state/persistent.ts';
import type { HealthChecks } from './health-checks.ts';
import type {
  Elbv2State,
  ListenerRecord,
  LoadBalancerRecord,
  TargetGroupRecord,
  TargetRecord,
} from './state.ts';

type SavedTarget = Omit<TargetRecord, 'timer' | 'checking' | 'inFlight' | 'retired'>;
type SavedGroup = Omit<TargetGroupRecord, 'targets' | 'metrics'>;
type SavedBalancer = Omit<LoadBalancerRecord, 'nodes'> & { readonly nodes: readonly string[] };
interface SavedListener {
  readonly arn: string;
  readonly loadBalancer: string;
  readonly port: number;
  readonly defaultRule: string;
}

/**
 * @param measure gives a group the metrics that it has while a load balancer uses it
 * @param defaults which load balancer and listener are the region's own, by ARN
 */
export function persistentElbv2(
  state: Elbv2State,
  checks: HealthChecks,
  measure: (group: TargetGroupRecord) => void,
  defaults: Collection,
): Persistent {
  const groups = mapOf<TargetGroupRecord>('target-groups', state.targetGroups, {
    save: ({ targets: _targets, metrics: _metrics, ...rest }): SavedGroup => rest,
    load: (saved: SavedGroup) => ({ ...saved, targets: new Map(), metrics: undefined }),
  });
  const targets: Collection = {
    name: 'targets',
    *save(): Iterable<Saved> {
      for (const group of state.targetGroups.values())
        for (const [key, target] of group.targets)
          yield { id: `${group.arn} ${key}`, value: () => saveTarget(target) };
    },
    load(id, value) {
      const [groupArn, key = ''] = id.split(' ');
      const saved = value as SavedTarget;
      const target: TargetRecord = {
        ...saved,
        timer: undefined,
        checking: false,
        inFlight: new Set(),
        retired: false,
      };
      state.group(groupArn).targets.set(key, target);
    },
  };
  const listeners = mapOf<ListenerRecord>('listeners', state.listeners, {
    save: ({ arn, loadBalancer, port, defaultRule }): SavedListener => ({
      ...{ arn, loadBalancer: loadBalancer.arn, port, defaultRule: defaultRule.arn },
    }),
    load: (saved: SavedListener) => ({
      ...saved,
      loadBalancer: state.loadBalancer(saved.loadBalancer),
      defaultRule: state.rule(saved.defaultRule),
    }),
  });
  return {
    name: 'elbv2',
    version: 1,
    collections: [
      state.tags.collection('tags'),
      mapOf<LoadBalancerRecord>('load-balancers', state.loadBalancers, {
        save: ({ nodes, ...rest }): SavedBalancer => ({ ...rest, nodes: nodes.map(({ zone }) => zone) }),
        load: (saved: SavedBalancer) => ({
          ...saved,
          nodes: placeNodes(state.ec2.network, saved.subnetIds),
        }),
      }),
      mapOf('rules', state.rules),
      listeners,
      groups,
      targets,
      defaults,
      single(
        'quotas',
        () => Object.fromEntries(Object.entries(state.quotas).map(([name, { value }]) => [name, value])),
        (values) => {
          for (const [name, one] of Object.entries(state.quotas)) one.value = values[name] ?? one.value;
        },
      ),
    ],
    resume() {
      // The nodes have heard of every change by now.
      for (const listener of state.listeners.values()) state.sendRules(listener, 'once');
      for (const group of state.targetGroups.values()) {
        measure(group);
        state.sendTargets(group, 'once');
        for (const target of [...group.targets.values()]) checks.resume(group, target);
      }
    },
  };
}

function saveTarget(target: TargetRecord): SavedTarget {
  const { timer: _timer, checking: _checking, inFlight: _inFlight, retired: _retired, ...rest } = target;
  return rest;
}
