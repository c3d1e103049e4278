import assert from 'node:assert/strict';
import * as vscode from 'vscode';
import { accept, closeAll, configure, diagnosticsOf, emptyNotebook, openFile, screen, shown, until } from './support/editor.ts';
import { code, type ScriptedModel, startScriptedModel } from './support/scripted-model.ts';

const BAD = 'cursor = db.cursor()\ncursor.execute("SELECT * FROM users WHERE name = \'" + name + "\'")\nreturn cursor.fetchone()';
const GOOD = 'cursor = db.cursor()\ncursor.execute("SELECT * FROM users WHERE name = ?", (name,))\nreturn cursor.fetchone()';
const TASK = 'import sqlite3\n\n\ndef find_user(db: sqlite3.Connection, name: str):\n    """Find a user by name."""\n    |\n';

describe('The verdict', function () {
  this.timeout(60_000);
  let model: ScriptedModel;

  before(async () => {
    model = await startScriptedModel();
    await configure({ 'model.provider': 'openai', 'model.baseUrl': model.url, 'model.name': 'scripted' });
  });
  beforeEach(async () => {
    await closeAll();
    await emptyNotebook();
    await configure({ 'verify.retryBudgetMs': undefined, 'completion.mode': undefined });
    await vscode.commands.executeCommand('safenote.clearFindings');
    model.requests.length = 0;
  });
  after(async () => {
    await configure({ 'verify.retryBudgetMs': undefined, 'completion.mode': undefined });
    await closeAll();
    await model.close();
  });

  const warning = code('Never build SQL from text: pass values as parameters of `execute`.', 'text');
  /** Bad at first, good (or bad again) when asked once more. */
  const script = (retry: string) => (model.script = (kind) => (kind === 'completion' ? code(BAD) : kind === 'retry' ? code(retry) : kind === 'security-warning' ? warning : code('')));

  /** Accepts a completion that failed its check and its retry. */
  async function acceptFailing(): Promise<vscode.TextEditor> {
    script(BAD);
    const editor = await openFile(TASK);
    const now = await shown();
    assert.equal(now.session?.verdict, 'fail');
    await accept(editor);
    await until('the finding is a diagnostic', () => diagnosticsOf(editor.document.uri).length > 0);
    return editor;
  }

  it('is better after one retry: what failed before it was shown is never shown', async () => {
    script(GOOD);
    const editor = await openFile(TASK);
    const now = await shown();
    assert.deepEqual(model.requests.filter((r) => r.kind === 'completion' || r.kind === 'retry').map((r) => r.kind), ['completion', 'retry']);
    assert.notEqual(now.session?.verdict, 'fail');
    await accept(editor);
    assert.match(editor.document.getText(), /name = \?/);
    assert.equal(diagnosticsOf(editor.document.uri).length, 0);
  });

  it('is marked in status bar and gutter when the retry fails too', async () => {
    script(BAD);
    await openFile(TASK);
    const now = await shown();
    assert.match(now.status.text, /fails CWE-89/);
    assert.equal(now.gutter, 'fail');
    assert.match(now.status.tooltip, /CWE/);
  });

  it('of an accepted completion that fails is a diagnostic on the line, and a finding', async () => {
    const editor = await acceptFailing();
    const [diagnostic] = diagnosticsOf(editor.document.uri);
    assert.ok(diagnostic);
    assert.match(editor.document.lineAt(diagnostic.range.start.line).text, /cursor\.execute/);
    assert.match(diagnostic.message, /accepted completion/i);
    const { findings } = await screen();
    assert.equal(findings.length, diagnosticsOf(editor.document.uri).length, 'the view shows what the Problems panel shows');
  });

  it('goes away when the user repairs the code', async () => {
    const editor = await acceptFailing();
    const at = editor.document.getText().indexOf('"SELECT');
    const end = editor.document.lineAt(editor.document.positionAt(at).line).range.end;
    await editor.edit((edit) => edit.replace(new vscode.Range(editor.document.positionAt(at), end), '"SELECT * FROM users WHERE name = ?", (name,))'));
    await until('the diagnostic is gone', () => diagnosticsOf(editor.document.uri).length === 0);
    assert.equal((await screen()).findings.length, 0);
  });

  it('moves with the text above it', async () => {
    const editor = await acceptFailing();
    const before = diagnosticsOf(editor.document.uri)[0]?.range.start.line ?? 0;
    await editor.edit((edit) => edit.insert(new vscode.Position(0, 0), '# one\n# two\n'));
    await until('the diagnostic has moved', () => diagnosticsOf(editor.document.uri)[0]?.range.start.line === before + 2);
  });

  it('offers quick fixes that are not preferred and ask no model before one is chosen', async () => {
    const editor = await acceptFailing();
    const asked = model.requests.length;
    const [diagnostic] = diagnosticsOf(editor.document.uri);
    const actions = await vscode.commands.executeCommand<vscode.CodeAction[]>('vscode.executeCodeActionProvider', editor.document.uri, diagnostic?.range, vscode.CodeActionKind.QuickFix.value);
    const own = actions.filter((a) => a.title.startsWith('SafeNote:'));
    assert.deepEqual(own.map((a) => a.title.replace(/ for CWE.*/, '')), ['SafeNote: replace with a checked completion…', 'SafeNote: find a proved fix', 'SafeNote: mark as false positive…']);
    assert.ok(own.every((a) => !a.isPreferred));
    assert.equal(model.requests.length, asked);
  });

  async function choose(editor: vscode.TextEditor, title: RegExp): Promise<void> {
    const [diagnostic] = diagnosticsOf(editor.document.uri);
    const actions = await vscode.commands.executeCommand<vscode.CodeAction[]>('vscode.executeCodeActionProvider', editor.document.uri, diagnostic?.range, vscode.CodeActionKind.QuickFix.value);
    const { command } = actions.find((a) => title.test(a.title)) ?? {};
    assert.ok(command);
    await vscode.commands.executeCommand(command.command, ...((command.arguments as unknown[]) ?? []));
  }

  it('is repaired by a checked completion: seen as a diff, applied as one undo step', async () => {
    const editor = await acceptFailing();
    const failing = editor.document.getText();
    script(GOOD);
    await choose(editor, /replace with a checked/);
    const { fix, message } = await screen();
    assert.ok(fix, message);
    assert.equal(editor.document.getText(), failing, 'nothing is changed before the decision');
    assert.ok(vscode.window.tabGroups.activeTabGroup.activeTab?.input instanceof vscode.TabInputTextDiff);
    await vscode.commands.executeCommand('safenote.applyFix');
    assert.match(editor.document.getText(), /name = \?/);
    await until('the diagnostic is gone', () => diagnosticsOf(editor.document.uri).length === 0);
    await vscode.window.showTextDocument(editor.document);
    await vscode.commands.executeCommand('undo');
    assert.equal(editor.document.getText(), failing);
  });

  it('is not repaired by an answer that fails too', async () => {
    const editor = await acceptFailing();
    await choose(editor, /replace with a checked/);
    const { fix, message } = await screen();
    assert.equal(fix, undefined);
    assert.match(message, /does not pass the check either/);
  });

  it('is repaired by a proved fix of the model', async () => {
    const editor = await acceptFailing();
    model.script = (kind) => (kind === 'verified-fix' ? code(`def find_user(db: sqlite3.Connection, name: str):\n    """Find a user by name."""\n    ${GOOD.replaceAll('\n', '\n    ')}`) : { status: 500, message: 'not asked for' });
    await choose(editor, /find a proved fix/);
    const { fix, message } = await screen();
    assert.ok(fix, message);
    await vscode.commands.executeCommand('safenote.applyFix');
    assert.match(editor.document.getText(), /name = \?/);
    await until('the diagnostic is gone', () => diagnosticsOf(editor.document.uri).length === 0);
  });

  it('keeps every byte when a fix is discarded', async () => {
    const editor = await acceptFailing();
    const before = editor.document.getText();
    script(GOOD);
    await choose(editor, /replace with a checked/);
    await vscode.commands.executeCommand('safenote.discardFix');
    assert.equal(editor.document.getText(), before);
    assert.equal((await screen()).fix, undefined);
    assert.ok(!(vscode.window.tabGroups.activeTabGroup.activeTab?.input instanceof vscode.TabInputTextDiff));
  });

  it('refuses a fix when the text has changed since', async () => {
    const editor = await acceptFailing();
    script(GOOD);
    await choose(editor, /replace with a checked/);
    await editor.document.save();
    const edit = new vscode.WorkspaceEdit();
    edit.insert(editor.document.uri, new vscode.Position(0, 0), '# changed\n');
    await vscode.workspace.applyEdit(edit);
    const before = editor.document.getText();
    void vscode.commands.executeCommand('safenote.applyFix');
    await until('the fix is refused', async () => /changed since the fix was made/.test((await screen()).message));
    assert.equal((await screen()).fix, undefined);
    assert.equal(editor.document.getText(), before);
  });

  it('of the part that was accepted is a diagnostic, though the rest was left', async () => {
    script(BAD);
    const editor = await openFile(TASK);
    await shown();
    await accept(editor, 'editor.action.inlineSuggest.acceptNextLine');
    await accept(editor, 'editor.action.inlineSuggest.acceptNextLine');
    await until('a part is taken', async () => (await screen()).session?.state === 'partly');
    await vscode.commands.executeCommand('editor.action.inlineSuggest.hide');
    const end = editor.document.lineAt(editor.document.lineCount - 1).range.end;
    await editor.edit((edit) => edit.insert(end, '\n# mine\n'));
    await until('the finding is a diagnostic', () => diagnosticsOf(editor.document.uri).length > 0);
    const [diagnostic] = diagnosticsOf(editor.document.uri);
    assert.match(editor.document.lineAt(diagnostic?.range.start.line ?? 0).text, /cursor\.execute/);
  });

  it('of a file on demand lists what is there, and says so when there is nothing', async () => {
    const editor = await openFile(`${TASK.replace('|', BAD.replaceAll('\n', '\n    '))}|`);
    await vscode.commands.executeCommand('safenote.verifyFile');
    await until('the finding is a diagnostic', () => diagnosticsOf(editor.document.uri).length > 0);
    await editor.edit((edit) => edit.replace(new vscode.Range(0, 0, editor.document.lineCount, 0), 'x = 1\n'));
    await vscode.commands.executeCommand('safenote.verifyFile');
    await until('the diagnostics are gone', () => diagnosticsOf(editor.document.uri).length === 0);
    assert.equal(model.requests.length, 0);
  });

  it('of pasted text becomes findings, without asking a model', async () => {
    const editor = await openFile('import sqlite3\n\n|\n');
    await vscode.env.clipboard.writeText(TASK.slice('import sqlite3\n\n\n'.length).replace('|', BAD.replaceAll('\n', '\n    ')));
    await vscode.commands.executeCommand('editor.action.clipboardPasteAction');
    await until('the finding is a diagnostic', () => diagnosticsOf(editor.document.uri).length > 0);
    assert.match(diagnosticsOf(editor.document.uri)[0]?.message ?? '', /inserted/);
    assert.equal(model.requests.length, 0);
  });

  it('of text that another tool inserts becomes findings too, unless the guard is off', async () => {
    const text = TASK.slice('import sqlite3\n\n\n'.length).replace('|', BAD.replaceAll('\n', '\n    '));
    const editor = await openFile('import sqlite3\n\n|\n');
    await editor.edit((edit) => edit.insert(new vscode.Position(2, 0), text));
    await until('the finding is a diagnostic', () => diagnosticsOf(editor.document.uri).length > 0);
    await configure({ guard: 'off' });
    try {
      const other = await openFile('import sqlite3\n\n|\n');
      await other.edit((edit) => edit.insert(new vscode.Position(2, 0), text));
      await new Promise((resolve) => setTimeout(resolve, 2_500));
      assert.equal(diagnosticsOf(other.document.uri).length, 0);
    } finally {
      await configure({ guard: undefined });
    }
  });
});
