/**
 * Reads a weekday out of a form field: mon, tue, wed, thu, fri, sat or sun, in any case, white space around it allowed. The
 * result says which one, in lower case, or that the field is not valid.
 *
 * @param {string} field
 */
export function readDay(field) {
  <<<COMPLETE HERE>>>
}
