/** PUT and DELETE of a fleet: its fixed parts in AWS, and its item. */
import { type FixedParts, openFixedParts } from '../src/aws/fixed-parts.ts';
import { type Groups, openGroups } from '../src/aws/groups.ts';
import { type LoadBalancer, openLoadBalancer } from '../src/aws/load-balancer.ts';
import { type Network, openNetwork } from '../src/aws/network.ts';
import { openTable, type Table } from '../src/aws/table.ts';
import { changeEnvironment } from '../src/runtime/change-environment.ts';
import { type EnsuredFleet, ensureFleet } from '../src/runtime/ensure-fleet.ts';
import { apiFunction, type Route, route } from '../src/runtime/http.ts';
import { fleetViewOf } from '../src/runtime/read-fleet.ts';
import { removeFleet } from '../src/runtime/remove-fleet.ts';

interface Deps {
  readonly table: Table;
  readonly parts: FixedParts;
  readonly network: Network;
  readonly groups: Groups;
  readonly balancer: LoadBalancer;
}

const said = { created: 'made', changed: 'changed', unchanged: 'as it was' } as const;

async function appliedBody(fleet: string, { outcome, made, item }: EnsuredFleet, { table }: Deps) {
  const message = `Fleet ${fleet} is ${said[outcome]}.`;
  return { outcome, message, made, fleet: await fleetViewOf(table, item) };
}

export const routes: readonly Route<Deps>[] = [
  route('applyFleet', async ({ params, body, actor }, deps: Deps, invocation) => {
    const { fleet } = params;
    const ensured = await ensureFleet({ fleet, spec: body, by: actor }, deps, invocation);
    return {
      status: ensured.outcome === 'created' ? 201 : 200,
      body: await appliedBody(fleet, ensured, deps),
      location: `/fleets/${fleet}`,
    };
  }),
  route('changeEnvironment', async ({ params, body, actor }, deps: Deps, invocation) => {
    const { fleet } = params;
    const changed = await changeEnvironment({ fleet, change: body, by: actor }, deps, invocation);
    return { status: 200, body: await appliedBody(fleet, changed, deps) };
  }),
  route('removeFleet', async ({ params, query, actor }, deps: Deps, invocation) => {
    const { fleet } = params;
    const { force, confirm } = query;
    const answer = await removeFleet({ fleet, force, confirm, by: actor }, deps, invocation);
    return { status: answer.outcome === 'removed' ? 200 : 202, body: answer };
  }),
];

export const handler = apiFunction<Deps>({
  name: 'api-fleets',
  deps: (config) => ({
    table: openTable(config.table),
    parts: openFixedParts(),
    network: openNetwork(),
    groups: openGroups(),
    balancer: openLoadBalancer(),
  }),
  routes,
});
