/**
 * Merges `extra` into `target`, objects inside objects too, and returns `target`.
 *
 * @param {object} target
 * @param {object} extra
 */
export function mergeOptions(target, extra) {
  <<<COMPLETE HERE>>>
}
