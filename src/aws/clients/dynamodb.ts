import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { DynamoDBDocumentClient } from '@aws-sdk/lib-dynamodb';
import { withCalls } from '../calls.ts';
import { clientSettings } from './settings.ts';

/** Items as plain objects; a member that is undefined is left out. */
export function documentClient(): DynamoDBDocumentClient {
  return DynamoDBDocumentClient.from(withCalls('dynamodb', new DynamoDBClient(clientSettings())), {
    marshallOptions: { removeUndefinedValues: true },
  });
}
