import { visibleLine } from '../../core/visible-text.ts';

/**
 * A text as one line of Markdown that shows exactly it: no emphasis, links, images, HTML or entities,
 * and nothing unseen.
 */
export function escapeMarkdown(text: string): string {
  return visibleLine(text)
    .replace(/[\\`*_{}[\]()#+\-.!<>|~&$:@/]/g, (char) => (/[<>&]/.test(char) ? { '<': '&lt;', '>': '&gt;', '&': '&amp;' }[char] ?? '' : `\\${char}`));
}

/**
 * The same for a text inside of a line whose Markdown source people read, too: what means something only at the begin of a line, or
 * only beside marks that are escaped, stays as it is. Addresses get no link.
 */
export function escapeInline(text: string): string {
  return escapeMarkdown(text)
    .replace(/\\([().+\-!{}])/g, '$1')
    .replace(/\\:(?=\s|$)/g, ':');
}
