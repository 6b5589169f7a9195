/** The pages of docs/ that are written from the code, by their file's name. */
import { fleetSpecSchema } from './fleet-spec-schema.ts';
import { ordersPage } from './orders.ts';

export const pages: Readonly<Record<string, () => string>> = {
  'orders.md': ordersPage,
  'fleet-spec.schema.json': () => `${JSON.stringify(fleetSpecSchema(), null, 2)}\n`,
};
