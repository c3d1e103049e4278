import assert from 'node:assert/strict';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import * as vscode from 'vscode';
import { closeAll, configure, diagnosticsOf, emptyNotebook, folder, openFile, settle, until } from './support/editor.ts';
import { code, type ScriptedModel, startScriptedModel } from './support/scripted-model.ts';

const NOTE = `---
version: 1
id: edited
kind: security
title: Find a user
cwe: CWE-89
language: python
rule: safenote.python.sql-injection
family: sql-injection
frequency: 2
origin: completion
status: active
---

## Task

Find a user by name

## Erroneous code

\`\`\`python
def find_user(cursor, name):
    cursor.execute("SELECT * FROM users WHERE name = '" + name + "'")
    return cursor.fetchone()
\`\`\`

## Diagnosis

SQL is built from text.

## Guidance

EDITED-GUIDANCE: pass values as parameters of execute.
`;

describe('A note in the editor', function () {
  this.timeout(60_000);
  let model: ScriptedModel;
  const file = () => path.join(folder(), '.safenote', 'notes', 'security', 'edited.md');
  const uri = () => vscode.Uri.file(file());

  before(async () => {
    model = await startScriptedModel();
    await configure({ 'model.provider': 'openai', 'model.baseUrl': model.url, 'model.name': 'scripted' });
    model.script = () => code('pass');
  });
  beforeEach(async () => {
    await closeAll();
    await emptyNotebook();
    await settle(400);
  });
  after(async () => {
    await closeAll();
    await emptyNotebook();
    await model.close();
  });

  async function open(text = NOTE): Promise<vscode.TextEditor> {
    await mkdir(path.dirname(file()), { recursive: true });
    await writeFile(file(), text);
    await settle(400);
    return vscode.window.showTextDocument(uri(), { preview: false });
  }

  /** Shown anew where another text has taken its place. */
  async function replace({ document }: vscode.TextEditor, from: string, to: string): Promise<void> {
    const editor = await vscode.window.showTextDocument(document, { preview: false, viewColumn: vscode.ViewColumn.One });
    const at = editor.document.getText().indexOf(from);
    assert.ok(at >= 0, from);
    await editor.edit((edit) => edit.replace(new vscode.Range(editor.document.positionAt(at), editor.document.positionAt(at + from.length)), to));
  }

  const errors = () => diagnosticsOf(uri()).filter((d) => d.severity === vscode.DiagnosticSeverity.Error);
  const oneError = () => until('an error is shown', () => (errors().length > 0 ? errors()[0] : undefined));
  const noError = () => until('the error is gone', () => errors().length === 0 && diagnosticsOf(uri()).length === 0);

  it('is checked while it is written: the exact place, and what to write instead in one step', async () => {
    const editor = await open();
    await replace(editor, 'status: active', 'status: actve');
    const error = await oneError();
    assert.equal(editor.document.getText(error.range), 'actve');
    assert.match(error.message, /must be active or muted; did you mean "active"/);
    const actions = await vscode.commands.executeCommand<vscode.CodeAction[]>('vscode.executeCodeActionProvider', uri(), error.range);
    const fix = actions.find((action) => action.title === 'Write "active"');
    assert.ok(fix?.edit);
    await vscode.workspace.applyEdit(fix.edit);
    assert.equal(editor.document.getText(), NOTE);
    await noError();
  });

  it('offers CWEs with titles, values, keys and sections', async () => {
    const editor = await open();
    const offered = async (from: string, to: string, line: number, column: number) => {
      await replace(editor, from, to);
      const list = await vscode.commands.executeCommand<vscode.CompletionList>('vscode.executeCompletionItemProvider', uri(), new vscode.Position(line, column));
      await replace(editor, to, from);
      return list.items.map((item) => (typeof item.label === 'string' ? item.label : `${item.label.label} ${item.label.description ?? ''}`.trim()));
    };
    assert.ok((await offered('cwe: CWE-89', 'cwe: ', 5, 5)).some((label) => /^CWE-22 \w+/.test(label)));
    assert.ok((await offered('status: active', 'status: ', 11, 8)).some((label) => /^muted/.test(label)));
    assert.ok((await offered('version: 1\n', '\n', 1, 0)).some((label) => label === 'pinned'));
    assert.ok((await offered('## Guidance', '## ', 29, 3)).some((label) => label === '## Guidance'));
  });

  it('explains a CWE and a key where the mouse rests', async () => {
    await open();
    const hover = async (line: number, column: number) => (await vscode.commands.executeCommand<vscode.Hover[]>('vscode.executeHoverProvider', uri(), new vscode.Position(line, column))).flatMap((h) => h.contents.map((c) => (typeof c === 'string' ? c : c.value))).join('\n');
    assert.match(await hover(5, 8), /CWE\\-89 SQL[\s\S]*Do:/);
    assert.match(await hover(11, 2), /never used/);
  });

  it('shows beside it what a prompt would say, while it is written', async () => {
    const editor = await open();
    await vscode.commands.executeCommand('safenote.previewNote', uri());
    const preview = await until('the preview is shown', () => vscode.workspace.textDocuments.find((d) => d.uri.scheme === 'safenote' && d.uri.path === '/Preview of edited.md'));
    assert.match(preview.getText(), /EDITED-GUIDANCE/);
    await replace(editor, 'EDITED-GUIDANCE', 'ANOTHER-WORD');
    await until('the preview follows', () => /ANOTHER-WORD[\s\S]*/.test(preview.getText()) && /Not saved yet/.test(preview.getText()));
    await replace(editor, 'kind: security', 'kind: nonsense');
    await until('it says what is wrong', () => /cannot be read as a note/.test(preview.getText()));
    assert.match(preview.getText(), /EDITED-GUIDANCE/, 'the version that is in use');
  });

  it('stays in use as it was when a broken edit is saved, and is used as mended afterwards', async () => {
    const editor = await open();
    await replace(editor, 'Find a user\n', 'Find one user\n');
    await editor.document.save();
    const prompt = async () => {
      await openFile('import sqlite3\n\n\ndef find_customer(cursor: sqlite3.Cursor, name: str):\n    """Find a user by name."""\n    |\n');
      await vscode.commands.executeCommand('safenote.showPrompt');
      const text = vscode.window.activeTextEditor?.document.getText() ?? '';
      await vscode.window.showTextDocument(uri(), { preview: false });
      return text;
    };
    await until('it is in use', async () => /EDITED-GUIDANCE/.test(await prompt()));
    await replace(editor, 'kind: security', 'kind: nonsense');
    await replace(editor, 'EDITED-GUIDANCE', 'BROKEN-GUIDANCE');
    await editor.document.save();
    await oneError();
    assert.match(await readFile(file(), 'utf8'), /nonsense/, 'the file is left as it is');
    assert.match(await prompt(), /EDITED-GUIDANCE/);
    await replace(editor, 'kind: nonsense', 'kind: security');
    await editor.document.save();
    await noError();
    assert.match(await prompt(), /BROKEN-GUIDANCE/);
  });
});
