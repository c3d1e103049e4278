import { log } from './log.js';

/**
 * A customer has moved: sets the new address, and says in the log whose address has changed.
 *
 * @param {{ id: number, name: string, address: string }} customer
 * @param {string} address
 */
export function moveTo(customer, address) {
  <<<COMPLETE HERE>>>
}
