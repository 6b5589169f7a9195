/** What Step Functions keeps over restarts: machines, and executions with their histories and how far they are. */
import type { HistoryEvent } from '@aws-sdk/client-sfn';
import { type Collection, mapOf, type Saved } from '../../state/persistent.ts';
import type { Definition } from './definition.ts';
import type { Execution, SavedExecution } from './execution.ts';
import type { Machine, MachineStore } from './machine-store.ts';

/** A machine without what follows from its text. */
type SavedMachine = Omit<Machine, 'definition'>;

/** What an execution was started with. */
export interface SavedStart {
  readonly arn: string;
  readonly name: string;
  readonly machine: SavedMachine;
  readonly input: string;
  readonly startedAt: number;
}

/** Histories are kept in pieces: a long one is not written anew for each event. */
const eventsTogether = 32;

function saveMachine({ definition: _definition, ...rest }: Machine): SavedMachine {
  return rest;
}

/** The text was checked when the machine was made. */
export function loadMachine(saved: SavedMachine): Machine {
  return { ...saved, definition: JSON.parse(saved.text) as Definition };
}

/** @param remake an execution as it was started, without its history */
export function statesCollections(
  store: MachineStore,
  executions: Map<string, Execution>,
  remake: (start: SavedStart) => Execution,
): Collection[] {
  const found = (arn: string): Execution => {
    const execution = executions.get(arn);
    if (execution === undefined) throw new Error(`There is no execution ${arn}`);
    return execution;
  };

  const starts = mapOf('starts', executions, {
    // Started again under its name after 90 days, it is another one.
    stamp: ({ init }) => init.startedAt,
    save: ({ init: { arn, name, machine, input, startedAt } }): SavedStart => ({
      ...{ arn, name, machine: saveMachine(machine), input, startedAt },
    }),
    load: remake,
  });

  const events: Collection = {
    name: 'events',
    *save(): Iterable<Saved> {
      for (const [arn, { init }] of executions) {
        const { events } = init.history;
        for (let at = 0; at < events.length; at += eventsTogether) {
          const piece = (): HistoryEvent[] => events.slice(at, at + eventsTogether);
          const stamp = `${init.startedAt} ${Math.min(events.length, at + eventsTogether)}`;
          yield { id: `${arn} ${at}`, stamp, value: piece };
        }
      }
    },
    load(id, value) {
      const [arn = ''] = id.split(' ');
      found(arn).init.history.events.push(...(value as HistoryEvent[]));
    },
  };

  const progress: Collection = {
    name: 'progress',
    *save(): Iterable<Saved> {
      for (const [id, execution] of executions) {
        const { stoppedAt, redriveCount, init } = execution;
        const closed =
          stoppedAt === undefined ? {} : { stamp: `${init.startedAt} ${stoppedAt} ${redriveCount}` };
        yield { id, ...closed, value: () => execution.save() };
      }
    },
    load: (id, value) => found(id).load(value as SavedExecution),
  };

  return [
    mapOf('machines', store.machines, { save: saveMachine, load: loadMachine }),
    mapOf('tags', store.tags),
    starts,
    events,
    progress,
  ];
}
