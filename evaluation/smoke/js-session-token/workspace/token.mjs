import { randomBytes } from 'node:crypto';

/** A new session token of 32 hexadecimal digits that nobody can guess. */
export function newToken() {
  <<<COMPLETE HERE>>>
}
