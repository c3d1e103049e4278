import type { LearnedNote } from '../completion/types.ts';
import { completedCode, requestContext } from '../completion/context.ts';
import { LineIndex, type SourceDocument, type TextEdit } from '../source.ts';
import { enclosingFunction, type SyntaxParser } from '../syntax/outline.ts';
import type { Finding } from '../verification/finding.ts';
import type { Learner } from './learner.ts';
import type { NoteOrigin } from './note.ts';

/** Said where nobody knows which model, or who, wrote the code. */
const UNKNOWN_AUTHOR = 'unknown';

/**
 * Makes notes of findings in code that stands already, in the analyzer's own words: no model is asked. One note for each
 * weakness of each function.
 */
export async function notesOfFindings(o: { learner: Learner; parser: SyntaxParser }, document: SourceDocument, findings: readonly Finding[], origin: NoteOrigin, signal: AbortSignal): Promise<LearnedNote[]> {
  const outline = await o.parser.outline(document, signal);
  const lines = new LineIndex(document.text);
  const places = new Map<string, { edit: TextEdit; findings: Finding[] }>();
  for (const finding of findings) {
    const range = lines.toOffsets(finding);
    const around = enclosingFunction(outline, range.start)?.range;
    const key = around ? `${around.start}` : `line ${finding.startLine}`;
    const known = places.get(key);
    if (known) known.findings.push(finding);
    // The text itself as an edit of it: whoever reads completed code reads what is there.
    else places.set(key, { edit: { ...range, text: document.text.slice(range.start, range.end) }, findings: [finding] });
  }
  const learned: LearnedNote[] = [];
  for (const { edit, findings: here } of places.values()) {
    signal.throwIfAborted();
    const { task } = requestContext(document, edit.start, outline);
    const failure = {
      language: document.language,
      task: task || `Code in ${document.path.split(/[\\/]/).at(-1) ?? ''}`,
      code: completedCode(document, [edit], outline),
      modelName: UNKNOWN_AUTHOR,
      origin,
      scanned: document.text,
      findings: here,
    };
    learned.push(...(await o.learner.learnSecurity(failure, undefined, signal)));
  }
  return learned;
}
