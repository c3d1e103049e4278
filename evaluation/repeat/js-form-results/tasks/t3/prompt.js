/**
 * Reads a voucher code out of a form field: three letters, a dash, four digits, white space around it allowed. The result has
 * the code in upper case, or says that the field is not valid.
 *
 * @param {string} field
 */
export function readCode(field) {
  <<<COMPLETE HERE>>>
}
