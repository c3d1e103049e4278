import assert from 'node:assert/strict';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import * as vscode from 'vscode';
import { closeAll, configure, emptyNotebook, folder, openFile, settle, shown, until } from './support/editor.ts';
import { learnOne, lesson, noteFiles, notesFolder, task } from './support/lesson.ts';
import { type ScriptedModel, startScriptedModel } from './support/scripted-model.ts';


const STRANGER = `---
version: 1
id: from-elsewhere
kind: security
title: A note from elsewhere
cwe: CWE-89
language: python
rule: safenote.python.sql-injection
family: sql-injection
frequency: 3
origin: import
---

## Task

Find a user by name

## Erroneous code

\`\`\`python
def find_user(cursor, name):
    cursor.execute("SELECT * FROM users WHERE name = '" + name + "'")
    return cursor.fetchone()
\`\`\`

## Guidance

STRANGERS-GUIDANCE: pass values as parameters of execute.
`;

describe('The notebook', function () {
  this.timeout(60_000);
  let model: ScriptedModel;

  before(async () => {
    model = await startScriptedModel();
    await configure({ 'model.provider': 'openai', 'model.baseUrl': model.url, 'model.name': 'scripted' });
    model.script = lesson;
  });
  beforeEach(async () => {
    await closeAll();
    await emptyNotebook();
    await settle(400);
    model.requests.length = 0;
  });
  after(async () => {
    await closeAll();
    await emptyNotebook();
    await model.close();
  });

  async function stranger(text = STRANGER, name = 'from-elsewhere.md'): Promise<vscode.Uri> {
    await mkdir(notesFolder(), { recursive: true });
    const file = path.join(notesFolder(), name);
    await writeFile(file, text);
    await settle(400);
    return vscode.Uri.file(file);
  }

  async function promptAt(marked: string): Promise<string> {
    await openFile(marked);
    await vscode.commands.executeCommand('safenote.showPrompt');
    const editor = await until('the prompt is shown', () => vscode.window.activeTextEditor?.document.uri.scheme === 'safenote' && vscode.window.activeTextEditor);
    return editor.document.getText();
  }

  it('learns from a failure: the next similar request has the note in its prompt and comes out right', async () => {
    const file = await learnOne();
    await until('the guidance is written', async () => /PASS-PARAMETERS/.test(await readFile(path.join(notesFolder(), file), 'utf8')));
    model.requests.length = 0;
    await openFile(task('find_customer'));
    const now = await shown();
    assert.notEqual(now.session?.verdict, 'fail');
    assert.deepEqual(model.requests.map((r) => r.kind), ['completion'], 'one attempt was enough');
  });

  it('shows the prompt with the note in it, without sending anything', async () => {
    const file = await learnOne();
    await until('the guidance is written', async () => /PASS-PARAMETERS/.test(await readFile(path.join(notesFolder(), file), 'utf8')));
    model.requests.length = 0;
    const text = await promptAt(task('find_customer'));
    assert.match(text, /What would be sent/);
    assert.match(text, new RegExp(`security note \`${file.replace(/\.md$/, '')}\``));
    assert.match(text, /PASS-PARAMETERS/);
    assert.equal(model.requests.length, 0);
  });

  it('shows what was sent while a completion stands at the caret', async () => {
    const editor = await openFile(task('find_user'));
    await shown();
    await vscode.window.showTextDocument(editor.document);
    await vscode.commands.executeCommand('safenote.showPrompt');
    const text = vscode.window.activeTextEditor?.document.getText() ?? '';
    assert.match(text, /What was sent for this completion/);
    assert.match(text, /Model: scripted/);
    assert.match(text, /## What became of it[\s\S]*\*\*Check by built-in rules.*\d+ ms/);
  });

  it('mutes a note, which then reaches no prompt, and unmutes it', async () => {
    const file = await learnOne();
    const id = file.replace(/\.md$/, '');
    await until('the guidance is written', async () => /PASS-PARAMETERS/.test(await readFile(path.join(notesFolder(), file), 'utf8')));
    const done = vscode.commands.executeCommand('safenote.muteNote', { id });
    await settle(500);
    await vscode.commands.executeCommand('workbench.action.acceptSelectedQuickOpenItem');
    await done;
    assert.match(await readFile(path.join(notesFolder(), file), 'utf8'), /^status: muted$/m);
    assert.doesNotMatch(await promptAt(task('find_customer')), /PASS-PARAMETERS/);
    await vscode.commands.executeCommand('safenote.unmuteNote', { id });
    assert.match(await readFile(path.join(notesFolder(), file), 'utf8'), /^status: active$/m);
    assert.match(await promptAt(task('find_client')), /PASS-PARAMETERS/);
  });

  it('deletes a note', async () => {
    const file = await learnOne();
    await vscode.commands.executeCommand('safenote.deleteNote', { id: file.replace(/\.md$/, '') });
    assert.deepEqual(await noteFiles(), []);
  });

  it('keeps a note from elsewhere out of prompts until it is saved here', async () => {
    const uri = await stranger();
    assert.doesNotMatch(await promptAt(task('find_customer')), /STRANGERS-GUIDANCE/);
    const editor = await vscode.window.showTextDocument(uri);
    await editor.edit((edit) => edit.insert(editor.document.lineAt(editor.document.lineCount - 1).range.end, 'And read the row.\n'));
    await editor.document.save();
    await settle(400);
    assert.match(await promptAt(task('find_client')), /STRANGERS-GUIDANCE/);
  });

  it('takes a note out of use again that was changed on disk after it was approved', async () => {
    const uri = await stranger();
    const editor = await vscode.window.showTextDocument(uri);
    await editor.edit((edit) => edit.insert(editor.document.lineAt(editor.document.lineCount - 1).range.end, 'And read the row.\n'));
    await editor.document.save();
    await closeAll();
    await stranger(STRANGER.replace('STRANGERS-GUIDANCE', 'STRANGERS-SECOND-THOUGHT'));
    assert.doesNotMatch(await promptAt(task('find_client')), /STRANGERS-/);
  });

  it('names a file that cannot be read as a note, where it is wrong, and leaves it alone', async () => {
    const broken = STRANGER.replace('kind: security', 'kind: nonsense');
    const uri = await stranger(broken, 'broken.md');
    await vscode.commands.executeCommand('safenote.refreshNotes');
    const [diagnostic] = await until('a diagnostic names it', () => {
      const all = vscode.languages.getDiagnostics(uri);
      return all.length > 0 && all;
    });
    assert.equal(diagnostic?.range.start.line, 3);
    assert.match(diagnostic?.message ?? '', /kind/);
    assert.equal(await readFile(uri.fsPath, 'utf8'), broken);
  });

  it('opens a note as its Markdown file', async () => {
    const file = await learnOne();
    await vscode.commands.executeCommand('safenote.openNote', { id: file.replace(/\.md$/, '') });
    assert.equal(vscode.window.activeTextEditor?.document.uri.fsPath, path.join(notesFolder(), file));
  });
});

describe('The parts that tell about SafeNote', function () {
  this.timeout(60_000);

  it('Doctor says what is there, as a page to copy, without full paths', async () => {
    await vscode.commands.executeCommand('safenote.doctor');
    const text = vscode.window.activeTextEditor?.document.getText() ?? '';
    assert.match(text, /^# SafeNote: Doctor/);
    for (const part of ['VS Code', 'Workspace trust', 'Language model', 'Built-in rules', 'Semgrep', 'Notebook']) assert.match(text, new RegExp(`\\| ${part} \\|`));
    assert.ok(!text.includes(folder()), 'the folder is named, not spelt out');
  });

  it('registers every command that it contributes', async () => {
    const all = new Set(await vscode.commands.getCommands(true));
    const { contributes } = vscode.extensions.getExtension('safenote.safenote')?.packageJSON as { contributes: { commands: { command: string }[] } };
    for (const { command } of contributes.commands) assert.ok(all.has(command), command);
  });
});
