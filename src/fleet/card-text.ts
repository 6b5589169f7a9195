/** The failure card as a page of text: the same in a terminal and in the cause of the execution. */
import type { AlarmEvidence, FailureCard } from '../contracts/failure-card.ts';
import { releaseLabel } from '../contracts/ids.ts';

/**
 * "Cause: a more detailed cause of the failure … maximum length of 32768"
 * https://docs.aws.amazon.com/step-functions/latest/apireference/API_StopExecution.html
 */
export const causeCharacters = 32_768;
/** Reasons on the page; the API has them all. */
const reasonsShown = 12;
const consoleLinesShown = 20;
/** Checks and launches. */
const shownOfEach = 6;
/** A line of a page; programs write whole stack traces into one. */
const lineCharacters = 400;

const margin = '            ';

function cut(text: string, characters = lineCharacters): string {
  if (text.length <= characters) return text;
  // Half of a surrogate pair is no character.
  return `${text.slice(0, characters - 1).replace(/[\uD800-\uDBFF]$/, '')}…`;
}

/** `cause     first line`, and those after it below the first. */
function labelled(label: string, lines: readonly string[]): string[] {
  return lines
    .flatMap((line) => line.split('\n'))
    .filter((line) => line.trim() !== '')
    .map((line, index) => cut(`${index === 0 ? `  ${label.padEnd(10)}` : margin}${line}`));
}

function someOf(lines: readonly string[], shown: number): string[] {
  const rest = lines.length - shown;
  return rest > 0 ? [...lines.slice(0, shown), `and ${rest} more`] : [...lines];
}

function alarmLines(alarm: AlarmEvidence): string[] {
  const { metric, statistic, periodSeconds, comparison, threshold, datapoints, triggeredBy } = alarm;
  const measured =
    threshold === undefined
      ? []
      : [
          `${[statistic, metric === undefined ? '' : `of ${metric}`].filter(Boolean).join(' ')} over ${
            periodSeconds ?? '?'
          } s: ${datapoints === undefined || datapoints.length === 0 ? 'no values' : datapoints.map(rounded).join(', ')} (rings at ${
            comparison === undefined ? '' : `${comparison} `
          }${threshold})`,
        ];
  return [
    alarm.name,
    ...measured,
    ...(triggeredBy === undefined || triggeredBy.length === 0 ? [] : [`rung by ${triggeredBy.join(', ')}`]),
    ...(measured.length === 0 ? [alarm.reason] : []),
  ];
}

/** Six digits are enough for a person. */
function rounded(value: number): string {
  return String(Number(value.toPrecision(6)));
}

const endings = {
  failed: 'failed and was undone',
  aborted: 'was ended by a person and undone',
  'needs-attention': 'failed, and going back has not finished: it needs attention',
} as const satisfies Record<FailureCard['status'], string>;

/** Somebody said no, or nobody said yes. */
const notLetThrough = 'was not let through its gate, and was undone';

function liveWords({ live }: FailureCard): string {
  if (live === null) return 'nothing';
  const image = live.imageId === undefined ? '' : ` (${live.imageId})`;
  return `${releaseLabel(live.release)}${image} is live, at ${live.weight} %`;
}

function page(card: FailureCard, consoleLines: number): string[] {
  const { cause, console, smokeTest } = card;
  // What stands among checks and launches need not stand in the reasons too.
  const told = [
    ...card.checks.map(({ instance, state }) => `${instance} is ${state}`),
    ...card.launches.map(({ why }) => why.trim().replace(/\.$/, '')),
  ];
  const reasons = cause.reasons.filter((reason) => !told.some((words) => reason.includes(words)));
  return [
    `✗ ${card.id}: ${releaseLabel(card.release)} ${cause.name === 'GateRejected' ? notLetThrough : endings[card.status]}`,
    ...labelled('cause', [`${cause.title} (${cause.name})`, ...someOf(reasons, reasonsShown)]),
    ...labelled(
      'check',
      card.healthCheck === undefined || card.checks.length === 0 ? [] : [card.healthCheck],
    ),
    ...card.checks
      .slice(0, shownOfEach)
      .flatMap(({ instance, state, answer }) => labelled('', [`${instance} ${state}: ${answer}`])),
    ...card.launches
      .slice(0, shownOfEach)
      .flatMap(({ activity, at, what, why }) =>
        labelled('launch', [why, `${what}, ${at}, activity ${activity}`]),
      ),
    ...card.alarms.flatMap((alarm) => labelled('alarm', alarmLines(alarm))),
    ...(smokeTest === null
      ? []
      : labelled('smoke', [
          `GET ${smokeTest.url}`,
          ...(smokeTest.answer === '' ? [] : smokeTest.answer.split('\n').map((line) => `| ${line}`)),
        ])),
    ...(console === null
      ? []
      : [
          ...labelled('instance', [console.instance]),
          ...labelled(
            'console',
            console.lines.slice(-consoleLines).map((line) => `| ${line}`),
          ),
        ]),
    ...labelled('undone', card.undone),
    ...labelled('live now', [liveWords(card)]),
    ...labelled('next', [card.next]),
    ...labelled('more', [card.executionArn]),
  ];
}

/**
 * The page, of at most `characters`. What goes first when it is too long is the beginning of the console: what was
 * said last, the cause, and what to do stay.
 * @param characters at least 2,000, which the last four lines never have
 */
export function cardText(card: FailureCard, characters: number = causeCharacters): string {
  for (const consoleLines of [consoleLinesShown, 10, 5, 1]) {
    const text = page(card, consoleLines).join('\n');
    if (text.length <= characters) return text;
  }
  const lines = page(card, 1);
  // What a person needs most stands at both ends of the page.
  const tail = lines.slice(-4).join('\n');
  return `${cut(lines.join('\n'), characters - tail.length - 1)}\n${tail}`;
}
