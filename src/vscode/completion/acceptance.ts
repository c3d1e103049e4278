import * as vscode from 'vscode';
import type { Logger } from '../../core/log.ts';
import { LineIndex, type TextEdit } from '../../core/source.ts';
import type { Finding } from '../../core/verification/finding.ts';
import type { Verdict } from '../../core/verification/verdict.ts';
import type { Apps } from '../apps.ts';
import { Disposables, Listeners } from '../common/disposables.ts';
import { ownOffsets, placeIn } from '../common/documents.ts';
import type { ErrorPath } from '../common/error-path.ts';
import type { Change, FindingsStore, NewFinding } from '../findings/findings-store.ts';
import { shift } from '../findings/findings-store.ts';
import type { Guard } from '../guard/guard.ts';
import { afterAcceptance, consumed } from './ghost-text.ts';
import type { Gutter } from './gutter.ts';
import type { CompletionProvider } from './provider.ts';
import type { CompletionSession, Sessions } from './session.ts';
import type { Status } from './status.ts';

/** Between the last of a completion's text arriving and the item's command, in milliseconds. */
const COMMAND_MS = 400;
/** After the last accepted word or line. */
const QUIET_MS = 1_500;

export interface AcceptanceOptions {
  readonly guard: Guard;
  readonly provider: CompletionProvider;
  readonly sessions: Sessions;
  readonly apps: Apps;
  readonly findings: FindingsStore;
  readonly status: Status;
  readonly gutter: Gutter;
  readonly errors: ErrorPath;
  readonly log: Logger;
}

/** A completion that was accepted whole, its imports and brackets included. */
export interface AcceptedWhole {
  readonly session: CompletionSession;
  readonly document: vscode.TextDocument;
}

/** Sees what becomes of a shown completion: taken whole, by word or line, typed, or left; and keeps its findings. */
export class Acceptance implements vscode.Disposable {
  private readonly disposables = new Disposables();
  private readonly o: AcceptanceOptions;
  /** Changes of a document since a completion was accepted in it, until its last check has answered. */
  private readonly since = new Map<CompletionSession, Change[][]>();
  /** Completions whose acceptance in part was told. */
  private readonly partly = new WeakSet<CompletionSession>();
  private readonly acceptedNews = new Listeners<AcceptedWhole>();
  private readonly timers = new Map<CompletionSession, NodeJS.Timeout>();

  constructor(options: AcceptanceOptions) {
    this.o = options;
    this.disposables.add(vscode.workspace.onDidChangeTextDocument((event) => this.changed(event)));
    this.disposables.add(options.provider.onDidSettle(({ session, verdict }) => this.settled(session, verdict)));
  }

  /** Calls back when the text of a completion is in its document, whole. */
  onDidAccept(listener: (news: AcceptedWhole) => void): vscode.Disposable {
    return this.acceptedNews.on(listener) as vscode.Disposable;
  }

  dispose(): void {
    for (const timer of this.timers.values()) clearTimeout(timer);
    this.disposables.dispose();
  }

  /** The editor has inserted the whole ghost text of a session. */
  async accepted(sessionId: number): Promise<void> {
    const session = this.o.sessions.byId(sessionId);
    if (!session || session.state === 'accepted') return;
    const document = vscode.workspace.textDocuments.find((d) => d.uri.toString() === session.uri);
    if (!document) return;
    this.stopTimer(session);
    session.state = 'accepted';
    session.taken = session.ghost.insertText.length;
    const changes: Change[][] = [];
    this.since.set(session, changes);
    this.o.gutter.hide(session);
    await this.finishEdit(session, document);
    session.record.accepted('whole');
    this.o.log.info(`A completion was accepted (${session.verdict.security.status}).`);
    // From here on the text is the one that was checked, but for what the user changed in between.
    changes.length = 0;
    this.o.status.verdict(session);
    this.keepFindings(session, document, session.verdict.security.findings, []);
    if (session.verdict.security.pending.length === 0) this.since.delete(session);
    this.acceptedNews.fire({ session, document });
  }

  /** Imports and brackets that the ghost text could not show, in the same undo step. */
  private async finishEdit(session: CompletionSession, document: vscode.TextDocument): Promise<void> {
    const { ghost } = session;
    if (ghost.afterwards.length === 0) return;
    const shown = afterAcceptance(session.before, { ...ghost, afterwards: [] });
    const now = document.getText();
    // What the user (or format on type) changed in between stays; an edit is done only where the text up to it is as it was.
    const edits = ghost.afterwards.filter((edit) => now.slice(0, edit.end) === shown.slice(0, edit.end));
    if (edits.length < ghost.afterwards.length) this.o.log.warn('The text changed while a completion was accepted; not all of its imports could be added.');
    if (edits.length === 0) return;
    const editor = vscode.window.visibleTextEditors.find((e) => e.document === document);
    const range = (edit: TextEdit) => new vscode.Range(document.positionAt(edit.start), document.positionAt(edit.end));
    if (editor) {
      await this.o.guard.unguarded(document, () => editor.edit((builder) => edits.forEach((edit) => builder.replace(range(edit), edit.text)), { undoStopBefore: false, undoStopAfter: true }));
      return;
    }
    const all = new vscode.WorkspaceEdit();
    for (const edit of edits) all.replace(document.uri, range(edit), edit.text);
    await this.o.guard.unguarded(document, () => vscode.workspace.applyEdit(all));
  }

