import assert from 'node:assert/strict';
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import * as vscode from 'vscode';
import type { Note } from '../../../src/core/notebook/note.ts';
import { formatNote } from '../../../src/core/notebook/note-markdown.ts';
import { closeAll, emptyNotebook, folder, screen, settle, until } from './support/editor.ts';

interface Row {
  readonly item: vscode.TreeItem;
  readonly id?: string;
  readonly tooltip?: string;
}

const note = (o: Partial<Note> & { id: string }): Note => ({
  kind: 'security', title: `Note ${o.id}`, cwe: 'CWE-89', language: 'python', rule: 'safenote.python.sql-injection', ruleFamily: 'sql-injection', frequency: 1, origin: 'completion', model: 'm',
  created: '2026-01-01T00:00:00.000Z', updated: '2026-01-01T00:00:00.000Z', status: 'active', tasks: [`Task of ${o.id}`], erroneousCode: `def ${o.id.replaceAll('-', '_')}(db, x):\n    db.execute("a" + x)`, diagnosis: 'SQL is built from text.', guidance: 'Pass values as parameters.', ...o,
});
const folderOf = (kind: string) => path.join(folder(), '.safenote', 'notes', kind);
const fileOf = (id: string, kind = 'security') => path.join(folderOf(kind), `${id}.md`);
const rows = (kind = 'security') => vscode.commands.executeCommand<Row[]>('safenote.internal.test', 'rows', kind);
const labels = async (kind?: string) => (await rows(kind)).map(({ item }) => String(item.label));
const drop = (...ids: string[]) => vscode.commands.executeCommand('safenote.internal.test', 'drop', 'security', ...ids.map((id) => ({ id })));

async function put(...notes: Note[]): Promise<void> {
  for (const one of notes) {
    await mkdir(folderOf(one.kind), { recursive: true });
    await writeFile(fileOf(one.id, one.kind), formatNote(one));
  }
  await settle(400);
}

/** Saved in this editor, a note is approved. */
async function approve(...ids: string[]): Promise<void> {
  for (const id of ids) {
    const editor = await vscode.window.showTextDocument(vscode.Uri.file(fileOf(id)));
    await editor.edit((edit) => edit.insert(editor.document.lineAt(editor.document.lineCount - 1).range.end, '\n'));
    await editor.document.save();
  }
  await until('they are approved', async () => !(await labels()).some((label) => label.includes('not approved')));
}

