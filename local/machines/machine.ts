/**
 * What an instance is made of. EC2 starts one machine per running instance and asks it nothing but this; how
 * the program runs (as a process, under a script, later in a virtual machine) is the machine's own affair.
 */
import type { ReadableDisk } from '../services/ebs/snapshots.ts';

export interface Address {
  readonly host: string;
  readonly port: number;
}

/** What EC2 knows when it starts a machine. */
export interface MachineLaunch {
  readonly instanceId: string;
  readonly imageId: string;
  /** The volume made of the AMI's root snapshot. */
  readonly disk: ReadableDisk;
  readonly tags: Readonly<Record<string, string>>;
  readonly architecture: 'x86_64' | 'arm64';
  readonly memoryMiB: number;
  /**
   * Called once, when the program has ended by itself or could not be started.
   * @param why set where this host lacks what it takes to boot
   */
  readonly onExit: (why?: string) => void;
  /** Called when the answer to a health check may differ from now on. */
  readonly onChange: () => void;
}

/** This host lacks what it takes to boot a machine; the message names it. */
export class CannotBoot extends Error {
  override readonly name = 'CannotBoot' as const;
}

/** A scripted machine's answer to one HTTP request: a status, or what the socket did instead. */
export type ScriptedAnswer = number | 'timeout' | 'refused';

export interface Machine {
  readonly state: 'starting' | 'running' | 'ended';
  /** Where the guest's service is reached on this host, whatever port it has in AWS. */
  readonly address: Address | undefined;
  start(): void;
  /** Ends the program at once, as pulling the plug would; resolves when nothing of it is left. */
  stop(): Promise<void>;
  /** The last 64 KB that were written to the serial console. */
  consoleTail(): Uint8Array;
  /** Answers without a socket; undefined for machines that have one. */
  readonly script?: ScriptedProbe;
}

export interface ScriptedProbe {
  /** @param withinMs an answer that takes longer is a timeout */
  answer(path: string, withinMs?: number): ScriptedAnswer;
  /** What an answer says, for those who read more than its status. */
  body(path: string): string;
  /** True when the answer stays as it is until the machine calls `onChange`. */
  steady(): boolean;
}

/** EC2 keeps the last 64 KB of console output. https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_GetConsoleOutput.html */
export class ConsoleRing {
  #bytes: Buffer = Buffer.alloc(0);

  write(chunk: Uint8Array | string): void {
    const joined = Buffer.concat([this.#bytes, typeof chunk === 'string' ? Buffer.from(chunk) : chunk]);
    this.#bytes = joined.length > 65_536 ? joined.subarray(joined.length - 65_536) : joined;
  }

  tail(): Uint8Array {
    return this.#bytes;
  }
}
