/** A text as one line of Markdown that shows exactly it: no emphasis, links, images, HTML or entities. */
export function escapeMarkdown(text: string): string {
  return text
    .replace(/\s+/g, ' ')
    .trim()
    .replace(/[\\`*_{}[\]()#+\-.!<>|~&$:@/]/g, (char) => (/[<>&]/.test(char) ? { '<': '&lt;', '>': '&gt;', '&': '&amp;' }[char] ?? '' : `\\${char}`));
}
