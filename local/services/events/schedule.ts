import { AwsError } from '../../service.ts';

/** When a schedule is due next, strictly after a moment; undefined when never again. */
export type Schedule = (afterMs: number) => number | undefined;

/**
 * `rate(5 minutes)` or `cron(0 12 * * ? *)`, in UTC.
 * https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-scheduled-rule-pattern.html
 * @param startMs when the rule was made or enabled: rates count from there.
 * @throws AwsError ValidationException
 */
export function parseSchedule(expression: string, startMs: number): Schedule {
  const rate = /^rate\((\d+) (minutes?|hours?|days?)\)$/.exec(expression);
  if (rate !== null) {
    const [, count = '0', unit = ''] = rate;
    const value = Number(count);
    // One takes the singular, more the plural: AWS insists.
    if (value < 1 || (value === 1) === unit.endsWith('s')) throw invalid();
    const periodMs =
      value * { minute: 60_000, hour: 3_600_000, day: 86_400_000 }[unit.replace(/s$/, '') as 'minute'];
    return (afterMs) => startMs + (Math.floor((afterMs - startMs) / periodMs) + 1) * periodMs;
  }
  const cron = /^cron\((.*)\)$/.exec(expression);
  if (cron === null) throw invalid();
  return parseCron(cron[1] ?? '');
}

function invalid(): AwsError {
  return new AwsError('ValidationException', 'Parameter ScheduleExpression is not valid.');
}

const months = ['JAN', 'FEB', 'MAR', 'APR', 'MAY', 'JUN', 'JUL', 'AUG', 'SEP', 'OCT', 'NOV', 'DEC'];
const weekdays = ['SUN', 'MON', 'TUE', 'WED', 'THU', 'FRI', 'SAT'];
const dayMs = 86_400_000;
/** A day that is due every four years at the least; further ahead nothing is looked for. */
const horizonDays = 366 * 9;

/** Minutes, hours, day of month, month, day of week, year; one of the two days is `?`. */
function parseCron(text: string): Schedule {
  const fields = text.trim().split(/\s+/);
  const [minute, hour, dayOfMonth, month, dayOfWeek, year] = fields;
  if (fields.length !== 6 || (dayOfMonth === '?') === (dayOfWeek === '?')) throw invalid();
  const minutes = range(minute, 0, 59);
  const hours = range(hour, 0, 23);
  const monthsDue = range(month, 1, 12, months, 1);
  const years = range(year, 1970, 2199);
  const dayDue = dayOfMonth === '?' ? weekdayDue(dayOfWeek ?? '') : monthDayDue(dayOfMonth ?? '');
  return (afterMs) => {
    // The first whole minute after.
    const from = Math.floor(afterMs / 60_000) * 60_000 + 60_000;
    const firstDay = Math.floor(from / dayMs) * dayMs;
    for (let day = firstDay; day <= firstDay + horizonDays * dayMs; day += dayMs) {
      const date = new Date(day);
      if (!years.has(date.getUTCFullYear()) || !monthsDue.has(date.getUTCMonth() + 1) || !dayDue(date))
        continue;
      for (const h of hours) {
        for (const m of minutes) {
          const at = day + (h * 60 + m) * 60_000;
          if (at >= from) return at;
        }
      }
    }
    return undefined;
  };
}

function monthDayDue(field: string): (date: Date) => boolean {
  const lastOf = (date: Date): number =>
    new Date(Date.UTC(date.getUTCFullYear(), date.getUTCMonth() + 1, 0)).getUTCDate();
  if (field === 'L') return (date) => date.getUTCDate() === lastOf(date);
  if (field.includes('W')) throw unsupported(field);
  const days = range(field, 1, 31);
  return (date) => days.has(date.getUTCDate());
}

function weekdayDue(field: string): (date: Date) => boolean {
  const nth = /^(\w+)#([1-5])$/.exec(field);
  if (nth !== null) {
    const days = range(nth[1], 1, 7, weekdays, 1);
    return (date) => days.has(date.getUTCDay() + 1) && Math.ceil(date.getUTCDate() / 7) === Number(nth[2]);
  }
  if (field.includes('L')) throw unsupported(field);
  const days = range(field, 1, 7, weekdays, 1);
  return (date) => days.has(date.getUTCDay() + 1);
}

function unsupported(field: string): AwsError {
  return new AwsError('ValidationException', `The local region does not know '${field}' in a schedule.`);
}

/** The values of a field, in order: lists, ranges, steps and `*`. */
function range(
  field: string | undefined,
  least: number,
  most: number,
  names: string[] = [],
  offset = 0,
): Set<number> {
  const number = (text: string): number => {
    const named = names.indexOf(text.toUpperCase());
    const value = named >= 0 ? named + offset : Number(text);
    if (!/^\w+$/.test(text) || !Number.isInteger(value) || value < least || value > most) throw invalid();
    return value;
  };
  const values: number[] = [];
  for (const part of (field ?? '').split(',')) {
    const [span = '', step] = part.split('/');
    const [from = '', to] = span.split('-');
    const start = span === '*' ? least : number(from);
    const end = span === '*' || (step !== undefined && to === undefined) ? most : number(to ?? from);
    const by = step === undefined ? 1 : Number(step);
    if (!Number.isInteger(by) || by < 1) throw invalid();
    for (let value = start; value <= end; value += by) values.push(value);
  }
  return new Set(values.sort((a, b) => a - b));
}
