/** docs/machines.md: each state machine drawn from its definition, and what an operator should know in each state. */
import { type Machine, reachedFrom, type State, type Way, waysOn, waysOut } from './machine.ts';

const intro = `# The state machines

Drawn from \`statemachines/*.asl.yml\` by \`node infra/drawing/write-page.ts\`; a test fails while they differ. The names
are those that the Step Functions console shows. Boxes are tasks, diamonds are choices, rounded boxes wait, circles are
ends. The first picture of a machine is its way when nothing fails, the second is where errors lead to. Every task is
tried again, a few times, after errors that pass by themselves, before its error leads anywhere.
`;

/** The whole page. */
export function machinesPage(machines: readonly Machine[]): string {
  return `${intro}\n${machines.map(section).join('\n')}`;
}

function section(machine: Machine): string {
  const good = reachedFrom([machine.StartAt], machine, waysOn);
  const goodWays = [...good].flatMap((name) => waysOn(name, stateOf(machine, name)));
  return `## ${machine.name}

${oneLine(machine.Comment)}

${picture(machine, goodWays)}

When something fails:

${picture(machine, failureWays(machine, good))}

| state | what an operator should know |
| --- | --- |
${rows(machine.States).join('\n')}
`;
}

/** Where errors lead to, and on from there; states that share their ways out are drawn as one. */
function failureWays(machine: Machine, good: ReadonlySet<string>): Way[] {
  const together = new Map<string, { names: string[]; ways: Way[] }>();
  const caught = new Set<string>();
  for (const [name, state] of Object.entries(machine.States)) {
    const ways = waysOut(name, state);
    for (const { to } of ways) caught.add(to);
    if (ways.length === 0 || !good.has(name)) continue;
    const key = ways.map(({ to, label }) => `${label}>${to}`).join();
    const group = together.get(key) ?? { names: [], ways };
    group.names.push(name);
    together.set(key, group);
  }
  const after = reachedFrom(caught, machine, (name, state) =>
    good.has(name) ? [] : [...waysOn(name, state), ...waysOut(name, state)],
  );
  return [
    ...[...together.values()].flatMap(({ names, ways }) =>
      ways.map((way) => ({ ...way, from: names.join('\n') })),
    ),
    ...Object.entries(machine.States)
      .filter(([name]) => after.has(name) && !good.has(name))
      .flatMap(([name, state]) => [...waysOn(name, state), ...waysOut(name, state)]),
  ];
}

/** A Mermaid flowchart. https://mermaid.js.org/syntax/flowchart.html */
function picture(machine: Machine, ways: readonly Way[]): string {
  const ids = new Map<string, string>();
  const nodes: string[] = [];
  const idOf = (names: string): string => {
    const known = ids.get(names);
    if (known !== undefined) return known;
    const id = `s${ids.size}`;
    ids.set(names, id);
    nodes.push(`  ${id}${shape(names, machine)}`);
    return id;
  };
  const arrows = joined(ways).map(({ from, to, label }) => {
    const start = idOf(from);
    return `  ${start} -->${label === '' ? '' : `|"${escaped(label)}"|`} ${idOf(to)}`;
  });
  return ['```mermaid', 'flowchart TD', ...nodes, ...arrows, '```'].join('\n');
}

/** Two ways between the same states are one arrow. */
function joined(ways: readonly Way[]): Way[] {
  const arrows = new Map<string, Way>();
  for (const way of ways) {
    const key = `${way.from}>${way.to}`;
    const drawn = arrows.get(key);
    const labels = [drawn?.label, way.label].map((label) => (label === '' ? 'done' : label));
    arrows.set(key, drawn === undefined ? way : { ...way, label: labels.join(', or ') });
  }
  return [...arrows.values()];
}

function shape(names: string, machine: Machine): string {
  const words = escaped(names).replaceAll('\n', '<br>');
  const [first = ''] = names.split('\n');
  switch (stateOf(machine, first).Type) {
    case 'Choice':
      return `{"${words}"}`;
    case 'Wait':
      return `("${words}")`;
    case 'Succeed':
    case 'Fail':
      return `(("${words}"))`;
    default:
      return `["${words}"]`;
  }
}

/** Entities, as Mermaid writes them: what is a sign of its language must not be read as one. */
function escaped(text: string): string {
  return text.replaceAll('#', '#35;').replaceAll('"', "'").replaceAll('<', '#lt;').replaceAll('>', '#gt;');
}

function rows(states: Readonly<Record<string, State>>, within = ''): string[] {
  return Object.entries(states).flatMap(([name, state]) => [
    `| ${within}${name} | ${oneLine(state.Comment ?? '').replaceAll('|', '\\|')} |`,
    ...rows(state.ItemProcessor?.States ?? {}, `${name} › `),
  ]);
}

function oneLine(text: string): string {
  return text.replace(/\s+/g, ' ').trim();
}

/** @throws Error where a way leads to no state */
function stateOf(machine: Machine, name: string): State {
  const state = machine.States[name];
  if (state === undefined) throw new Error(`${machine.name} has no state ${name}`);
  return state;
}
