/** The account's default event bus. */
import { type EventBridgeClient, PutEventsCommand } from '@aws-sdk/client-eventbridge';
import { eventBridgeClient } from './clients/eventbridge.ts';

export interface Events {
  /** Puts one event; told at least once to whoever listens. @throws when the bus refused it */
  put(source: string, detailType: string, detail: unknown): Promise<void>;
}

export function openEvents(client: EventBridgeClient = eventBridgeClient()): Events {
  return {
    async put(source, detailType, detail) {
      const answer = await client.send(
        new PutEventsCommand({
          Entries: [{ Source: source, DetailType: detailType, Detail: JSON.stringify(detail) }],
        }),
      );
      // PutEvents succeeds as a call even where it refuses the entry.
      const refused = answer.Entries?.find((entry) => entry.ErrorCode !== undefined);
      if (refused !== undefined) throw new Error(`EventBridge refused the event: ${refused.ErrorMessage}`);
    },
  };
}
