/**
 * Reads the quantity out of a form field: a whole number from 1 to 999, white space around it allowed. The result says
 * what was read, or that the field is not valid.
 *
 * @param {string} field
 */
export function readQuantity(field) {
  <<<COMPLETE HERE>>>
}
