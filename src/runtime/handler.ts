/**
 * What stands around the logic of each function: parse the event, build the dependencies once, run, log once
 * at the edge, and let the error out under its literal name.
 */
import { Logger } from '@aws-lambda-powertools/logger';
import middy from '@middy/core';
import type { Context } from 'aws-lambda';
import type * as z from 'zod';
import { bePatientUntil } from '../aws/clients/patience.ts';
import { type Clock, systemClock } from './clock.ts';
import { type Config, readConfig } from './config.ts';
import { toLambdaError } from './failure.ts';

/** The circumstances of one invocation. */
export interface Invocation {
  readonly clock: Clock;
  readonly config: Config;
  readonly requestId: string;
  /** Milliseconds until Lambda ends this invocation. */
  remainingMilliseconds(): number;
  /** A line for the log about something that the result does not say. */
  readonly log: Pick<Logger, 'info' | 'warn'>;
}

export interface FunctionDefinition<Schema extends z.ZodType, Deps, Result> {
  /** The file's stem: `inspect-artifact`. */
  readonly name: string;
  /** What the event must be; anything else is `RequestInvalid`. */
  readonly input: Schema;
  /** Builds the clients, at the first invocation: importing a function needs no environment. */
  readonly deps: (config: Config) => Deps;
  readonly run: (input: z.output<Schema>, deps: Deps, invocation: Invocation) => Promise<Result>;
}

/**
 * What an invocation keeps for its changes when it has waited for its reads: a call's whole timeout, and what a change of
 * the fleet wants to have left (`DeadlineNear`).
 */
const keptForChangesMilliseconds = 28_000;

/** A task token lets its holder end a gate: it is nobody's business in a log. */
function withoutToken(event: unknown): unknown {
  if (typeof event !== 'object' || event === null || !('token' in event)) return event;
  return { ...event, token: '(not logged)' };
}

/** A Lambda handler. The deps are kept for the life of the process, as Lambda keeps the process. */
export function lambdaFunction<Schema extends z.ZodType, Deps, Result>(
  definition: FunctionDefinition<Schema, Deps, Result>,
): (event: unknown, context: Context) => Promise<Result> {
  const logger = new Logger({ serviceName: definition.name });
  let prepared: { config: Config; deps: Deps } | undefined;

  return middy<unknown, Result, Error, Context>()
    .use({
      onError: (request) => {
        const error = toLambdaError(request.error);
        logger.error(error.message, {
          errorName: error.name,
          event: withoutToken(request.event),
          error: error as Error,
        });
        request.error = error;
      },
    })
    .handler(async (event, context) => {
      const input = definition.input.parse(event);
      if (prepared === undefined) {
        const config = readConfig(process.env);
        prepared = { config, deps: definition.deps(config) };
      }
      const started = systemClock.now().getTime();
      bePatientUntil(started + context.getRemainingTimeInMillis() - keptForChangesMilliseconds);
      const result = await definition.run(input, prepared.deps, {
        clock: systemClock,
        config: prepared.config,
        requestId: context.awsRequestId,
        remainingMilliseconds: () => context.getRemainingTimeInMillis(),
        log: logger,
      });
      logger.info('done', { milliseconds: systemClock.now().getTime() - started });
      return result;
    }) as (event: unknown, context: Context) => Promise<Result>; // middy also types the callback form, which nothing uses
}