describe('The notes in the sidebar', function () {
  this.timeout(60_000);
  beforeEach(async () => {
    await closeAll();
    await emptyNotebook();
    await settle(400);
    await vscode.commands.executeCommand('safenote.openNotebook');
    await vscode.commands.executeCommand('safenote.clearNoteFilter');
    await vscode.commands.executeCommand('safenote.securityNotes.byCwe');
    await vscode.commands.executeCommand('safenote.sortNotes.byFrequency');
  });
  after(async () => {
    await closeAll();
    await emptyNotebook();
  });

  it('stand under the titles of their CWE, and by another grouping when it is chosen', async () => {
    await put(note({ id: 'a', file: 'shop/a.py' }), note({ id: 'b', cwe: 'CWE-22', language: 'go' }), note({ id: 'f', kind: 'function', file: 'shop/m.py' }));
    assert.deepEqual((await labels()).filter((l) => l.startsWith('CWE')).map((l) => l.replace(/ .*/, '')), ['CWE-22', 'CWE-89']);
    assert.match((await labels()).find((l) => l.startsWith('CWE-89')) ?? '', /^CWE-89 \w+/);
    assert.deepEqual(await labels('function'), ['shop/m.py', 'not approved · Note f']);
    await vscode.commands.executeCommand('safenote.securityNotes.byLanguage');
    assert.deepEqual((await labels()).filter((l) => !l.includes('Note')), ['go', 'python']);
    assert.match((await screen()).notes.security.description, /by language/);
    assert.deepEqual(await labels('function'), ['shop/m.py', 'not approved · Note f'], 'the other view keeps its own');
    await vscode.commands.executeCommand('safenote.securityNotes.byFile');
    assert.deepEqual((await labels()).filter((l) => !l.includes('Note')), ['shop/a.py', 'No file known']);
  });

  it('tell a screen reader what they are, and show their text without links or HTML', async () => {
    await put(note({ id: 'a', title: '[click](command:safenote.deleteNote)', guidance: '<img src=x> [x](command:y) `**b**`', frequency: 3 }));
    const row = (await rows()).find(({ id }) => id === 'a');
    assert.match(row?.item.accessibilityInformation?.label ?? '', /CWE-89, python, seen 3 times, not approved/);
    assert.ok(row?.tooltip);
    assert.doesNotMatch(row.tooltip.replace(/\\./g, ''), /\]\(|<img|`/);
    for (const { item } of await rows()) assert.ok(item.accessibilityInformation?.label, String(item.label));
  });

  it('are counted as new while the view is out of sight, and seen when it is', async () => {
    await put(note({ id: 'old' }));
    await until('the view has them', async () => (await labels()).length === 2);
    await vscode.commands.executeCommand('workbench.view.explorer');
    await settle(300);
    await put(note({ id: 'new-1' }), note({ id: 'new-2' }));
    await until('the badge counts two', async () => (await screen()).notes.security.badge === 2);
    await vscode.commands.executeCommand('safenote.openNotebook');
    await until('the badge is gone', async () => (await screen()).notes.security.badge === 0);
    const marked = (await rows()).filter(({ item }) => String(item.description).startsWith('new')).map(({ id }) => id);
    assert.deepEqual(marked.sort(), ['new-1', 'new-2']);
  });

  it('merge when one is dropped onto another of the same weakness, and come back by Undo', async () => {
    await put(note({ id: 'one', frequency: 2 }), note({ id: 'two' }));
    await approve('one', 'two');
    const texts = () => Promise.all(['one', 'two'].map(async (id) => (await readFile(fileOf(id), 'utf8')).trimEnd()));
    const before = await texts();
    await drop('two', 'one');
    assert.deepEqual(await readdir(folderOf('security')), ['one.md']);
    const merged = await readFile(fileOf('one'), 'utf8');
    assert.match(merged, /^frequency: 3$/m);
    assert.match(merged, /Task of two/);
    assert.match(merged, /def two\(db, x\)/, 'the code of both is kept');
    await vscode.commands.executeCommand('safenote.undoNoteChange');
    assert.deepEqual(await texts(), before);
  });

  it('refuse to merge across weaknesses, and say why', async () => {
    await put(note({ id: 'sql' }), note({ id: 'path', cwe: 'CWE-22', ruleFamily: 'path-traversal' }));
    await approve('sql', 'path');
    await drop('path', 'sql');
    assert.match((await screen()).message, /another mistake.*same weakness/s);
    assert.deepEqual((await readdir(folderOf('security'))).sort(), ['path.md', 'sql.md']);
  });

  it('split again what was merged', async () => {
    await put(note({ id: 'one' }), note({ id: 'two' }));
    await approve('one', 'two');
    await drop('two', 'one');
    const done = vscode.commands.executeCommand('safenote.splitNote', { id: 'one' });
    await settle(500);
    await vscode.commands.executeCommand('workbench.action.acceptSelectedQuickOpenItem');
    await done;
    const files = await readdir(folderOf('security'));
    assert.equal(files.length, 2);
    const other = await readFile(path.join(folderOf('security'), files.find((name) => name !== 'one.md') ?? ''), 'utf8');
    assert.match(other, /Task of two[\s\S]*def two\(db, x\)/);
    assert.doesNotMatch(await readFile(fileOf('one'), 'utf8'), /Task of two/);
  });

  it('are pinned, lead their group and say so in their file', async () => {
    await put(note({ id: 'often', frequency: 9 }), note({ id: 'rare' }));
    await approve('often', 'rare');
    const order = async () => (await rows()).flatMap(({ id }) => id ?? []);
    assert.deepEqual(await order(), ['often', 'rare']);
    await vscode.commands.executeCommand('safenote.pinNote', { id: 'rare' });
    assert.deepEqual(await order(), ['rare', 'often']);
    assert.match(await readFile(fileOf('rare'), 'utf8'), /^pinned: true$/m);
    assert.equal((await rows()).find(({ id }) => id === 'rare')?.item.contextValue, 'note.active.pinned');
    await vscode.commands.executeCommand('safenote.unpinNote', { id: 'rare' });
    assert.doesNotMatch(await readFile(fileOf('rare'), 'utf8'), /pinned/);
  });

  it('are deleted several at a time, and all of them come back', async () => {
    await put(note({ id: 'one' }), note({ id: 'two' }), note({ id: 'three' }));
    const targets = [{ id: 'one' }, { id: 'two' }];
    await vscode.commands.executeCommand('safenote.deleteNote', targets[0], targets);
    assert.deepEqual(await readdir(folderOf('security')), ['three.md']);
    await vscode.commands.executeCommand('safenote.undoNoteChange');
    assert.deepEqual((await readdir(folderOf('security'))).sort(), ['one.md', 'three.md', 'two.md']);
  });

  it('lead to where their failure happened, also after the file has moved on', async () => {
    await mkdir(path.join(folder(), 'origin'), { recursive: true });
    await writeFile(path.join(folder(), 'origin/a.py'), '# new first line\n\n\ndef one(db, x):\n    return db.get(x)\n');
    await put(note({ id: 'one', file: 'origin/a.py', line: 2 }), note({ id: 'gone', file: 'origin/none.py' }), note({ id: 'evil', file: '../../../etc/passwd' }));
    await vscode.commands.executeCommand('safenote.goToOrigin', { id: 'one' });
    assert.equal(vscode.window.activeTextEditor?.document.uri.fsPath, path.join(folder(), 'origin/a.py'));
    assert.equal(vscode.window.activeTextEditor?.selection.active.line, 3);
    await vscode.commands.executeCommand('safenote.goToOrigin', { id: 'gone' });
    assert.match((await screen()).message, /not there any more/);
    await vscode.commands.executeCommand('safenote.goToOrigin', { id: 'evil' });
    assert.match((await screen()).message, /outside of its workspace folder/);
    assert.equal(vscode.window.activeTextEditor?.document.uri.fsPath, path.join(folder(), 'origin/a.py'));
  });

  it('show erroneous and secure code side by side', async () => {
    await put(note({ id: 'one', secureExample: 'db.execute("a", (x,))' }));
    await vscode.commands.executeCommand('safenote.compareNote', { id: 'one' });
    const input = vscode.window.tabGroups.activeTabGroup.activeTab?.input;
    assert.ok(input instanceof vscode.TabInputTextDiff);
    const text = async (uri: vscode.Uri) => (await vscode.workspace.openTextDocument(uri)).getText();
    assert.match(await text(input.original), /"a" \+ x/);
    assert.match(await text(input.modified), /\(x,\)/);
  });

  it('say above the tree that they are filtered, until the filter is cleared', async () => {
    await put(note({ id: 'one' }), note({ id: 'two', language: 'go' }));
    const done = vscode.commands.executeCommand('safenote.filterNotes');
    await settle(600);
    // The first choice is a language.
    await vscode.commands.executeCommand('quickInput.first');
    await vscode.commands.executeCommand('workbench.action.quickPickManyToggle');
    await vscode.commands.executeCommand('workbench.action.acceptSelectedQuickOpenItem');
    await done;
    await until('the message says so', async () => /Filtered \((?:python|go)\): 1 of 2 notes/.test((await screen()).notes.security.message));
    assert.equal((await rows()).filter(({ id }) => id).length, 1);
    await vscode.commands.executeCommand('safenote.clearNoteFilter');
    assert.equal((await rows()).filter(({ id }) => id).length, 2);
    await until('the message is gone', async () => (await screen()).notes.security.message === '');
  });
});