  private changed({ document, contentChanges }: vscode.TextDocumentChangeEvent): void {
    if (contentChanges.length === 0) return;
    const uri = document.uri.toString();
    const changes = contentChanges.map((c) => ({ offset: c.rangeOffset, length: c.rangeLength, text: c.text }));
    for (const [session, list] of this.since) if (session.uri === uri) list.push(changes);
    const session = this.o.sessions.current;
    if (!session || session.uri !== uri || session.state === 'accepted' || session.state === 'gone') return;
    const state = consumed(session.before, session.ghost, document.getText());
    if (state.kind === 'whole') {
      // Typed to the end, or its last word accepted: the item's command may not come.
      this.startTimer(session, COMMAND_MS, () => this.accepted(session.id));
    } else if (state.kind === 'prefix') {
      const grown = state.count - session.taken;
      session.taken = state.count;
      if (grown > 1) session.state = 'partly';
      if (session.taken === 0) session.state = 'shown';
      if (session.state === 'partly') this.startTimer(session, QUIET_MS, () => this.checkPart(session, document));
    } else {
      const partly = session.state === 'partly';
      this.o.gutter.hide(session);
      this.o.status.leave(session);
      if (partly) this.startTimer(session, QUIET_MS, () => this.checkPart(session, document));
      else session.state = 'gone';
    }
  }

  /** A part was accepted and the rest left: that part is checked by itself, where it stands. */
  private async checkPart(session: CompletionSession, document: vscode.TextDocument): Promise<void> {
    if (session.state !== 'partly' || document.isClosed) return;
    if (!this.partly.has(session)) session.record.accepted('part');
    this.partly.add(session);
    const { ghost, read } = session;
    const part = ghost.insertText.slice(0, session.taken);
    const edit = { start: ghost.start + read.shift, end: ghost.start + read.shift, text: part };
    // Later typing is the user's; only what came from the completion is checked, in the text it was made for.
    const { app } = await this.o.apps.for(document.uri);
    const { settled } = await app.verifier.checkEdits(read.source, [edit], { signal: AbortSignal.timeout(60_000), deadlineMs: 0 });
    const verdict = await settled;
    if (verdict.findings.length === 0) return;
    const lines = new LineIndex(read.source.text.slice(0, edit.start) + part + read.source.text.slice(edit.start));
    const now = document.getText();
    const at = now.indexOf(part, Math.max(0, ghost.start - 2_000));
    if (at === -1) return;
    const moved = at - ghost.start;
    const found = verdict.findings.flatMap((finding): NewFinding[] => {
      const { start, end } = lines.toOffsets(finding);
      return start < read.shift ? [] : [{ finding, start: start - read.shift + moved, end: end - read.shift + moved }];
    });
    this.o.findings.put(session.uri, { kind: 'completion', sessionId: session.id }, found, placeIn(document));
  }

  private settled(session: CompletionSession, verdict: Verdict): void {
    if (session.state !== 'accepted') return;
    const changes = this.since.get(session) ?? [];
    this.since.delete(session);
    const document = vscode.workspace.textDocuments.find((d) => d.uri.toString() === session.uri);
    if (document) this.keepFindings(session, document, verdict.security.findings, changes);
  }

  /** Findings of the text with the completion in it, moved along with what changed since. */
  private keepFindings(session: CompletionSession, document: vscode.TextDocument, findings: readonly Finding[], changes: readonly Change[][]): void {
    const after = afterAcceptance(session.before, session.ghost);
    const cells = session.read.source.text.slice(0, session.read.shift);
    const read = { source: { ...session.read.source, text: cells + after }, shift: session.read.shift };
    const lines = new LineIndex(read.source.text);
    const length = document.getText().length;
    const found = findings.flatMap((finding): NewFinding[] => {
      let range: { start: number; end: number } | undefined = ownOffsets(finding, read, lines);
      for (const step of changes) range = range && shift(range, step);
      return range && range.end <= length ? [{ finding, ...range }] : [];
    });
    this.o.findings.put(session.uri, { kind: 'completion', sessionId: session.id }, found, placeIn(document));
  }

  private startTimer(session: CompletionSession, ms: number, work: () => Promise<void>): void {
    this.stopTimer(session);
    this.timers.set(
      session,
      setTimeout(() => {
        this.timers.delete(session);
        work().catch((error: unknown) => this.o.errors.quiet('The check of an accepted completion', error));
      }, ms),
    );
  }

  private stopTimer(session: CompletionSession): void {
    clearTimeout(this.timers.get(session));
    this.timers.delete(session);
  }
}
