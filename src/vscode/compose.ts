import os from 'node:os';
import path from 'node:path';
import * as vscode from 'vscode';
import type { NoteKind } from '../core/notebook/note.ts';
import { Apps, type Room } from './apps.ts';
import { type CommandHandlers, type NoteTarget, VIEW_CONTAINER } from './commands.ts';
import { Configuration } from './common/configuration.ts';
import { setContext } from './common/context-keys.ts';
import { Disposables } from './common/disposables.ts';
import { ErrorPath } from './common/error-path.ts';
import type { LazyTree } from './common/lazy-tree.ts';
import { VirtualDocuments } from './common/virtual-documents.ts';
import { Acceptance } from './completion/acceptance.ts';
import { Decisions } from './completion/decisions.ts';
import { Gutter } from './completion/gutter.ts';
import { CompletionProvider } from './completion/provider.ts';
import { Sessions } from './completion/session.ts';
import { Dashboard } from './dashboard/dashboard.ts';
import { buildNotebookCommand } from './features/build-notebook.ts';
import { CodeqlChecks } from './features/codeql.ts';
import { Doctor } from './features/doctor.ts';
import { installSemgrepCommand } from './features/install-semgrep.ts';
import { showMenu } from './features/menu.ts';
import { ShowPrompt } from './features/show-prompt.ts';
import { CheckQueue } from './findings/check-queue.ts';
import { CheckStatus } from './findings/check-status.ts';
import { Diagnostics } from './findings/diagnostics.ts';
import { FileChecks } from './findings/file-checks.ts';
import { FindingsStore } from './findings/findings-store.ts';
import { FindingsView } from './findings/findings-view.ts';
import { Fixes } from './findings/fixes.ts';
import { SarifCommands } from './findings/import-sarif.ts';
import { Marking } from './findings/marking.ts';
import { noteFindings } from './findings/note-findings.ts';
import { ApiKeys } from './models/api-keys.ts';
import { Disclosure } from './models/disclosure.ts';
import { ModelSource } from './models/model-source.ts';
import { ModelCommands } from './models/select-model.ts';
import { Guard } from './guard/guard.ts';
import { NO_FILTER } from './notebook/arrange.ts';
import { Arrangement } from './notebook/arrangement.ts';
import { NoteCommands } from './notebook/note-commands.ts';
import { EditConflicts } from './notebook/edit-conflicts.ts';
import { NoteDocuments } from './notebook/note-documents.ts';
import { NoteLanguage } from './notebook/note-language.ts';
import { NotePreview } from './notebook/note-preview.ts';
import { NoteSearch } from './notebook/note-search.ts';
import { Notebooks } from './notebook/notebooks.ts';
import { NotesView } from './notebook/notes-view.ts';
import { SharingCommands } from './notebook/sharing-commands.ts';
import { TransferCommands } from './notebook/transfer-commands.ts';
import { SeenNotes } from './notebook/seen-notes.ts';
import { WrongNote } from './notebook/wrong-note.ts';
import type { ShellParts } from './shell-parts.ts';
import { TestFailures } from './tests/failures.ts';
import { TestResults } from './tests/results.ts';
import { TestFixes } from './tests/test-fixes.ts';
import { TestRuns } from './tests/test-runs.ts';

/** Everything behind the shell. */
export interface House {
  /** Runs a command; what it throws is shown to the user. */
  run(id: string, args: readonly unknown[]): Promise<unknown>;
  readonly provider: CompletionProvider;
  /** What happened just before the house was there to see it. */
  noteSaved(document: vscode.TextDocument): void;
  noteShown(): void;
  textChanged(event: vscode.TextDocumentChangeEvent): void;
  /** Ends everything; resolves when processes and workers are gone. */
  dispose(): Promise<void>;
}

