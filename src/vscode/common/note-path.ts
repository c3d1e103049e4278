import type { TextDocument } from 'vscode';

/** True for a Markdown file below a `.safenote` folder; whether it is a note, its notebook knows. */
export function looksLikeNote(document: TextDocument): boolean {
  return document.uri.scheme === 'file' && document.uri.path.endsWith('.md') && /[\\/]\.safenote[\\/]/.test(document.uri.fsPath);
}
