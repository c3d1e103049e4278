import assert from 'node:assert/strict';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import * as vscode from 'vscode';
import { closeAll, diagnosticsOf, emptyNotebook, folder, openFile, screen, until } from './support/editor.ts';

const CODE = 'import sqlite3\n\n\ndef find_user(db: sqlite3.Connection, name: str):\n    """Find a user by name."""\n    return db.execute("SELECT * FROM users WHERE name = \'" + name + "\'").fetchone()\n';

describe('Findings', function () {
  this.timeout(60_000);
  const sarif = () => path.join(folder(), 'ci.sarif');

  beforeEach(async () => {
    await closeAll();
    await emptyNotebook();
    await vscode.commands.executeCommand('safenote.clearFindings');
  });
  after(async () => {
    await closeAll();
    await rm(sarif(), { force: true });
    await vscode.commands.executeCommand('safenote.clearFindings');
  });

  async function importResults(results: { uri: string; startLine: number; text?: string }[]): Promise<string> {
    const json = {
      version: '2.1.0',
      runs: [{
        tool: { driver: { name: 'CodeQL', semanticVersion: '2.20.1' }, extensions: [{ name: 'codeql/python-queries', rules: [{ id: 'py/sql-injection', properties: { tags: ['security', 'external/cwe/cwe-089'] } }] }] },
        originalUriBaseIds: { '%SRCROOT%': { uri: 'file:///home/runner/work/app/' } },
        results: results.map(({ uri, startLine, text }) => ({ rule: { index: 0, toolComponent: { index: 0 } }, message: { text: text ?? 'This query depends on a [user-provided value](1).' }, locations: [{ physicalLocation: { artifactLocation: { uri, uriBaseId: '%SRCROOT%' }, region: { startLine } } }] })),
      }],
    };
    await writeFile(sarif(), JSON.stringify(json));
    await vscode.commands.executeCommand('safenote.importSarif', vscode.Uri.file(sarif()));
    return until('the import says what it did', async () => (await screen()).imported || undefined);
  }
  const notes = () => {
    const place = path.join(folder(), '.safenote/notes/security');
    return existsSync(place) ? readdirSync(place).map((name) => readFileSync(path.join(place, name), 'utf8')) : [];
  };

  it('of a CI come in by a SARIF file: in the view and in Problems, for files of this workspace alone', async () => {
    const editor = await openFile(`${CODE}|`);
    const uri = vscode.workspace.asRelativePath(editor.document.uri);
    const said = await importResults([{ uri, startLine: 6 }, { uri: 'gone.py', startLine: 1 }, { uri: '../../etc/passwd', startLine: 1 }, { uri, startLine: 500 }]);
    assert.match(said, /1 finding of CodeQL 2\.20\.1 in 1 file.*2 left out, first case-.*:500.*1 problem/);
    const [diagnostic] = diagnosticsOf(editor.document.uri);
    assert.deepEqual([diagnostic?.range.start.line, diagnostic?.code, diagnostic?.source], [5, 'CWE-89', 'SafeNote (CodeQL)']);
    assert.equal(diagnostic?.message, 'This query depends on a user-provided value.');
    assert.equal((await screen()).findings.length, 1);
  });

  it('of a SARIF file follow the text, and say when it was changed', async () => {
    const editor = await openFile(`${CODE}|`);
    await importResults([{ uri: vscode.workspace.asRelativePath(editor.document.uri), startLine: 6 }]);
    await editor.edit((edit) => edit.insert(new vscode.Position(0, 0), '# one\n'));
    assert.equal(diagnosticsOf(editor.document.uri)[0]?.range.start.line, 6);
    await editor.edit((edit) => edit.replace(new vscode.Range(6, 11, 6, 13), 'base'));
    assert.match(diagnosticsOf(editor.document.uri)[0]?.message ?? '', /was changed since/);
    await new Promise((resolve) => setTimeout(resolve, 2_000));
    assert.equal(diagnosticsOf(editor.document.uri).length, 1, 'a check of our own does not take away what it cannot judge');
  });

  it('become notes in the words of the tool, when the user wants that', async () => {
    const editor = await openFile(`${CODE}|`);
    await importResults([{ uri: vscode.workspace.asRelativePath(editor.document.uri), startLine: 6 }]);
    const { findings } = await screen();
    assert.equal(notes().length, 0, 'nothing is noted unasked');
    await vscode.commands.executeCommand('safenote.noteFindings', { findingId: findings[0]?.id });
    const [note] = notes();
    assert.match(note ?? '', /origin: ci/);
    assert.match(note ?? '', /This query depends on a user-provided value\./);
    assert.match(note ?? '', /def find_user/);
  });

  it('are marked as false positives with a reason: gone for every check, until the mark is changed from outside', async () => {
    const editor = await openFile(`${CODE}|`);
    const { uri } = editor.document;
    const marks = path.join(folder(), '.safenote/false-positives.yml');
    await vscode.commands.executeCommand('safenote.verifyFile');
    await until('the finding is a diagnostic', () => diagnosticsOf(uri).length > 0);
    await vscode.commands.executeCommand('safenote.markFalsePositive', { findingId: (await screen()).findings[0]?.id }, { reason: 'the name is checked before', days: 90 });
    await until('the diagnostic is gone', () => diagnosticsOf(uri).length === 0);
    assert.match(readFileSync(marks, 'utf8'), /in: find_user[\s\S]*reason: the name is checked before[\s\S]*expires: \d{4}-\d\d-\d\d/);

    await editor.edit((edit) => edit.insert(new vscode.Position(0, 0), '# moved\n'));
    await vscode.commands.executeCommand('safenote.verifyFile');
    assert.equal(diagnosticsOf(uri).length, 0, 'the mark follows its line');
    await importResults([{ uri: vscode.workspace.asRelativePath(uri), startLine: 7 }]);
    assert.equal(diagnosticsOf(uri).length, 0, 'it holds for what a CI reports, too');

    await writeFile(marks, readFileSync(marks, 'utf8').replace(/expires: .*/, 'expires: 2099-01-01'));
    await vscode.commands.executeCommand('safenote.verifyFile');
    await until('a mark that nobody approved hides nothing', () => diagnosticsOf(uri).length > 0);
  });

  it('in a text of no workspace are refused a mark, with another way', async () => {
    const document = await vscode.workspace.openTextDocument({ language: 'python', content: CODE });
    await vscode.window.showTextDocument(document);
    await vscode.commands.executeCommand('safenote.verifyFile');
    await until('the finding is a diagnostic', () => diagnosticsOf(document.uri).length > 0);
    void vscode.commands.executeCommand('safenote.markFalsePositive', { findingId: (await screen()).findings[0]?.id }, { reason: 'no' });
    await until('it is refused', async () => /accept the finding by a comment/.test((await screen()).message));
    assert.ok(diagnosticsOf(document.uri).length > 0);
  });

  const FIXABLE = 'import requests\nimport yaml\n\n\ndef load(url, name):\n    page = requests.get(url, verify=False, timeout=3)\n    return page, yaml.load(open(name))\n|';
  const fixed = (text: string) => text.replace('verify=False', 'verify=True').replace('yaml.load', 'yaml.safe_load');

  it('that rules can fix are fixed all at once: seen as a diff, one undo step, line ends and all', async () => {
    const editor = await openFile(FIXABLE, { eol: '\r\n' });
    const { document } = editor;
    const before = document.getText();
    await vscode.commands.executeCommand('safenote.fixAll');
    const { fix, message } = await screen();
    assert.match(fix ?? message, /2 fixes/);
    assert.equal(document.getText(), before, 'nothing is changed before the decision');
    await vscode.commands.executeCommand('safenote.applyFix');
    assert.equal(document.getText(), fixed(before));
    await vscode.window.showTextDocument(document);
    await vscode.commands.executeCommand('undo');
    assert.equal(document.getText(), before);
    await until('the document is as it was saved', () => !document.isDirty);
  });

  it('that rules can fix are a code action for saving, and none that is preferred', async () => {
    const editor = await openFile(FIXABLE);
    const { document } = editor;
    const before = document.getText();
    await vscode.commands.executeCommand('safenote.verifyFile');
    await until('the findings are diagnostics', () => diagnosticsOf(document.uri).length > 1);
    const whole = new vscode.Range(0, 0, document.lineCount, 0);
    const actions = await vscode.commands.executeCommand<vscode.CodeAction[]>('vscode.executeCodeActionProvider', document.uri, whole, 'source.fixAll', 5);
    const own = actions.find((a) => a.kind?.value === 'source.fixAll.safenote');
    assert.ok(own?.edit && !own.isPreferred);
    await vscode.workspace.applyEdit(own.edit);
    assert.equal(document.getText(), fixed(before));
  });

  it('are not fixed where there is nothing that a rule can fix', async () => {
    await openFile(`${CODE}|`);
    void vscode.commands.executeCommand('safenote.fixAll');
    await until('the user is told', async () => /has a fix of its own/.test((await screen()).message));
  });

  it('are checked again after edits of code, and not after edits of comments alone', async () => {
    const editor = await openFile(`${CODE}|`);
    const { uri } = editor.document;
    await vscode.commands.executeCommand('safenote.verifyFile');
    await until('the finding is a diagnostic', () => diagnosticsOf(uri).length > 0);
    await until('every analyzer has answered', async () => !(await screen()).checks.busy);
    const { checks } = await screen();
    assert.match(checks.detail, /built-in rules \d/);
    assert.match(checks.text, /1 open finding/);

    await editor.edit((edit) => edit.insert(new vscode.Position(0, 0), '# a comment\n'));
    await until('the queue is empty', async () => (await screen()).queued === 0);
    assert.equal((await screen()).checks.scans, checks.scans, 'only a comment has changed');
    assert.equal(diagnosticsOf(uri)[0]?.range.start.line, 6);

    const line = editor.document.lineAt(6).range.end;
    await editor.edit((edit) => edit.insert(line, '  # safenote: ignore CWE-89 because the name is checked'));
    await until('the comment that accepts it counts', () => diagnosticsOf(uri).length === 0);
    assert.ok((await screen()).checks.scans > checks.scans);
  });

  it('whose text was deleted are there again when it is', async () => {
    const editor = await openFile(`${CODE}|`);
    const { uri } = editor.document;
    await vscode.commands.executeCommand('safenote.verifyFile');
    await until('the finding is a diagnostic', () => diagnosticsOf(uri).length > 0);
    const whole = editor.document.lineAt(5);
    await editor.edit((edit) => edit.replace(whole.range, '    pass'));
    await until('it is gone', async () => diagnosticsOf(uri).length === 0 && (await screen()).queued === 0);
    await vscode.commands.executeCommand('undo');
    await until('it is there again', () => diagnosticsOf(uri).length === 1);
  });
});
