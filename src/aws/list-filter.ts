/**
 * Which items of a list are wanted, in DynamoDB's words: the others are passed over where they lie, so that a look at
 * many fleets of which none has work is an empty answer.
 * https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Query.FilterExpression.html
 */
import type { QueryCommandInput } from '@aws-sdk/lib-dynamodb';

/** Times are ISO 8601 in UTC with milliseconds, as in the items, which sort as text. */
export type ListFilter =
  /** Listed at this place or after it: the others are not even read. */
  | { readonly kind: 'from-place'; readonly listSk: string }
  | { readonly kind: 'updated-since'; readonly since: string }
  /** Fleets with a lease, a queue, a pin or a warm release. */
  | { readonly kind: 'with-work' };

type Narrowed = Pick<
  QueryCommandInput,
  'KeyConditionExpression' | 'FilterExpression' | 'ExpressionAttributeNames' | 'ExpressionAttributeValues'
>;

/** What of a query finds the wanted items of a list. */
export function listQuery(listPk: string, filter?: ListFilter): Narrowed {
  const all = { KeyConditionExpression: 'listPk = :list', ExpressionAttributeValues: { ':list': listPk } };
  switch (filter?.kind) {
    case undefined:
      return all;
    case 'from-place':
      return {
        KeyConditionExpression: 'listPk = :list AND listSk >= :place',
        ExpressionAttributeValues: { ':list': listPk, ':place': filter.listSk },
      };
    case 'updated-since':
      return {
        ...all,
        FilterExpression: '#updatedAt >= :since',
        ExpressionAttributeNames: { '#updatedAt': 'updatedAt' },
        ExpressionAttributeValues: { ':list': listPk, ':since': filter.since },
      };
    case 'with-work':
      return {
        ...all,
        FilterExpression: '#lease <> :none OR #warm <> :none OR size(#queue) > :zero OR size(#pins) > :zero',
        ExpressionAttributeNames: {
          '#lease': 'lease',
          '#queue': 'queue',
          '#pins': 'pins',
          '#warm': 'warm',
        },
        ExpressionAttributeValues: {
          ':list': listPk,
          ':none': null,
          ':zero': 0,
        },
      };
  }
}
