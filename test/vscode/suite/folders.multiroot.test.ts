import assert from 'node:assert/strict';
import { mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import * as vscode from 'vscode';
import type { Note } from '../../../src/core/notebook/note.ts';
import { formatNote } from '../../../src/core/notebook/note-markdown.ts';
import { closeAll, screen, settle, until } from './support/editor.ts';

interface Row {
  readonly item: vscode.TreeItem;
  readonly id?: string;
}

const note = (id: string, title: string): Note => ({
  id, kind: 'security', title, cwe: 'CWE-89', language: 'python', rule: 'safenote.python.sql-injection', ruleFamily: 'sql-injection', frequency: 1, origin: 'completion', model: 'm',
  created: '2026-01-01T00:00:00.000Z', updated: '2026-01-01T00:00:00.000Z', status: 'active', tasks: ['Find a user'], erroneousCode: 'def find(db, x):\n    db.execute("a" + x)', diagnosis: 'SQL is built from text.', guidance: 'Pass values as parameters.',
});
const rows = () => vscode.commands.executeCommand<Row[]>('safenote.internal.test', 'rows', 'security');

describe('With several workspace folders', function () {
  this.timeout(60_000);
  const folders = () => (vscode.workspace.workspaceFolders ?? []).map(({ uri, name }) => ({ path: uri.fsPath, uri: uri.toString(), name }));
  const fileOf = (folder: string, id: string) => path.join(folder, '.safenote', 'notes', 'security', `${id}.md`);

  async function put(folder: string, one: Note): Promise<void> {
    await mkdir(path.dirname(fileOf(folder, one.id)), { recursive: true });
    await writeFile(fileOf(folder, one.id), formatNote(one));
  }

  before(() => assert.equal(folders().length, 2, 'the window has two folders'));
  beforeEach(async () => {
    await closeAll();
    for (const { path: folder } of folders()) await rm(path.join(folder, '.safenote'), { recursive: true, force: true });
    await settle(400);
    await vscode.commands.executeCommand('safenote.openNotebook');
  });
  after(async () => {
    await closeAll();
    for (const { path: folder } of folders()) await rm(path.join(folder, '.safenote'), { recursive: true, force: true });
  });

  it('each notebook stands under the name of its folder', async () => {
    const [first, second] = folders();
    assert.ok(first && second);
    await put(first.path, note('same', 'Of the first'));
    await put(second.path, note('same', 'Of the second'));
    await until('both are listed', async () => (await rows()).filter(({ id }) => id === 'same').length === 2);
    const labels = (await rows()).map(({ item }) => String(item.label));
    assert.deepEqual(labels.filter((label) => label === first.name || label === second.name), [first.name, second.name]);
    assert.ok(labels.indexOf(first.name) < labels.findIndex((l) => l.includes('Of the first')) && labels.findIndex((l) => l.includes('Of the first')) < labels.indexOf(second.name));
    for (const { item } of await rows()) assert.ok(item.accessibilityInformation?.label);
  });

  it('a command acts on the note of the folder that was meant', async () => {
    const [first, second] = folders();
    assert.ok(first && second);
    await put(first.path, note('same', 'Of the first'));
    await put(second.path, note('same', 'Of the second'));
    await settle(400);
    await vscode.commands.executeCommand('safenote.openNote', { id: 'same', folder: second.uri });
    assert.equal(vscode.window.activeTextEditor?.document.uri.fsPath, fileOf(second.path, 'same'));
    await vscode.commands.executeCommand('safenote.pinNote', { id: 'same', folder: second.uri });
    assert.match(await readFile(fileOf(second.path, 'same'), 'utf8'), /^pinned: true$/m);
    assert.doesNotMatch(await readFile(fileOf(first.path, 'same'), 'utf8'), /pinned/);
  });

  it('notes of two folders are not merged', async () => {
    const [first, second] = folders();
    assert.ok(first && second);
    await put(first.path, note('one', 'One'));
    await put(second.path, note('two', 'Two'));
    await settle(400);
    await vscode.commands.executeCommand('safenote.mergeNotes', { id: 'one', folder: first.uri }, [{ id: 'one', folder: first.uri }, { id: 'two', folder: second.uri }]);
    await until('it says why', async () => /two workspace folders/.test((await screen()).message));
    assert.ok(await readFile(fileOf(second.path, 'two'), 'utf8'));
  });
});
