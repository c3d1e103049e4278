import * as vscode from 'vscode';
import { framesOf } from '../../core/verification/frames.ts';
import { cutFailure } from '../../core/verification/test-failure.ts';
import type { TestCase } from '../../core/verification/test-runner.ts';
import type { FunctionVerdict } from '../../core/verification/verdict.ts';
import { Disposables } from '../common/disposables.ts';
import type { CompletionSession } from '../completion/session.ts';
import { shift } from '../findings/findings-store.ts';

/** An accepted completion, followed through the edits of its document. */
interface Followed {
  readonly session: CompletionSession;
  readonly document: vscode.TextDocument;
  start: number;
  end: number;
  verdict?: FunctionVerdict;
}

const MAX_FOLLOWED = 50;
/** Lines of a failure that a diagnostic shows; the test results have all of it. */
const MAX_LINES = 8;

/** A failing test as a diagnostic on the code that was accepted. */
export class TestDiagnostic extends vscode.Diagnostic {
  readonly sessionId: number;

  constructor(range: vscode.Range, verdict: FunctionVerdict, session: CompletionSession) {
    super(range, messageOf(verdict), vscode.DiagnosticSeverity.Error);
    this.sessionId = session.id;
    this.source = 'SafeNote (tests)';
    this.code = verdict.runner ?? 'tests';
    this.relatedInformation = (verdict.failures ?? []).slice(0, 5).flatMap((test) => {
      const at = placeOf(test);
      return at ? [new vscode.DiagnosticRelatedInformation(at, test.name)] : [];
    });
  }
}

/**
 * Which accepted completions fail tests: diagnostics on their code, moved along with edits, until a later run says otherwise.
 */
export class TestFailures implements vscode.Disposable {
  private readonly disposables = new Disposables();
  private readonly collection = this.disposables.add(vscode.languages.createDiagnosticCollection('safenote-tests'));
  private readonly followed = new Map<number, Followed>();

  constructor() {
    this.disposables.add(vscode.workspace.onDidChangeTextDocument((event) => this.changed(event)));
    this.disposables.add(vscode.workspace.onDidDeleteFiles(({ files }) => files.forEach((file) => this.forget((f) => `${f.session.uri}/`.startsWith(`${file.toString()}/`)))));
  }

  dispose(): void {
    this.disposables.dispose();
  }

  /** From now on the place of a completion is known, whatever is typed around it. */
  follow(session: CompletionSession, document: vscode.TextDocument): void {
    const text = document.getText();
    const { insertText, start } = session.ghost;
    const at = nearest(text, insertText, start);
    if (at === undefined) return;
    // A completion that went into the place of another takes its failures away.
    this.forget((f) => f.document === document && f.start < at + insertText.length && f.end > at);
    this.followed.set(session.id, { session, document, start: at, end: at + insertText.length });
    for (const [id, old] of this.followed) {
      if (this.followed.size <= MAX_FOLLOWED) break;
      if (!old.verdict) this.followed.delete(id);
    }
  }

  /** Shows what the tests say of a completion: a failure becomes a diagnostic, anything else takes it away. */
  put(session: CompletionSession, verdict: FunctionVerdict): void {
    const known = this.followed.get(session.id);
    if (!known) return;
    if (verdict.status === 'fail') known.verdict = verdict;
    // A run that could not be made says nothing new.
    else if (verdict.status === 'pass') delete known.verdict;
    this.show(known.document.uri);
  }

  /** Completions of a document that fail tests. */
  failing(document: vscode.TextDocument): readonly { readonly session: CompletionSession; readonly verdict: FunctionVerdict }[] {
    return [...this.followed.values()].flatMap((f) => (f.document === document && f.verdict ? [{ session: f.session, verdict: f.verdict }] : []));
  }

  private forget(which: (followed: Followed) => boolean): void {
    for (const [id, f] of this.followed) {
      if (!which(f)) continue;
      this.followed.delete(id);
      if (f.verdict) this.show(f.document.uri);
    }
  }

  private changed({ document, contentChanges }: vscode.TextDocumentChangeEvent): void {
    if (contentChanges.length === 0) return;
    const changes = contentChanges.map((c) => ({ offset: c.rangeOffset, length: c.rangeLength, text: c.text }));
    let any = false;
    for (const [id, f] of this.followed) {
      if (f.document !== document) continue;
      const moved = shift(f, changes);
      any ||= f.verdict !== undefined;
      if (moved) Object.assign(f, moved);
      else this.followed.delete(id);
    }
    if (any) this.show(document.uri);
  }

  private show(uri: vscode.Uri): void {
    const own = [...this.followed.values()].filter((f) => f.verdict && f.document.uri.toString() === uri.toString());
    this.collection.set(uri, own.map((f) => new TestDiagnostic(rangeOf(f), f.verdict as FunctionVerdict, f.session)));
  }
}

/** The line of the completion that the traceback passed through, else its first. */
function rangeOf({ document, start, end, verdict }: Followed): vscode.Range {
  const [from, to] = [document.positionAt(start), document.positionAt(end)];
  const passed = (verdict?.failures ?? []).flatMap(framesOf).find(({ file, line }) => document.uri.fsPath.endsWith(file) && line - 1 >= from.line && line - 1 <= to.line);
  let at = passed ? passed.line - 1 : from.line;
  while (at < to.line && document.lineAt(at).isEmptyOrWhitespace) at++;
  const line = document.lineAt(Math.min(at, document.lineCount - 1));
  return new vscode.Range(line.lineNumber, line.firstNonWhitespaceCharacterIndex, line.lineNumber, line.range.end.character);
}

function messageOf({ failures = [], reason }: FunctionVerdict): string {
  const [first] = failures;
  if (!first) return `From an accepted completion. A test fails: ${reason ?? ''}`;
  const root = vscode.workspace.workspaceFolders?.[0]?.uri.fsPath ?? '';
  const lines = cutFailure(first, root).split('\n');
  const shown = lines.length > MAX_LINES ? [...lines.slice(0, 1), '…', ...lines.slice(-(MAX_LINES - 2))] : lines;
  return `From an accepted completion. ${shown.join('\n')}${failures.length > 1 ? `\nAnd ${failures.length - 1} more of the workspace's tests.` : ''}`;
}

/** Where a test stands, as far as its report says. */
export function placeOf(test: TestCase): vscode.Location | undefined {
  if (!test.file) return undefined;
  const line = framesOf(test).find(({ file }) => test.file === file || test.file?.endsWith(`/${file}`))?.line ?? 1;
  return new vscode.Location(vscode.Uri.file(test.file), new vscode.Position(Math.max(0, line - 1), 0));
}

/** Where `part` occurs in `text`, nearest to an offset. */
function nearest(text: string, part: string, offset: number): number | undefined {
  let best: number | undefined;
  for (let at = text.indexOf(part); at !== -1; at = text.indexOf(part, at + 1)) if (best === undefined || Math.abs(at - offset) < Math.abs(best - offset)) best = at;
  return best;
}
