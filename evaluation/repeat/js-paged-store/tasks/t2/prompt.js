import { Store } from './store.js';

/**
 * The member with this e-mail address, or undefined. Upper and lower case are the same.
 *
 * @param {Store} store
 * @param {string} email
 */
export function memberByEmail(store, email) {
  <<<COMPLETE HERE>>>
}
