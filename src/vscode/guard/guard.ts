import * as vscode from 'vscode';
import { canonicalLanguage, isSupported } from '../../core/language.ts';
import type { Logger } from '../../core/log.ts';
import { LineIndex, type TextEdit } from '../../core/source.ts';
import { codeOnly } from '../../core/verification/code-only.ts';
import type { Apps } from '../apps.ts';
import type { Configuration } from '../common/configuration.ts';
import { Disposables } from '../common/disposables.ts';
import { displayName, ownOffsets, placeIn, readSource, refusal } from '../common/documents.ts';
import { consumed } from '../completion/ghost-text.ts';
import type { Sessions } from '../completion/session.ts';
import type { CheckQueue } from '../findings/check-queue.ts';
import type { FindingsStore } from '../findings/findings-store.ts';
import { Insertions } from './insertions.ts';

/** Text that arrives within this time of the last piece belongs to it, in milliseconds. */
const QUIET_MS = 1_000;
/** A paste provider is called this long before the text arrives at most, in milliseconds. */
const PASTE_MS = 2_000;

interface Watched {
  readonly insertions: Insertions;
  /** The document was saved meanwhile. */
  saved: boolean;
}

/**
 * Checks what came from elsewhere (`safenote.guard`): pastes, and text that another tool inserted. What it introduces
 * becomes findings. It asks no model and changes no text.
 */
export class Guard implements vscode.Disposable {
  private readonly disposables = new Disposables();
  private readonly watched = new Map<string, Watched>();
  /** Documents that SafeNote itself is changing. */
  private readonly own = new Set<string>();
  private checks = 0;
  private readonly o: { pastes: Map<string, number>; apps: Apps; configuration: Configuration; findings: FindingsStore; sessions: Sessions; queue: CheckQueue; log: Logger };

  constructor(options: Guard['o']) {
    this.o = options;
    this.disposables.add(vscode.workspace.onDidChangeTextDocument((event) => this.changed(event)));
    this.disposables.add(
      vscode.workspace.onDidSaveTextDocument((document) => {
        const watched = this.watched.get(document.uri.toString());
        if (watched) watched.saved = true;
      }),
    );
  }

  /** Runs an edit of SafeNote's own, which was checked before it was offered. */
  async unguarded<T>(document: vscode.TextDocument, edit: () => Thenable<T>): Promise<T> {
    const uri = document.uri.toString();
    this.own.add(uri);
    try {
      return await edit();
    } finally {
      this.own.delete(uri);
    }
  }

  dispose(): void {
    this.disposables.dispose();
  }

  /** Takes a change of a text. */
  changed({ document, contentChanges, reason }: vscode.TextDocumentChangeEvent): void {
    if (contentChanges.length === 0) return;
    const uri = document.uri.toString();
    const mode = this.o.configuration.settings(document.uri).guard;
    if (mode === 'off' || !vscode.workspace.isTrusted || refusal(document) || !isSupported(canonicalLanguage(document.languageId))) return;
    const seen = this.watched.get(uri);
    const pasted = Date.now() - (this.o.pastes.get(uri) ?? 0) < PASTE_MS;
    // Undo and redo bring back what was there; SafeNote's own text was checked.
    const foreign = reason === undefined && !this.own.has(uri) && !this.isGhostText(document);
    const wanted = foreign && (mode === 'all' || (mode === 'paste') === pasted);
    const changes = contentChanges.map((c) => ({ offset: c.rangeOffset, length: c.rangeLength, text: c.text }));
    if (!wanted && !seen) return;
    const insertions = seen?.insertions ?? new Insertions();
    insertions.add(changes, pasted, wanted);
    if (pasted && wanted) this.o.pastes.delete(uri);
    if (!seen && insertions.empty) return;
    this.later(document, insertions);
  }

  /** Part or all of a completion that SafeNote shows. */
  private isGhostText(document: vscode.TextDocument): boolean {
    const session = this.o.sessions.current;
    return session !== undefined && session.state !== 'gone' && session.uri === document.uri.toString() && consumed(session.before, session.ghost, document.getText()).kind !== 'other';
  }

  private later(document: vscode.TextDocument, insertions: Insertions): void {
    const uri = document.uri.toString();
    const own: Watched = { insertions, saved: this.watched.get(uri)?.saved ?? false };
    this.watched.set(uri, own);
    this.o.queue.later('Checking inserted text', uri, QUIET_MS, async (signal) => {
      try {
        // Clean without having been saved: the text came from disk, as when Git changed it. The dirty mark comes only after the change.
        const reloaded = !document.isDirty && !document.isUntitled && !own.saved && document.uri.scheme === 'file';
        if (!reloaded) await this.check(document, insertions, signal);
      } finally {
        if (this.watched.get(uri) === own) this.watched.delete(uri);
      }
    });
  }

  private async check(document: vscode.TextDocument, insertions: Insertions, signal: AbortSignal): Promise<void> {
    if (document.isClosed) return;
    const { version } = document;
    const text = document.getText();
    const pieces = insertions.worthChecking(text);
    if (pieces.length === 0) return;
    const read = readSource(document);
    const { shift, source } = read;
    // The text without the pieces, and the pieces as edits of it: what they introduce is what counts.
    let taken = 0;
    let without = source.text.slice(0, shift);
    let from = 0;
    const edits: TextEdit[] = [];
    for (const { start, end } of pieces) {
      without += source.text.slice(shift + from, shift + start);
      edits.push({ start: shift + start - taken, end: shift + start - taken, text: source.text.slice(shift + start, shift + end) });
      taken += end - start;
      from = end;
    }
    without += source.text.slice(shift + from);
    if (codeOnly(without, source.language) === codeOnly(source.text, source.language)) return;
    const { app } = await this.o.apps.for(document.uri);
    const { settled } = await app.verifier.checkEdits({ ...source, text: without }, edits, { signal, deadlineMs: 0 });
    const verdict = await settled;
    if (document.isClosed || document.version !== version) return;
    const lines = new LineIndex(source.text);
    const found = verdict.findings.flatMap((finding) => {
      const range = ownOffsets(finding, read, lines);
      return range ? [{ finding, ...range }] : [];
    });
    this.o.log.info(`Inserted text in ${displayName(document)} was checked: ${verdict.status}${verdict.reason ? ` (${verdict.reason})` : ''}, ${found.length} ${found.length === 1 ? 'finding' : 'findings'}.`);
    if (found.length > 0) this.o.findings.put(document.uri.toString(), { kind: 'guard', checkId: ++this.checks }, found, placeIn(document));
  }
}
