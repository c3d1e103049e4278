import { log } from './log.js';

/**
 * Pays money back: adds it to the customer's balance and returns the new balance. Says in the log who got how much.
 *
 * @param {{ id: number, name: string, email: string, cents: number }} customer
 * @param {number} cents
 */
export function refund(customer, cents) {
  <<<COMPLETE HERE>>>
}
