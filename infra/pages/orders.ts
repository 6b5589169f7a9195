/** docs/orders.md: what a person may order in each state of a rollout, from the table that decides it. */
import {
  insteadOf,
  type Legality,
  legalOrders,
  type OrderState,
  orderStates,
  type Verb,
} from '../../src/fleet/orders.ts';

const meanings = {
  abort: 'ends the rollout: traffic goes back, the candidate leaves',
  promote:
    'goes to full weight next, past every gate that is left, and past a pause that was ordered before it',
  approve: 'the word that an approval gate waits for, of the step that has the traffic now',
  reject: 'the other word: ends the rollout as abort does, and is recorded as a rejection',
  pause: 'no weight changes and nothing is promoted until resume; what is being done is ended first',
  resume: 'takes the pause back; one that is not paused is told so, and nothing changes',
} as const satisfies Record<Verb, string>;

const words = { now: 'now', kept: 'kept', no: '–' } as const satisfies Record<Legality, string>;

const verbs = Object.keys(legalOrders) as Verb[]; // keys of the constant
const states = Object.keys(orderStates) as OrderState[]; // likewise

const row = (cells: readonly string[]): string => `| ${cells.join(' | ')} |`;

function head(): string {
  return `# Orders

What a person may order of a rollout, and when: \`flotilla abort|approve|reject|promote|pause|resume ROLLOUT\`, or
\`POST /rollouts/{id}/<verb>\`. Written from \`src/fleet/orders.ts\` by \`node infra/write-pages.ts\`; a contract test keeps
it so.

`;
}

function tables(): string {
  return [
    row(['order', 'what it does']),
    row(['---', '---']),
    ...verbs.map((verb) => row([`\`${verb}\``, meanings[verb]])),
    '',
    '`now`: carried out at once. `kept`: kept with the fleet, and carried out at the next border between two states. `–`:',
    'refused (`RequestRefused`), with the orders that are legal. While a function of the fleet is asked after the last gate',
    '(`rollout.hooks.afterTraffic`), every order is kept, an alarm too: it is carried out when that function has answered,',
    'or its `timeoutSeconds` are over.',
    '',
    row(['the rollout is', ...verbs.map((verb) => `\`${verb}\``), 'else']),
    row(['---', ...verbs.map(() => '---'), '---']),
    ...states.map((state) =>
      row([
        orderStates[state],
        ...verbs.map((verb) => words[legalOrders[verb][state]]),
        insteadOf[state] ?? '',
      ]),
    ),
  ].join('\n');
}

function rules(): string {
  return `
## What to know

- **Caution wins.** Where several orders wait, abort and reject are read first. An alarm that rings is an abort.
- **Nothing is lost.** An order is written to the fleet's item in the transaction that would fail had the rollout moved
  on meanwhile, and the gate reads that item right after it stored its token there. If the one who gave it dies before
  the gate was told, the sweeper tells it within a minute. The promotion reads the orders in the item that it writes.
- **A pause has no end** but that of the execution, which Step Functions ends after a year; recovery then puts the fleet
  back. It holds with the weights as they are, full weight before the promotion among them. Alarms and the sweeper's look
  at the candidate go on.
- **A bake goes on while the rollout is paused.** Its time is spent watching the same weights either way: what is left of
  it when the pause is taken back is still waited for, and where nothing is left the next step follows at once.
- **An approval does not.** Nobody is to be too late because somebody else paused: after \`resume\` the gate is open for
  its whole time again. An approval given meanwhile counts.
- **An approval is for one step**: the one that has the traffic when it is given. Given during that step's bake it is kept.
- **A later order outdoes a pause**: \`promote\` ends it; a pause that comes after \`promote\` holds before the next step.
- **Repeating an order** changes nothing, and tells the gate once more.
- A rollout that is **superseded** gets the abort of the rollout that takes its place, by the same table: past its
  promotion it ends first. A rollback is superseded by another rollback alone: what is deployed meanwhile waits behind it,
  and its answer says so.
`;
}

export function ordersPage(): string {
  return `${head()}${tables()}\n${rules()}`;
}
