import { isDeepStrictEqual } from 'node:util';
import type {
  CreateListenerInput,
  CreateListenerOutput,
  CreateLoadBalancerInput,
  CreateLoadBalancerOutput,
  DeleteListenerInput,
  DeleteLoadBalancerInput,
  DescribeListenersInput,
  DescribeListenersOutput,
  DescribeLoadBalancersInput,
  DescribeLoadBalancersOutput,
  Listener,
  LoadBalancer,
  ModifyListenerInput,
  ModifyListenerOutput,
} from '@aws-sdk/client-elastic-load-balancing-v2';
import { placeNodes } from '../../balancer/node.ts';
import { arn } from '../../context.ts';
import type { Operation } from '../../service.ts';
import { AwsError } from '../../service.ts';
import { requestTagContext } from '../ec2/tag-store.ts';
import { page } from '../paging.ts';
import { onlySupported } from '../supported.ts';
import { checkedActions } from './actions.ts';
import type { Elbv2State, ListenerRecord, LoadBalancerRecord, RuleRecord } from './state.ts';
import { validation } from './state.ts';
import { elbBadToken, elbDescribe, onElb } from './target-groups.ts';

/** Opens and closes the proxies' ports; nothing happens before the region listens. */
export interface Ports {
  open(listener: ListenerRecord): Promise<void>;
  close(listener: ListenerRecord): Promise<void>;
}

type BalancerSettings = Pick<LoadBalancerRecord, 'scheme' | 'subnetIds'>;

/** What load balancers differ in here: type, address type and security group are the same for all. */
function settingsOf(
  { ec2 }: Elbv2State,
  { Scheme, Subnets }: Pick<CreateLoadBalancerInput, 'Scheme' | 'Subnets'>,
): BalancerSettings {
  const subnetIds = Subnets ?? ec2.network.subnets.map((subnet) => subnet.subnetId);
  return { scheme: Scheme ?? 'internet-facing', subnetIds };
}

export function makeLoadBalancer(
  state: Elbv2State,
  name: string,
  { scheme, subnetIds }: BalancerSettings = settingsOf(state, {}),
): LoadBalancerRecord {
  const { context, ec2 } = state;
  const fullName = `app/${name}/${context.random.hex(16)}`;
  const balancer: LoadBalancerRecord = {
    arn: arn(context, 'elasticloadbalancing', `loadbalancer/${fullName}`),
    fullName,
    name,
    scheme,
    createdAt: context.clock.now(),
    subnetIds,
    securityGroupIds: [ec2.network.securityGroupId],
    nodes: placeNodes(ec2.network, subnetIds),
  };
  state.loadBalancers.set(balancer.arn, balancer);
  return balancer;
}

export function makeListener(
  state: Elbv2State,
  loadBalancer: LoadBalancerRecord,
  port: number,
  defaultActions: RuleRecord['actions'],
): ListenerRecord {
  const { random } = state.context;
  const listenerArn = `${loadBalancer.arn.replace(':loadbalancer/', ':listener/')}/${random.hex(16)}`;
  const defaultRule: RuleRecord = {
    arn: `${listenerArn.replace(':listener/', ':listener-rule/')}/${random.hex(16)}`,
    listenerArn,
    priority: 'default',
    conditions: [],
    actions: defaultActions,
  };
  const listener: ListenerRecord = { arn: listenerArn, loadBalancer, port, defaultRule };
  state.listeners.set(listener.arn, listener);
  state.rules.set(defaultRule.arn, defaultRule);
  state.sendRules(listener, 'once');
  return listener;
}

