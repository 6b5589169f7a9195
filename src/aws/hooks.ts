/** The functions that a fleet names as its hooks: whether they are there, and what tags they carry. */
import { type LambdaClient, ListTagsCommand } from '@aws-sdk/client-lambda';
import { lambdaClient } from './clients/lambda.ts';
import { hasCode } from './errors.ts';

export interface Hooks {
  /** Tags of a function by its ARN; null where there is none. @throws what Lambda answers otherwise */
  tags(arn: string): Promise<Readonly<Record<string, string>> | null>;
}

export function openHooks(client: LambdaClient = lambdaClient()): Hooks {
  return {
    async tags(arn) {
      try {
        const { Tags = {} } = await client.send(new ListTagsCommand({ Resource: arn }));
        return Tags;
      } catch (error) {
        if (hasCode(error, 'ResourceNotFoundException')) return null;
        throw error;
      }
    },
  };
}
