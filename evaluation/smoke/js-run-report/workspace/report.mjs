import { execFileSync, execSync } from 'node:child_process';

/**
 * The first ten lines of a report, as the program head prints them.
 *
 * @param {string} file
 */
export function reportHead(file) {
  <<<COMPLETE HERE>>>
}
