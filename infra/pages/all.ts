/** The pages of docs/ that are written from the code, by their file's name. */
import { ordersPage } from './orders.ts';

export const pages: Readonly<Record<string, () => string>> = {
  'orders.md': ordersPage,
};
