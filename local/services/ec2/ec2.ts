/** EC2, as far as fleets need it. */
import type { Context } from '../../context.ts';
import type { Service } from '../../service.ts';
import type { Persistent } from '../../state/persistent.ts';
import type { Ebs } from '../ebs/ebs.ts';
import { encryptionOperations } from './encryption.ts';
import { imageOperations } from './images.ts';
import { instanceOperations } from './instance-operations.ts';
import { instanceStatusOperations } from './instance-status.ts';
import { Instances } from './instances.ts';
import { launchTemplateOperations } from './launch-templates.ts';
import { Network } from './network.ts';
import { networkInterfaceOperations } from './network-interfaces.ts';
import { Outages } from './outages.ts';
import { persistentEc2 } from './persistent.ts';
import { placeOperations } from './places.ts';
import type { Ec2Quotas } from './quotas.ts';
import { ec2Quotas } from './quotas.ts';
import { snapshotOperations } from './snapshots.ts';
import type { Ec2State } from './state.ts';
import { tagOperations } from './tags.ts';

export interface Ec2 {
  readonly service: Service;
  readonly persistent: Persistent;
  /** For the services that launch, and for tests: which machine an instance gets. */
  readonly instances: Instances;
  /** What goes wrong on request. */
  readonly outages: Outages;
  /** What the account may have; tests change the values. */
  readonly quotas: Ec2Quotas;
  readonly network: Network;
  readonly state: Ec2State;
  close(): Promise<void>;
}

export function createEc2(context: Context, ebs: Ebs): Ec2 {
  const network = new Network(context);
  const images: Ec2State['images'] = new Map();
  const { snapshots, tags, encryption } = ebs;
  const quotas = ec2Quotas();
  const instances = new Instances(context, { network, tags, snapshots, quotas });
  const state: Ec2State = {
    context,
    snapshots,
    tags,
    encryption,
    network,
    images,
    deregistered: new Set(),
    templates: new Map(),
    instances,
    quotas,
    templateAnswers: new Map(),
    launchedByToken: new Map(),
  };
  const outages = new Outages(context, instances);
  return {
    persistent: persistentEc2(state, outages),
    service: {
      id: 'ec2',
      operations: {
        ...imageOperations(state),
        ...snapshotOperations(state),
        ...encryptionOperations(state),
        ...tagOperations(state),
        ...launchTemplateOperations(state),
        ...instanceOperations(state),
        ...instanceStatusOperations(state),
        ...placeOperations(state),
        ...networkInterfaceOperations(state),
      },
    },
    instances,
    outages,
    quotas,
    network,
    state,
    close: () => instances.close(),
  };
}
