/*
 * Characters that a reader does not see, or that change what a reader sees: what moves a terminal's cursor, turns text
 * around, or writes words that only a model reads. In notes they are data, and are shown instead of obeyed.
 */

// eslint-disable-next-line no-control-regex
const CONTROLS = /[\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f-\u009f]/g;
/**
 * Marks that turn text around, zero-width ones, line separators that are no line ends, fillers that look like nothing, and
 * the tag characters. The joiners of emoji and of some scripts (U+200C, U+200D) and variation selectors stay: words need them.
 */
const UNSEEN = /[\u00ad\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180e\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\u3164\ufeff\uffa0\ufff0-\ufffb]|[\u{1bca0}-\u{1bca3}\u{1d173}-\u{1d17a}\u{e0000}-\u{e0fff}]/gu;

/** The text with every such character written as its number, `⟨U+202E⟩`; line feeds and tabs stay. */
export function visibleText(text: string): string {
  return visibleMarks(text.replace(/\r\n?/g, '\n')).replace(CONTROLS, number);
}

/** The same without the control characters, which code may hold: for what is fenced or quoted anyway. */
export function visibleMarks(text: string): string {
  return text.replace(UNSEEN, number);
}

/** One line of it, for lists and labels. */
export function visibleLine(text: string): string {
  return visibleText(text.replace(/\s+/g, ' ').trim());
}

function number(char: string): string {
  return `⟨U+${(char.codePointAt(0) ?? 0).toString(16).toUpperCase().padStart(4, '0')}⟩`;
}
