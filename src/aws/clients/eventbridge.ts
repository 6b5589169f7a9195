import { EventBridgeClient } from '@aws-sdk/client-eventbridge';
import { withCalls } from '../calls.ts';
import { clientSettings } from './settings.ts';

export function eventBridgeClient(): EventBridgeClient {
  return withCalls('events', new EventBridgeClient(clientSettings()));
}
