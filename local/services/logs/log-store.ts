import { arn, type Context } from '../../context.ts';
import { AwsError } from '../../service.ts';
import { type Collection, mapOf, type Saved } from '../../state/persistent.ts';

/** One line with its place in the order of arrival, which also makes its id. */
export interface LogLine {
  readonly order: number;
  readonly timestamp: number;
  readonly ingestionTime: number;
  readonly message: string;
}

export interface LogStream {
  readonly name: string;
  readonly createdAt: number;
  lines: LogLine[];
  bytes: number;
}

export interface LogGroup {
  readonly name: string;
  readonly arn: string;
  readonly createdAt: number;
  retentionDays: number | undefined;
  readonly streams: Map<string, LogStream>;
  readonly tags: Map<string, string>;
}

/** Kept per group, oldest lines going first: the region is for looking at, not for keeping. */
const groupBytes = 4 * 1024 * 1024;
/** What AWS adds to each event when it counts. https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_PutLogEvents.html */
const eventOverheadBytes = 26;

/** Log groups in memory, bounded. */
export class LogStore {
  readonly #context: Context;
  readonly groups = new Map<string, LogGroup>();
  #order = 0;

  constructor(context: Context) {
    this.#context = context;
  }

  createGroup(name: string): LogGroup {
    if (!/^[.\-_/#A-Za-z0-9]{1,512}$/.test(name)) {
      throw new AwsError('InvalidParameterException', `The log group name ${name} is not valid.`);
    }
    if (this.groups.has(name)) {
      throw new AwsError('ResourceAlreadyExistsException', 'The specified log group already exists');
    }
    const group: LogGroup = {
      name,
      arn: arn(this.#context, 'logs', `log-group:${name}`),
      createdAt: this.#context.clock.now(),
      retentionDays: undefined,
      streams: new Map(),
      tags: new Map(),
    };
    this.groups.set(name, group);
    return group;
  }

  group(name: string | undefined): LogGroup {
    const found = this.groups.get(name ?? '');
    if (found === undefined) {
      throw new AwsError('ResourceNotFoundException', 'The specified log group does not exist.');
    }
    return found;
  }

  createStream(group: LogGroup, name: string): LogStream {
    if (name === '' || name.length > 512 || /[:*]/.test(name)) {
      throw new AwsError('InvalidParameterException', `The log stream name ${name} is not valid.`);
    }
    if (group.streams.has(name)) {
      throw new AwsError('ResourceAlreadyExistsException', 'The specified log stream already exists');
    }
    const stream: LogStream = { name, createdAt: this.#context.clock.now(), lines: [], bytes: 0 };
    group.streams.set(name, stream);
    return stream;
  }

  stream(group: LogGroup, name: string | undefined): LogStream {
    const found = group.streams.get(name ?? '');
    if (found === undefined) {
      throw new AwsError('ResourceNotFoundException', 'The specified log stream does not exist.');
    }
    return found;
  }

  put(group: LogGroup, stream: LogStream, events: readonly { timestamp: number; message: string }[]): void {
    const ingestionTime = this.#context.clock.now();
    for (const { timestamp, message } of events) {
      stream.lines.push({ order: this.#order++, timestamp, ingestionTime, message });
      stream.bytes += Buffer.byteLength(message) + eventOverheadBytes;
    }
    this.#bound(group);
  }

  /** Lines are kept in pieces as they came: a stream is not written anew for each line. */
  collections(): Collection[] {
    const { groups } = this;
    const lines: Collection = {
      name: 'lines',
      *save(): Iterable<Saved> {
        for (const group of groups.values())
          for (const stream of group.streams.values())
            for (const piece of pieces(stream.lines)) {
              const [first] = piece;
              const last = piece.at(-1);
              const id = `${group.name} ${first?.order} ${stream.name}`;
              yield { id, stamp: `${piece.length} ${last?.order}`, value: () => piece };
            }
      },
      load: (id, value) => {
        const [group = '', , ...stream] = id.split(' ');
        const into = this.stream(this.group(group), stream.join(' '));
        for (const line of value as LogLine[]) {
          into.lines.push(line);
          into.bytes += Buffer.byteLength(line.message) + eventOverheadBytes;
          this.#order = Math.max(this.#order, line.order + 1);
        }
      },
    };
    return [
      mapOf<LogGroup>('groups', groups, {
        save: ({ streams, ...rest }) => ({
          ...rest,
          streams: [...streams.values()].map(({ name, createdAt }) => ({ name, createdAt })),
        }),
        load: ({ streams, ...rest }: Omit<LogGroup, 'streams'> & { streams: LogStream[] }) => ({
          ...rest,
          streams: new Map(streams.map((stream) => [stream.name, { ...stream, lines: [], bytes: 0 }])),
        }),
      }),
      lines,
    ];
  }

  #bound(group: LogGroup): void {
    let total = 0;
    for (const stream of group.streams.values()) total += stream.bytes;
    for (const stream of group.streams.values()) {
      // Streams are in the order in which they were made, so the oldest lose their lines first.
      while (total > groupBytes && stream.lines.length > 0) {
        const cut = stream.lines.splice(0, Math.max(1, stream.lines.length >> 2));
        const bytes = cut.reduce(
          (sum, { message }) => sum + Buffer.byteLength(message) + eventOverheadBytes,
          0,
        );
        stream.bytes -= bytes;
        total -= bytes;
      }
      if (total <= groupBytes) return;
    }
  }
}

/** Lines by the hundred of their number, so that a piece stays the same once the next one has begun. */
function* pieces(lines: readonly LogLine[]): Iterable<LogLine[]> {
  let piece: LogLine[] = [];
  for (const line of lines) {
    const [first] = piece;
    if (first !== undefined && Math.floor(first.order / 100) !== Math.floor(line.order / 100)) {
      yield piece;
      piece = [];
    }
    piece.push(line);
  }
  if (piece.length > 0) yield piece;
}