/** Builds SafeNote for a window and hands its parts to each other. Reads no file and starts nothing. */
export function compose(context: vscode.ExtensionContext, shell: ShellParts): House {
  const env = process.env;
  const assetsRoot = path.join(context.extensionPath, 'dist');
  const own = new Disposables();
  const { log } = shell;
  const errors = new ErrorPath(log);
  const configuration = own.add(new Configuration(log));
  const documents = own.add(new VirtualDocuments());

  const keys = new ApiKeys(context.secrets);
  const disclosure = new Disclosure(context.globalState);
  const models = own.add(new ModelSource({ configuration, keys, disclosure, access: context.languageModelAccessInformation, env, log }));
  const modelCommands = new ModelCommands({ configuration, keys, disclosure, models, env, trusted: () => vscode.workspace.isTrusted });

  const apps = new Apps({ assetsRoot, homeless: vscode.Uri.joinPath(context.globalStorageUri, 'no-folder'), configuration, models, env, log });

  const findings = new FindingsStore();
  own.add(new Diagnostics(findings));
  const queue = own.add(new CheckQueue({ onError: (what, error) => errors.quiet(what, error) }));
  const checkStatus = own.add(new CheckStatus({ apps, findings, queue }));
  const checks = own.add(new FileChecks({ apps, findings, queue }));

  const sessions = new Sessions();
  const decisions = new Decisions();
  const { status } = shell;
  const gutter = own.add(new Gutter(vscode.Uri.joinPath(context.extensionUri, 'media')));
  const provider = own.add(new CompletionProvider({ apps, configuration, models, status, gutter, sessions, decisions, errors, log, registration: shell.inlineProvider }));
  const guard = own.add(new Guard({ pastes: shell.pastes, apps, configuration, findings, sessions, queue, log }));
  const acceptance = own.add(new Acceptance({ guard, provider, sessions, apps, findings, status, gutter, errors, log }));
  const failures = own.add(new TestFailures());
  own.add(new TestFixes(sessions));
  const testRuns = own.add(new TestRuns({ apps, configuration, sessions, failures, results: own.add(new TestResults()), status, errors, log }));
  own.add(acceptance.onDidAccept((news) => testRuns.accepted(news)));
  const codeql = own.add(new CodeqlChecks({ apps, configuration, findings, errors }));
  own.add(acceptance.onDidAccept((news) => codeql.accepted(news)));
  const fixes = own.add(new Fixes({ tests: (document) => configuration.settings(document.uri)['tests.mode'] !== 'off', guard, apps, findings, sessions, documents }));
  own.add(fixes.onDidReplace((session) => failures.put(session, { status: 'pass' })));
  const marking = new Marking({ apps, findings, checks, choose: (target) => fixes.choose(target, 'Mark as False Positive'), errors });
  const sarif = new SarifCommands({ apps, findings, documents });
  const showPrompt = new ShowPrompt({ apps, configuration, models, sessions, documents });

  const notebooks = own.add(new Notebooks({ apps, errors }));
  own.add(new FindingsView(findings, (cwe) => notebooks.titleOf(cwe), shell.trees['safenote.findings']));
  const security = shell.trees['safenote.securityNotes'];
  const arrangement = new Arrangement(context.globalState);
  const viewOf = (kind: NoteKind, tree: LazyTree) =>
    own.add(new NotesView({ kind, notebooks, tree, arrangement, seen: new SeenNotes(context.workspaceState, kind), errors, merge: (from, into) => notes.mergeInto(from, into) }));
  const views = { security: viewOf('security', security), function: viewOf('function', shell.trees['safenote.functionNotes']) };
  own.add(new EditConflicts({ notebooks, errors }));
  const noteDocuments = own.add(new NoteDocuments({ notebooks, errors }));
  own.add(new NoteLanguage(notebooks));
  const preview = own.add(new NotePreview({ notebooks, documents, errors }));
  const reveal = async (target?: NoteTarget) => {
    await vscode.commands.executeCommand(`workbench.view.extension.${VIEW_CONTAINER}`);
    if (target && ((await views.security.reveal(target)) || (await views.function.reveal(target)))) return;
    if (!target) await vscode.commands.executeCommand('safenote.securityNotes.focus');
  };
  const notes: NoteCommands = new NoteCommands({ notebooks, documents, errors, reveal });
  const sharing = new SharingCommands({ apps, notebooks, notes, documents, errors });
  const transfer = new TransferCommands({ apps, notebooks, documents });
  const search = new NoteSearch({ notebooks, arrangement, errors, open: ({ stored }) => notes.show(stored), reveal });

  const wrongNote = new WrongNote({ notebooks, errors });
  const dashboard = own.add(new Dashboard({ apps, notebooks, extensionUri: context.extensionUri, errors }));

  own.add(findings.onDidChange(() => status.setFindings(findings.count)));
  const rooms = new Set<Room>();
  own.add(apps.onDidMake((room) => rooms.add(room)));
  status.watchSemgrep(() => [...rooms].map(({ app }) => app.semgrep.status()).find(({ state }) => state === 'missing')?.reason);
  const modelChanged = () => {
    status.setModel(models.known);
    setContext('safenote.modelMissing', models.known?.missing === true);
  };
  own.add(models.onDidChange(modelChanged));
  // Which model there is matters first when somebody looks at the sidebar; an untrusted window asks nobody.
  const look = () => vscode.workspace.isTrusted && security.view.visible && !models.known && void models.look();
  own.add(security.view.onDidChangeVisibility(look));
  own.add(vscode.workspace.onDidGrantWorkspaceTrust(look));
  look();

  const doctor = new Doctor({ apps, configuration, documents, version: String(context.extension.packageJSON.version), activationMs: shell.activationMs(), home: os.homedir() });

  const handlers: CommandHandlers = {
    'safenote.secureComplete': () => provider.secureComplete(),
    'safenote.cancel': () => provider.cancel(),
    'safenote.verifyFile': (uri) => checks.verify(uri),
    'safenote.verifyWithCodeql': (uri) => codeql.verify(uri),
    'safenote.cancelCodeql': () => codeql.cancel(),
    'safenote.runTests': () => testRuns.runNow(),
    'safenote.cancelTests': () => testRuns.cancel(),
    'safenote.fix': (target) => fixes.fix(target),
    'safenote.fixAll': (target) => fixes.fixAll(target),
    'safenote.applyFix': () => fixes.apply(),
    'safenote.discardFix': () => fixes.discard(),
    'safenote.clearFindings': () => findings.clear(),
    'safenote.importSarif': (file) => sarif.run(file),
    'safenote.noteFindings': (target) => noteFindings({ apps, findings }, target),
    'safenote.markFalsePositive': (target, given) => marking.mark(target, given),
    'safenote.reviewMarks': () => marking.review(),
    'safenote.openNotebook': () => notes.openNotebook(),
    'safenote.searchNotes': () => search.run(),
    'safenote.refreshNotes': () => Promise.resolve(notebooks.changed()),
    'safenote.openNote': (target) => notes.open(target),
    'safenote.muteNote': (target, selected) => notes.mute(target, selected),
    'safenote.unmuteNote': (target, selected) => notes.unmute(target, selected),
    'safenote.approveNote': (target, selected) => notes.approve(target, selected),
    'safenote.deleteNote': (target, selected) => notes.delete(target, selected),
    'safenote.reviewNotes': () => sharing.review(),
    'safenote.shareNotebook': () => sharing.share(),
    'safenote.stopSharing': () => sharing.stop(),
    'safenote.resolveNoteConflict': (target) => sharing.resolve(target),
    'safenote.importNotebook': (source) => transfer.import(source),
    'safenote.exportNotebook': (target) => transfer.export(target),
    'safenote.copyNoteId': (target) => notes.copyId(target),
    'safenote.pinNote': (target, selected) => notes.pin(target, selected),
    'safenote.unpinNote': (target, selected) => notes.unpin(target, selected),
    'safenote.mergeNotes': (target, selected) => notes.merge(target, selected),
    'safenote.splitNote': (target) => notes.split(target),
    'safenote.undoNoteChange': () => notes.undo(),
    'safenote.goToOrigin': (target) => notes.goToOrigin(target),
    'safenote.compareNote': (target) => notes.compare(target),
    'safenote.previewNote': (target) => preview.show(target),
    'safenote.filterNotes': () => arrangement.askFilter(notebooks),
    'safenote.clearNoteFilter': () => arrangement.setFilter(NO_FILTER),
    'safenote.arrangeNotes': () => arrangement.ask(),
    'safenote.securityNotes.byCwe': () => arrangement.group('security', 'cwe'),
    'safenote.securityNotes.byFile': () => arrangement.group('security', 'file'),
    'safenote.securityNotes.byLanguage': () => arrangement.group('security', 'language'),
    'safenote.securityNotes.byModel': () => arrangement.group('security', 'model'),
    'safenote.securityNotes.byAge': () => arrangement.group('security', 'age'),
    'safenote.functionNotes.byModule': () => arrangement.group('function', 'file'),
    'safenote.functionNotes.byLanguage': () => arrangement.group('function', 'language'),
    'safenote.functionNotes.byModel': () => arrangement.group('function', 'model'),
    'safenote.functionNotes.byAge': () => arrangement.group('function', 'age'),
    'safenote.sortNotes.byFrequency': () => arrangement.sort('frequency'),
    'safenote.sortNotes.byDate': () => arrangement.sort('updated'),
    'safenote.sortNotes.byTitle': () => arrangement.sort('title'),
    'safenote.sortNotes.byWorth': () => arrangement.sort('worth'),
    'safenote.markNoteWrong': (target) => wrongNote.run(target),
    'safenote.openDashboard': () => dashboard.open(),
    'safenote.showPrompt': () => showPrompt.run(),
    'safenote.whyNoSuggestion': async () => void (await documents.show('Why no suggestion.md', decisions.toMarkdown(configuration.settings()['completion.trigger']))),
    'safenote.selectModel': () => modelCommands.selectModel(),
    'safenote.setApiKey': () => modelCommands.setApiKey(),
    'safenote.buildNotebook': () => buildNotebookCommand({ apps, models }),
    'safenote.installSemgrep': () => installSemgrepCommand({ apps, assetsRoot, env, log }),
    'safenote.doctor': () => doctor.run(),
    'safenote.showLog': () => log.show(),
    'safenote.internal.accepted': (sessionId) => acceptance.accepted(sessionId),
    'safenote.internal.replaceCompletion': (target) => fixes.replaceCompletion(target),
    'safenote.internal.menu': () => showMenu(models, status.condition, testRuns.busy),
    'safenote.internal.moreNotes': (group) => [views.security, views.function].forEach((view) => view.more(group)),
  };
  // Tests in a real editor see what the screen shows, and drop rows as a hand does.
  const screen = (what?: string, kind: NoteKind = 'security', ...targets: NoteTarget[]) => (what === 'rows' ? views[kind].rows() : what === 'drop' ? views[kind].dragOnto(targets) : state());
  const state = () => ({
    status: { text: status.text, tooltip: status.tooltip },
    gutter: gutter.look,
    findings: findings.uris.flatMap((uri) => findings.of(uri)),
    decisions: decisions.latest,
    dashboard: dashboard.state,
    session: sessions.current && { state: sessions.current.state, text: sessions.current.ghost.insertText, verdict: sessions.current.verdict.security.status, taken: sessions.current.taken, tests: { ...sessions.current.verdict.function, cases: undefined }, testing: sessions.current.testing },
    model: models.known,
    fix: fixes.pending,
    imported: sarif.last,
    told: fixes.told,
    checks: checkStatus.look,
    queued: queue.size,
    message: errors.last,
    activationMs: shell.activationMs(),
    notes: { security: views.security.look, function: views.function.look },
  });
  const byId = { ...handlers, 'safenote.internal.test': screen } as Record<string, ((...args: unknown[]) => unknown) | undefined>;
  return {
    run: (id, args) => errors.run(titleOf(id), () => byId[id]?.(...args)),
    provider,
    noteSaved: (document) => noteDocuments.saved(document),
    noteShown: () => noteDocuments.shown(),
    textChanged: (event) => guard.changed(event),
    dispose: async () => {
      own.dispose();
      await apps.dispose();
    },
  };
}

/** `safenote.internal.replaceCompletion` → `replace completion`, for messages about errors. */
function titleOf(id: string): string {
  const words = (id.split('.').at(-1) ?? id).replace(/([a-z])([A-Z])/g, '$1 $2');
  return words.charAt(0).toUpperCase() + words.slice(1);
}
