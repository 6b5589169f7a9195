/** `flotilla fault …`: what goes wrong on purpose, in a local region that runs in another terminal. */
import * as z from 'zod';
import type { Command, CommandContext } from '../command.ts';
import { type ExitCode, exitCodes, usageError } from '../exit-codes.ts';
import { callRegion } from '../region-client.ts';

const path = '/_region/faults';

const standing = z.object({
  id: z.string(),
  kind: z.string(),
  action: z.string().optional(),
  by: z.string().optional(),
  function: z.string().optional(),
  source: z.string().optional(),
  detailType: z.string().optional(),
  passing: z.number(),
  left: z.number(),
  struck: z.number(),
});
const standingList = z.object({ faults: z.array(standing) });
const injected = z.object({ id: z.string().optional(), words: z.string() });

async function inject(context: CommandContext, fault: object): Promise<ExitCode> {
  const { connection } = await context.api();
  const { id, words } = injected.parse(await callRegion(connection, 'POST', path, fault));
  context.output.line(id === undefined ? words : `${id}: ${words}`);
  context.output.result({ ...(id === undefined ? {} : { id }), words });
  return exitCodes.ok;
}

function numbered(values: Readonly<Record<string, string>>, name: string): Readonly<Record<string, number>> {
  const text = values[name];
  if (text === undefined) return {};
  const value = Number(text);
  if (text.trim() === '' || !Number.isFinite(value) || value < 0)
    throw usageError(`--${name} ${text} is no number.`);
  return { [name]: value };
}

export const addCallFault: Command = async (context) => {
  const { positionals, values, flags } = context.invocation;
  const effects = [
    ...(flags.has('throttle') ? [{ kind: 'throttle' }] : []),
    ...(values.fail === undefined ? [] : [{ kind: 'fail', code: values.fail }]),
    ...(values.delay === undefined ? [] : [{ kind: 'delay', seconds: numbered(values, 'delay').delay }]),
    ...(flags.has('lose-answer') ? [{ kind: 'lose-answer' }] : []),
  ];
  if (effects.length !== 1) {
    throw usageError('fault call: say one of --throttle, --fail CODE, --delay SECONDS, --lose-answer.');
  }
  return await inject(context, {
    ...effects[0],
    action: positionals[0],
    ...(values.by === undefined ? {} : { by: values.by }),
    ...numbered(values, 'nth'),
    ...numbered(values, 'times'),
  });
};

export const addFunctionFault: Command = async (context) => {
  const { positionals, values } = context.invocation;
  const { before, after } = { ...numbered(values, 'before'), ...numbered(values, 'after') };
  if (before !== undefined && after !== undefined) throw usageError('fault function: --before or --after.');
  const nth = before ?? after;
  if (nth === undefined) {
    if (values.action !== undefined)
      throw usageError('fault function: --action goes with --before or --after.');
    return await inject(context, { kind: 'kill-function', function: positionals[0] });
  }
  return await inject(context, {
    kind: 'crash',
    function: positionals[0],
    when: before === undefined ? 'after' : 'before',
    nth,
    ...(values.action === undefined ? {} : { action: values.action }),
  });
};

export const addEventFault: Command = async (context) => {
  const { positionals, values } = context.invocation;
  const [fate] = positionals;
  if (fate !== 'drop' && fate !== 'double') throw usageError('fault event: FATE is drop or double.');
  return await inject(context, {
    kind: `${fate}-event`,
    ...(values.source === undefined ? {} : { source: values.source }),
    ...(values.type === undefined ? {} : { detailType: values.type }),
    ...numbered(values, 'times'),
  });
};

const instanceDeeds = {
  'interrupt-spot': 'interrupt-spot',
  'recommend-rebalance': 'recommend-rebalance',
  impair: 'impair-instance',
  recover: 'recover-instance',
} as const;

export const breakInstance: Command = (context) => {
  const { positionals, flags } = context.invocation;
  const wanted = Object.entries(instanceDeeds).filter(([flag]) => flags.has(flag));
  if (wanted.length > 1) throw usageError('fault instance: one thing at a time.');
  return inject(context, { kind: wanted[0]?.[1] ?? 'kill-instance', instance: positionals[0] });
};

export const breakCapacity: Command = (context) => {
  const { values, flags } = context.invocation;
  const { zone, type, market } = values;
  const pool = { ...(zone && { zone }), ...(type && { type }), ...(market && { market }) };
  return flags.has('restore')
    ? inject(context, { kind: 'release-capacity', ...pool })
    : inject(context, { kind: 'withhold-capacity', ...pool, ...numbered(values, 'seconds') });
};

export const breakZone: Command = (context) => {
  const { positionals, values, flags } = context.invocation;
  const [zone] = positionals;
  return flags.has('restore')
    ? inject(context, { kind: 'restore-zone', zone })
    : inject(context, { kind: 'lose-zone', zone, ...numbered(values, 'seconds') });
};

export const corruptBlock: Command = (context) => {
  const { positionals, values } = context.invocation;
  const { offset = '0' } = values;
  if (!/^\d{1,15}$/.test(offset)) throw usageError('fault block: --offset is a number of bytes.');
  return inject(context, { kind: 'corrupt-block', snapshot: positionals[0], offset: Number(offset) });
};

export const stopExecution: Command = (context) =>
  inject(context, { kind: 'stop-execution', execution: context.invocation.positionals[0] });

export const listFaults: Command = async (context) => {
  const { connection } = await context.api();
  const { faults } = standingList.parse(await callRegion(connection, 'GET', path));
  if (faults.length === 0) context.output.line('No fault waits.');
  for (const one of faults) {
    const what = one.action ?? [one.source ?? 'any source', one.detailType ?? 'any kind'].join(', ');
    const whose = one.function ?? one.by;
    context.output.line(
      `${one.id}  ${one.kind}  ${what}${whose === undefined ? '' : ` by ${whose}`}, ${one.left} left, ${one.struck} struck`,
    );
  }
  context.output.result({ faults });
  return exitCodes.ok;
};

export const clearFaults: Command = async (context) => {
  const { connection } = await context.api();
  const [id] = context.invocation.positionals;
  const where = id === undefined ? path : `${path}/${encodeURIComponent(id)}`;
  const { faults } = standingList.parse(await callRegion(connection, 'DELETE', where));
  context.output.line(faults.length === 0 ? 'No fault waits any more.' : `${faults.length} still wait.`);
  context.output.result({ faults });
  return exitCodes.ok;
};
