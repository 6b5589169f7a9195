/** Where metrics are kept: one series for each namespace, name and set of dimensions. */

import type { Collection, Saved } from '../../state/persistent.ts';

export interface Dimension {
  Name?: string | undefined;
  Value?: string | undefined;
}

export interface Statistics {
  sum: number;
  count: number;
  min: number;
  max: number;
  /** Single values for percentiles, as long as they are few. */
  readonly values: number[];
}

/** One-minute points are kept for 15 days. https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/cloudwatch_concepts.html */
const keptMinutes = 15 * 24 * 60;
const minuteMs = 60_000;
/** Percentiles rest on at most so many values a minute. */
const keptValues = 1_000;

interface SavedSeries {
  readonly namespace: string;
  readonly name: string;
  readonly dimensions: readonly Dimension[];
  readonly minutes: ReadonlyMap<number, Statistics>;
  readonly levels: readonly { at: number; value: number }[];
}

export class Series {
  readonly namespace: string;
  readonly name: string;
  readonly dimensions: readonly Dimension[];
  readonly #minutes = new Map<number, Statistics>();
  /** For measures that hold until they change, such as the number of healthy hosts. */
  readonly #levels: { at: number; value: number }[] = [];
  readonly #listeners = new Set<() => void>();
  /** Goes up whenever something is measured. */
  revision = 0;

  constructor(namespace: string, name: string, dimensions: readonly Dimension[]) {
    this.namespace = namespace;
    this.name = name;
    this.dimensions = dimensions;
  }

  add(at: number, value: number, count = 1): void {
    const minute = Math.floor(at / minuteMs);
    let point = this.#minutes.get(minute);
    if (point === undefined) {
      point = { sum: 0, count: 0, min: Number.POSITIVE_INFINITY, max: Number.NEGATIVE_INFINITY, values: [] };
      this.#minutes.set(minute, point);
      this.#forget(minute);
    }
    merge(point, { sum: value * count, count, min: value, max: value, values: [value] });
    this.#tell();
  }

  addStatistics(at: number, set: Omit<Statistics, 'values'>): void {
    const minute = Math.floor(at / minuteMs);
    const point = this.#minutes.get(minute) ?? { ...set, sum: 0, count: 0, values: [] };
    merge(point, { ...set, values: [] });
    this.#minutes.set(minute, point);
    this.#tell();
  }

  /** From `at` on the measure is `value`; undefined when it is no longer measured. */
  level(at: number, value: number | undefined): void {
    const last = this.#levels.at(-1);
    if ((last === undefined && value === undefined) || last?.value === value) return;
    this.#levels.push({ at, value: value ?? Number.NaN });
    if (this.#levels.length > 5_000) this.#levels.splice(0, 1_000);
    this.#tell();
  }

  /** What was measured in [from, to); undefined for nothing. */
  between(from: number, to: number): Statistics | undefined {
    const all: Statistics = {
      sum: 0,
      count: 0,
      min: Number.POSITIVE_INFINITY,
      max: Number.NEGATIVE_INFINITY,
      values: [],
    };
    const [first, last] = [Math.floor(from / minuteMs), Math.ceil(to / minuteMs)];
    for (let minute = first; minute < last; minute += 1) {
      const point = this.#minutes.get(minute);
      if (point !== undefined) merge(all, point);
    }
    let before: number | undefined;
    for (const { at, value } of this.#levels) {
      if (at >= to) break;
      if (at < from) before = value;
      else if (!Number.isNaN(value))
        merge(all, { sum: value, count: 1, min: value, max: value, values: [value] });
    }
    if (before !== undefined && !Number.isNaN(before)) {
      merge(all, { sum: before, count: 1, min: before, max: before, values: [before] });
    }
    return all.count === 0 ? undefined : all;
  }

  /** All that was measured, as plain data. */
  save(): SavedSeries {
    const { namespace, name, dimensions } = this;
    return { namespace, name, dimensions, minutes: this.#minutes, levels: this.#levels };
  }

  load({ minutes, levels }: SavedSeries): void {
    for (const [minute, point] of minutes) this.#minutes.set(minute, point);
    this.#levels.push(...levels);
  }

  /** Calls back whenever there is new data. @returns how to stop that. */
  onData(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  #tell(): void {
    this.revision += 1;
    for (const listener of this.#listeners) listener();
  }

  #forget(now: number): void {
    if (this.#minutes.size <= keptMinutes) return;
    for (const minute of this.#minutes.keys()) if (minute < now - keptMinutes) this.#minutes.delete(minute);
  }
}

function merge(into: Statistics, other: Statistics): void {
  into.sum += other.sum;
  into.count += other.count;
  into.min = Math.min(into.min, other.min);
  into.max = Math.max(into.max, other.max);
  if (into.values.length < keptValues) into.values.push(...other.values);
}

export class Metrics {
  readonly #series = new Map<string, Series>();

  /** The series of that name, made when it is not there yet. */
  series(namespace: string, name: string, dimensions: readonly Dimension[] | undefined): Series {
    const sorted = [...(dimensions ?? [])].sort((a, b) => ((a.Name ?? '') < (b.Name ?? '') ? -1 : 1));
    const key = JSON.stringify([namespace, name, sorted.map((one) => [one.Name, one.Value])]);
    let found = this.#series.get(key);
    if (found === undefined) {
      found = new Series(namespace, name, sorted);
      this.#series.set(key, found);
    }
    return found;
  }

  collection(): Collection {
    const all = this.#series;
    return {
      name: 'series',
      *save(): Iterable<Saved> {
        for (const [id, series] of all) yield { id, stamp: series.revision, value: () => series.save() };
      },
      load: (_id, value) => {
        const saved = value as SavedSeries;
        this.series(saved.namespace, saved.name, saved.dimensions).load(saved);
      },
    };
  }

  all(): readonly Series[] {
    return [...this.#series.values()];
  }
}

/**
 * One statistic of a set: Sum, Average, Minimum, Maximum, SampleCount, or a percentile such as p99.
 * Undefined for a name that is none of these.
 */
export function statistic(of: Statistics, name: string): number | undefined {
  switch (name) {
    case 'Sum':
      return of.sum;
    case 'Average':
      return of.sum / of.count;
    case 'Minimum':
      return of.min;
    case 'Maximum':
      return of.max;
    case 'SampleCount':
      return of.count;
    default: {
      const percent = /^p(\d{1,2}(?:\.\d+)?|100)$/.exec(name)?.[1];
      if (percent === undefined) return undefined;
      const sorted = [...of.values].sort((a, b) => a - b);
      return sorted[Math.max(0, Math.ceil((Number(percent) / 100) * sorted.length) - 1)];
    }
  }
}