export function loadBalancerOperations(
  state: Elbv2State,
  ports: Ports,
  rulesChanged: (listener: ListenerRecord) => void,
) {
  const { ec2 } = state;

  const describeBalancer = (balancer: LoadBalancerRecord): LoadBalancer => ({
    LoadBalancerArn: balancer.arn,
    LoadBalancerName: balancer.name,
    // Where it is reached here; AWS's own names would lead nowhere. The port is the listener's.
    DNSName: 'localhost',
    CanonicalHostedZoneId: 'Z35SXDOTRQ7X7K',
    CreatedTime: new Date(balancer.createdAt),
    Scheme: balancer.scheme,
    VpcId: ec2.network.vpcId,
    State: { Code: 'active' },
    Type: 'application',
    AvailabilityZones: balancer.subnetIds.map((SubnetId) => ({
      SubnetId,
      ZoneName: ec2.network.subnet(SubnetId)?.zone,
      LoadBalancerAddresses: [],
    })),
    SecurityGroups: [...balancer.securityGroupIds],
    IpAddressType: 'ipv4',
  });
  const describeListener = (listener: ListenerRecord): Listener => ({
    ListenerArn: listener.arn,
    LoadBalancerArn: listener.loadBalancer.arn,
    Port: listener.port,
    Protocol: 'HTTP',
    DefaultActions: [...listener.defaultRule.actions],
  });

  const CreateLoadBalancer: Operation<CreateLoadBalancerInput, CreateLoadBalancerOutput> = {
    access: (input) => [
      {
        action: 'elasticloadbalancing:CreateLoadBalancer',
        resources: [arn(state.context, 'elasticloadbalancing', `loadbalancer/app/${input.Name ?? '*'}/*`)],
        context: requestTagContext(input.Tags ?? []),
      },
    ],
    run(input) {
      onlySupported('CreateLoadBalancer', input, [
        'Name',
        'Subnets',
        'SecurityGroups',
        'Scheme',
        'Tags',
        'Type',
        'IpAddressType',
      ]);
      if ((input.Type ?? 'application') !== 'application') {
        throw validation('The local region has application load balancers only');
      }
      const name = input.Name ?? '';
      if (!/^(?!-)(?!internal-)[A-Za-z0-9-]{1,32}(?<!-)$/.test(name)) {
        throw validation(`The load balancer name '${name}' is not valid`);
      }
      const settings = settingsOf(state, input);
      const same = [...state.loadBalancers.values()].find((balancer) => balancer.name === name);
      if (same !== undefined) {
        // "If you attempt to create multiple load balancers with the same settings, each call succeeds."
        // https://docs.aws.amazon.com/elasticloadbalancing/latest/APIReference/API_CreateLoadBalancer.html
        const { scheme, subnetIds } = settings;
        if (same.scheme === scheme && isDeepStrictEqual(new Set(same.subnetIds), new Set(subnetIds)))
          return { LoadBalancers: [describeBalancer(same)] };
        throw new AwsError(
          'DuplicateLoadBalancerName',
          `A load balancer with the same name '${name}' exists, but with different settings`,
        );
      }
      for (const subnet of input.Subnets ?? []) {
        if (ec2.network.subnet(subnet) === undefined) {
          throw new AwsError('SubnetNotFound', `The subnet ID '${subnet}' does not exist`);
        }
      }
      if (state.loadBalancers.size >= state.quotas.loadBalancers.value) {
        throw new AwsError('TooManyLoadBalancers', 'The maximum number of load balancers has been reached');
      }
      const balancer = makeLoadBalancer(state, name, settings);
      state.tags.set(balancer.arn, input.Tags);
      return { LoadBalancers: [describeBalancer(balancer)] };
    },
  };

  const DescribeLoadBalancers: Operation<DescribeLoadBalancersInput, DescribeLoadBalancersOutput> = {
    access: elbDescribe('DescribeLoadBalancers'),
    run(input) {
      for (const one of input.LoadBalancerArns ?? []) state.loadBalancer(one);
      for (const name of input.Names ?? []) {
        if ([...state.loadBalancers.values()].some((balancer) => balancer.name === name)) continue;
        throw new AwsError('LoadBalancerNotFound', `Load balancers '[${name}]' not found`);
      }
      const found = [...state.loadBalancers.values()].filter(
        (balancer) =>
          (!input.LoadBalancerArns?.length || input.LoadBalancerArns.includes(balancer.arn)) &&
          (!input.Names?.length || input.Names.includes(balancer.name)),
      );
      const shown = page(found, (balancer) => balancer.arn, input.PageSize ?? 400, input.Marker, elbBadToken);
      return { LoadBalancers: shown.items.map(describeBalancer), NextMarker: shown.nextToken };
    },
  };

  const DeleteLoadBalancer: Operation<DeleteLoadBalancerInput, object> = {
    access: (input) => [onElb(state, 'DeleteLoadBalancer', input.LoadBalancerArn)],
    async run(input) {
      const balancer = state.loadBalancers.get(input.LoadBalancerArn ?? '');
      if (balancer === undefined) return {};
      for (const listener of [...state.listeners.values()]) {
        if (listener.loadBalancer === balancer) await removeListener(listener);
      }
      state.loadBalancers.delete(balancer.arn);
      state.tags.forget(balancer.arn);
      return {};
    },
  };

  const removeListener = async (listener: ListenerRecord): Promise<void> => {
    for (const rule of state.rulesOf(listener.arn)) {
      state.rules.delete(rule.arn);
      state.tags.forget(rule.arn);
    }
    state.listeners.delete(listener.arn);
    state.tags.forget(listener.arn);
    rulesChanged(listener);
    for (const node of listener.loadBalancer.nodes) node.forgetListener(listener.arn);
    await ports.close(listener);
  };

  const CreateListener: Operation<CreateListenerInput, CreateListenerOutput> = {
    access: (input) => [onElb(state, 'CreateListener', input.LoadBalancerArn)],
    async run(input) {
      onlySupported('CreateListener', input, [
        'LoadBalancerArn',
        'Protocol',
        'Port',
        'DefaultActions',
        'Tags',
      ]);
      const balancer = state.loadBalancer(input.LoadBalancerArn);
      const { Port: port = 0 } = input;
      if (input.Protocol !== 'HTTP')
        throw validation('The local region has listeners of the protocol HTTP only');
      if (port < 1 || port > 65_535) throw validation('A listener port must be from 1 to 65535');
      const actions = checkedActions(state, balancer, input.DefaultActions);
      const siblings = [...state.listeners.values()].filter((other) => other.loadBalancer === balancer);
      const same = siblings.find((other) => other.port === port);
      if (same !== undefined) {
        // "If you attempt to create multiple listeners with the same settings, each call succeeds." All speak HTTP here.
        // https://docs.aws.amazon.com/elasticloadbalancing/latest/APIReference/API_CreateListener.html
        if (isDeepStrictEqual(same.defaultRule.actions, actions))
          return { Listeners: [describeListener(same)] };
        throw new AwsError(
          'DuplicateListener',
          'A listener already exists on this port for this load balancer',
        );
      }
      if (siblings.length >= state.quotas.listeners.value) {
        throw new AwsError('TooManyListeners', 'The maximum number of listeners has been reached');
      }
      const listener = makeListener(state, balancer, port, actions);
      try {
        await ports.open(listener);
      } catch (error) {
        await removeListener(listener);
        const why = error instanceof Error ? error.message : String(error);
        throw new AwsError(
          'InvalidConfigurationRequest',
          `The local region cannot listen on that port: ${why}`,
        );
      }
      state.tags.set(listener.arn, input.Tags);
      rulesChanged(listener);
      return { Listeners: [describeListener(listener)] };
    },
  };

  const DescribeListeners: Operation<DescribeListenersInput, DescribeListenersOutput> = {
    access: elbDescribe('DescribeListeners'),
    run(input) {
      if (input.LoadBalancerArn === undefined && !input.ListenerArns?.length) {
        throw validation('A load balancer ARN or listener ARNs must be specified');
      }
      if (input.LoadBalancerArn !== undefined) state.loadBalancer(input.LoadBalancerArn);
      const found = input.ListenerArns?.length
        ? input.ListenerArns.map((one) => state.listener(one))
        : [...state.listeners.values()].filter((one) => one.loadBalancer.arn === input.LoadBalancerArn);
      const shown = page(found, (listener) => listener.arn, input.PageSize ?? 400, input.Marker, elbBadToken);
      return { Listeners: shown.items.map(describeListener), NextMarker: shown.nextToken };
    },
  };

  const ModifyListener: Operation<ModifyListenerInput, ModifyListenerOutput> = {
    access: (input) => [onElb(state, 'ModifyListener', input.ListenerArn)],
    run(input) {
      onlySupported('ModifyListener', input, ['ListenerArn', 'DefaultActions']);
      const listener = state.listener(input.ListenerArn);
      if (input.DefaultActions !== undefined) {
        listener.defaultRule.actions = checkedActions(state, listener.loadBalancer, input.DefaultActions);
        rulesChanged(listener);
      }
      return { Listeners: [describeListener(listener)] };
    },
  };

  const DeleteListener: Operation<DeleteListenerInput, object> = {
    access: (input) => [onElb(state, 'DeleteListener', input.ListenerArn)],
    async run(input) {
      await removeListener(state.listener(input.ListenerArn));
      return {};
    },
  };

  return {
    CreateLoadBalancer,
    DescribeLoadBalancers,
    DeleteLoadBalancer,
    CreateListener,
    DescribeListeners,
    ModifyListener,
    DeleteListener,
  };
}
