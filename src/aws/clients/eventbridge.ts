import { EventBridgeClient } from '@aws-sdk/client-eventbridge';
import { clientSettings } from './settings.ts';

export function eventBridgeClient(): EventBridgeClient {
  return new EventBridgeClient(clientSettings());
}
