/**
 * What the audit has the stack do, one after the other in the same region: between them the scenarios drive every
 * function into each of its branches.
 */
import { buildScenarios } from './build-scenarios.ts';
import { fleetScenarios } from './fleet-scenarios.ts';
import { rolloutScenarios } from './rollout-scenarios.ts';
import type { Scenario } from './words.ts';

export const scenarios: readonly Scenario[] = [...rolloutScenarios, ...buildScenarios, ...fleetScenarios];
