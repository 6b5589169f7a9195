import type { Random } from '../../random.ts';
import { AwsError } from '../../service.ts';
import type { Json } from './json.ts';
import type { StateError } from './state-error.ts';

/** A task that waits for its token to come back. */
export interface Waiting {
  succeed(output: Json): void;
  fail(error: StateError): void;
  heartbeat(): void;
}

/** The tokens that are out. */
export class TaskTokens {
  readonly #random: Random;
  readonly #waiting = new Map<string, Waiting>();
  /** Names of the executions, to tell a closed task's token from one that never was. */
  readonly #known: (executionArn: string) => boolean;

  constructor(random: Random, known: (executionArn: string) => boolean) {
    this.#random = random;
    this.#known = known;
  }

  issue(executionArn: string): string {
    return Buffer.from(JSON.stringify(['task', executionArn, this.#random.hex(32)])).toString('base64');
  }

  wait(token: string, waiting: Waiting): () => void {
    this.#waiting.set(token, waiting);
    return () => this.#waiting.delete(token);
  }

  /**
   * The task of a token.
   * @throws AwsError InvalidToken, TaskDoesNotExist, TaskTimedOut
   * https://docs.aws.amazon.com/step-functions/latest/apireference/API_SendTaskSuccess.html
   */
  find(token: string | undefined): Waiting {
    const waiting = this.#waiting.get(token ?? '');
    if (waiting !== undefined) return waiting;
    const executionArn = executionOfToken(token ?? '');
    if (executionArn === undefined) throw new AwsError('InvalidToken', "Invalid Token: 'Invalid token'");
    if (!this.#known(executionArn)) throw new AwsError('TaskDoesNotExist', 'Task does not exist');
    throw new AwsError('TaskTimedOut', "Task Timed Out: 'Provided task does not exist anymore'");
  }
}

/** The execution that a token was issued for, if it is one of ours. */
function executionOfToken(token: string): string | undefined {
  try {
    const value: unknown = JSON.parse(Buffer.from(token, 'base64').toString('utf8'));
    if (Array.isArray(value) && value[0] === 'task' && typeof value[1] === 'string') return value[1];
  } catch {
    // None of ours.
  }
  return undefined;
}
