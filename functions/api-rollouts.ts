/** Rollouts asked for, orders given to them, and vetoes of images. */
import { type Alarms, openAlarms } from '../src/aws/alarms.ts';
import { type Copies, openCopies } from '../src/aws/copy-object.ts';
import { type Executions, openExecutions } from '../src/aws/executions.ts';
import { type Groups, openGroups } from '../src/aws/groups.ts';
import { type Hooks, openHooks } from '../src/aws/hooks.ts';
import { type LoadBalancer, openLoadBalancer } from '../src/aws/load-balancer.ts';
import { type Objects, openObjects } from '../src/aws/objects.ts';
import { openQuotas, type Quotas } from '../src/aws/quotas.ts';
import { openTable, type Table } from '../src/aws/table.ts';
import type { BodyOf, OrderOperation, ParamsOf, RolloutAnswer } from '../src/contracts/api.ts';
import { parseRolloutId } from '../src/contracts/ids.ts';
import type { Actor, ImageItem } from '../src/contracts/items.ts';
import { FlotillaError } from '../src/errors.ts';
import type { Verb } from '../src/fleet/orders.ts';
import { ask, deploy } from '../src/runtime/deploy-request.ts';
import { giveOrder } from '../src/runtime/give-order.ts';
import type { Invocation } from '../src/runtime/handler.ts';
import { type ApiAnswer, apiFunction, type Route, route } from '../src/runtime/http.ts';
import { identityOf, unvetoImage, vetoImage } from '../src/runtime/veto.ts';

interface Deps {
  readonly table: Table;
  readonly executions: Executions;
  readonly objects: Objects;
  readonly copies: Copies;
  // A plan looks at what the rollout would look at.
  readonly balancer: LoadBalancer;
  readonly groups: Groups;
  readonly alarms: Alarms;
  readonly quotas: Quotas;
  readonly hooks: Hooks;
}

function answered(body: RolloutAnswer): ApiAnswer {
  const begun = body.outcome === 'started' || body.outcome === 'queued' || body.outcome === 'building';
  return {
    status: begun ? 202 : 200,
    body,
    ...(begun && body.address !== undefined ? { location: body.address } : {}),
  };
}

/** Orders differ in nothing but their verb. */
function orderRoute(name: OrderOperation, verb: Verb): Route<Deps> {
  return route(
    name,
    async (
      {
        params,
        body,
        actor,
      }: { params: ParamsOf<OrderOperation>; body: BodyOf<OrderOperation>; actor: Actor },
      { table, executions }: Deps,
      { clock }: Invocation,
    ) => {
      const { id } = params;
      const parsed = parseRolloutId(id);
      if (parsed === undefined)
        throw new FlotillaError('RolloutNotFound', `There is no rollout ${id}.`, { id });
      const given = {
        fleet: parsed.fleet,
        rollout: parsed.number,
        verb,
        by: actor,
        ...(body.reason === undefined ? {} : { reason: body.reason }),
      };
      const { message } = await giveOrder(given, { table, executions, clock });
      const address = `/rollouts/${id}`;
      return { status: 202, body: { rollout: id, address, message }, location: address };
    },
  );
}

/** Says what became of a veto, or of taking one back. */
function vetoAnswer({ outcome, image }: { readonly outcome: string; readonly image: ImageItem }): ApiAnswer {
  const { identity, imageId, state } = image;
  const name = imageId ?? identity;
  const message =
    outcome === 'unchanged'
      ? `${name} was ${state === 'vetoed' ? 'vetoed already' : 'not vetoed'}.`
      : outcome === 'vetoed'
        ? `${name} is vetoed: nothing deploys it. What runs of it runs on.`
        : `${name} may be deployed again.`;
  return { status: 200, body: { identity, ...(imageId === undefined ? {} : { imageId }), state, message } };
}

export const routes: readonly Route<Deps>[] = [
  route('vetoImage', async ({ params, body, actor }, { table }: Deps, { clock }) => {
    const identity = await identityOf(table, params.id);
    const veto = { identity, reason: body.reason, by: actor };
    return vetoAnswer(await vetoImage(table, veto, clock.now().toISOString()));
  }),
  route('unvetoImage', async ({ params, body, actor }, { table }: Deps, { clock }) => {
    const identity = await identityOf(table, params.id);
    const wish = { identity, reason: body.reason, by: actor };
    return vetoAnswer(await unvetoImage(table, wish, clock.now().toISOString()));
  }),
  route('requestRollout', async ({ params, body, actor }, deps: Deps, invocation) =>
    answered(await deploy({ ...body, fleet: params.fleet, by: actor }, deps, invocation)),
  ),
  route('rollBack', async ({ params, body, actor }, deps: Deps, invocation) =>
    answered(
      await ask(
        { fleet: params.fleet, target: { kind: 'rollback' }, by: actor, force: false, plan: body.plan },
        deps,
        invocation,
      ),
    ),
  ),
  orderRoute('abortRollout', 'abort'),
  orderRoute('approveRollout', 'approve'),
  orderRoute('rejectRollout', 'reject'),
  orderRoute('promoteRollout', 'promote'),
  orderRoute('pauseRollout', 'pause'),
  orderRoute('resumeRollout', 'resume'),
];

export const handler = apiFunction<Deps>({
  name: 'api-rollouts',
  deps: (config) => ({
    table: openTable(config.table),
    executions: openExecutions(),
    objects: openObjects(),
    copies: openCopies(),
    balancer: openLoadBalancer(),
    groups: openGroups(),
    alarms: openAlarms(),
    quotas: openQuotas(),
    hooks: openHooks(),
  }),
  routes,
});
