import path from 'node:path';
import * as vscode from 'vscode';
import { ExpectedError } from '../../core/errors.ts';
import { canonicalLanguage, isSupported, languageOfPath } from '../../core/language.ts';
import { notesOfFindings } from '../../core/notebook/finding-notes.ts';
import type { NoteOrigin } from '../../core/notebook/note.ts';
import { secretFileReason } from '../../core/secret-file.ts';
import { LineIndex } from '../../core/source.ts';
import type { Finding } from '../../core/verification/finding.ts';
import type { Apps } from '../apps.ts';
import type { FindingTarget } from '../commands.ts';
import { readSource } from '../common/documents.ts';
import { withProgress } from '../common/progress.ts';
import { nameOf, sourceOf } from '../completion/verdict-text.ts';
import type { FindingsStore, Origin, TrackedFinding } from './findings-store.ts';

/** What a note of such a finding says about where it came from. A completion's findings are notes already. */
const NOTE_ORIGIN: Readonly<Record<Exclude<Origin['kind'], 'completion'>, NoteOrigin>> = { import: 'ci', guard: 'guard', file: 'user', codeql: 'user' };

interface Item extends vscode.QuickPickItem {
  readonly tracked: TrackedFinding;
  readonly origin: NoteOrigin;
}

/** *Make Notes of Findings*: notes of those that the user picks, in the analyzer's own words. Asks no model. */
export async function noteFindings(o: { apps: Apps; findings: FindingsStore }, target?: FindingTarget): Promise<void> {
  if (!vscode.workspace.isTrusted) throw new ExpectedError('untrusted', 'No notes were made: this workspace is not trusted.', 'Trust the workspace to let SafeNote read its files.');
  const all = (target ? [o.findings.byId(target.findingId)].filter((f) => f !== undefined) : o.findings.uris.flatMap((uri) => o.findings.of(uri))).flatMap(itemOf);
  if (all.length === 0) {
    throw target
      ? new ExpectedError('nothing-to-note', 'No note was made: this finding is gone, is noted already, or is in a file that SafeNote keeps no notes about.', 'Notes are kept about Python, JavaScript, TypeScript, C, C++, Go and Java.')
      : new ExpectedError('nothing-to-note', 'There is no finding to make a note of.', 'Run "SafeNote: Verify File" or "SafeNote: Import SARIF" first. What an accepted completion brought in is noted already.');
  }
  const picked = target
    ? all
    : await vscode.window.showQuickPick(all, { canPickMany: true, matchOnDetail: true, title: 'SafeNote: Make Notes of Findings', placeHolder: 'A note holds the code and these words. It is told to the model when similar code is asked for.' });
  if (!picked || picked.length === 0) return;
  const made = { created: 0, merged: 0 };
  await withProgress('SafeNote: writing notes', async (signal, report) => {
    for (const [uri, items] of Map.groupBy(picked, (item) => item.tracked.uri)) {
      report(path.basename(vscode.Uri.parse(uri, true).path));
      const document = await vscode.workspace.openTextDocument(vscode.Uri.parse(uri, true));
      const read = readSource(document);
      const lines = new LineIndex(read.source.text);
      const { app } = await o.apps.for(document.uri);
      for (const [origin, own] of Map.groupBy(items, (item) => item.origin)) {
        // Where they are in the text now; a trace or fix was made for the text then.
        const findings = own.map(({ tracked: { finding: { trace: _trace, fix: _fix, ...rest }, start, end } }): Finding => ({ ...rest, ...lines.toRange({ start: start + read.shift, end: end + read.shift }) }));
        for (const { action } of await notesOfFindings(app, read.source, findings, origin, signal)) made[action]++;
      }
    }
  });
  const said = [made.created > 0 ? `${made.created} new` : '', made.merged > 0 ? `${made.merged} counted to notes that were there` : ''].filter(Boolean).join(', ');
  const open = 'Open Notebook';
  void vscode.window.showInformationMessage(`SafeNote: notes of ${picked.length} ${picked.length === 1 ? 'finding' : 'findings'}: ${said}.`, open).then((pressed) => pressed === open && vscode.commands.executeCommand('safenote.openNotebook'));
}

function itemOf(tracked: TrackedFinding): Item[] {
  const { origin, finding } = tracked;
  const uri = vscode.Uri.parse(tracked.uri, true);
  if (origin.kind === 'completion' || secretFileReason(uri.path)) return [];
  const open = vscode.workspace.textDocuments.find((document) => document.uri.toString() === tracked.uri);
  if (!isSupported(open ? canonicalLanguage(open.languageId) : languageOfPath(uri.path))) return [];
  return [{
    label: `${nameOf(finding)}: ${path.basename(uri.path)}, line ${tracked.from.line + 1}`,
    description: sourceOf(finding),
    detail: finding.message.replace(/\s+/g, ' '),
    picked: finding.cwe.length > 0,
    tracked,
    origin: NOTE_ORIGIN[origin.kind],
  }];
}
