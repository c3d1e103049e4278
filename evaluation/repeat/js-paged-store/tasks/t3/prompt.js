import { Store } from './store.js';

/**
 * All shipments as CSV: a header line `id,weight`, then one line each.
 *
 * @param {Store} store
 */
export function shipmentsCsv(store) {
  <<<COMPLETE HERE>>>
}
