/** Which call an error of AWS answers: the SDK's errors do not say, and it is what an operator asks first. */
import type { InitializeMiddleware, MetadataBearer, Pluggable } from '@smithy/types';

export interface AwsCall {
  /** As rights name it: `ec2:RegisterImage`. */
  readonly action: string;
  /** Of what it was asked: ids, names and addresses of the input, such as `snapshotId`. */
  readonly ids: Readonly<Record<string, string | readonly string[]>>;
}

const calls = new WeakMap<Error, AwsCall>();

/** The call that an error answers, if a client of ours made it. */
export function callOf(error: Error): AwsCall | undefined {
  return calls.get(error);
}

/**
 * Remembers which call an error answers.
 * @param input of the call; what it holds beside ids is not kept
 */
export function answering<Thrown>(error: Thrown, action: string, input: object): Thrown {
  if (error instanceof Error) calls.set(error, { action, ids: idsOf(input) });
  return error;
}

/** A list of them names what a call was about, and is no place for hundreds. */
const mostOfAList = 5;

function idsOf(input: object): AwsCall['ids'] {
  const ids: Record<string, string | readonly string[]> = {};
  for (const [name, value] of Object.entries(input)) {
    if (!/(?:Id|Arn|Name)s?$|^(?:Bucket|Key)$/.test(name)) continue;
    const own = `${name.charAt(0).toLowerCase()}${name.slice(1)}`;
    if (typeof value === 'string') ids[own] = value;
    else if (Array.isArray(value) && value.every((one) => typeof one === 'string'))
      ids[own] = value.slice(0, mostOfAList);
  }
  return ids;
}

/** What of a client is needed here. */
interface Stacked {
  // biome-ignore lint/suspicious/noExplicitAny: each client has types of its own for what it is asked and answers
  readonly middlewareStack: { use(plugin: Pluggable<any, any>): void };
}

/** @param service as rights name it: `elasticloadbalancing` */
export function withCalls<Client extends Stacked>(service: string, client: Client): Client {
  const remember: InitializeMiddleware<object, MetadataBearer> =
    (next, { commandName = '' }) =>
    async (args) => {
      try {
        return await next(args);
      } catch (error) {
        throw answering(error, `${service}:${commandName.replace(/Command$/, '')}`, args.input);
      }
    };
  client.middlewareStack.use({
    applyToStack: (stack) => stack.add(remember, { step: 'initialize', name: 'rememberCall' }),
  });
  return client;
}
