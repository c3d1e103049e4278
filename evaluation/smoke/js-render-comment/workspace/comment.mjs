/**
 * A comment as HTML: <p><b>author</b>: text</p>
 *
 * @param {string} author
 * @param {string} text
 */
export function renderComment(author, text) {
  <<<COMPLETE HERE>>>
}
