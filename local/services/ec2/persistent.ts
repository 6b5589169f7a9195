/** What EC2 keeps over restarts. */
import { type Collection, mapOf, type Persistent, single } from '../../state/persistent.ts';
import { becomesAvailable } from './images.ts';
import type { InstanceRecord } from './instance-record.ts';
import type { Outages } from './outages.ts';
import type { Ec2State } from './state.ts';

/** Without its machine, which goes with the region. */
type SavedInstance = Omit<InstanceRecord, 'machine'>;

export function persistentEc2(state: Ec2State, outages: Outages): Persistent {
  const { context, images, deregistered, templates, instances, network, quotas } = state;
  const { templateAnswers, launchedByToken } = state;
  const known = (id: string): InstanceRecord[] => {
    const found = instances.all.get(id);
    // Forgotten an hour after its end; the token may be older.
    return found === undefined ? [] : [found];
  };
  const collections: Collection[] = [
    ...network.collections(),
    mapOf('images', images),
    single(
      'deregistered',
      () => deregistered,
      (ids) => {
        for (const id of ids) deregistered.add(id);
      },
    ),
    mapOf('templates', templates),
    mapOf('template-answers', templateAnswers),
    mapOf<InstanceRecord>('instances', instances.all, {
      save: ({ machine: _machine, ...rest }): SavedInstance => ({
        ...rest,
        lastConsole: instances.console({ machine: _machine, ...rest }),
      }),
      load: (saved: SavedInstance) => ({ ...saved, machine: undefined }),
    }),
    mapOf('launched', launchedByToken, {
      save: ({ parameters, launched }) => ({ parameters, ids: launched.map((one) => one.instanceId) }),
      load: (saved: { parameters: string; ids: string[] }) => ({
        parameters: saved.parameters,
        launched: saved.ids.flatMap(known),
      }),
    }),
    single(
      'quotas',
      () => Object.fromEntries(Object.entries(quotas).map(([name, { value }]) => [name, value])),
      (values) => {
        for (const [name, one] of Object.entries(quotas)) one.value = values[name] ?? one.value;
      },
    ),
    single(
      'shortages',
      () => instances.shortages,
      (shortages) => void instances.shortages.push(...shortages),
    ),
  ];
  return {
    name: 'ec2',
    version: 1,
    collections,
    resume() {
      for (const image of images.values()) if (image.State === 'pending') becomesAvailable(context, image);
      for (const instance of [...instances.all.values()]) {
        instances.recover(instance);
        outages.resume(instance);
      }
    },
  };
}
