import { Store } from './store.js';

/**
 * The sum of all open invoices of a customer, in cents.
 *
 * @param {Store} store
 * @param {string} customer
 */
export function openTotal(store, customer) {
  <<<COMPLETE HERE>>>
}
