import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdtemp, mkdir, readFile, realpath, rm, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { formatNote } from '../../src/core/notebook/note-markdown.ts';
import type { Note } from '../../src/core/notebook/note.ts';
import { Editor } from './harness.ts';

const NOTE: Note = {
  id: 'sql-1', kind: 'security', title: 'SQL built from text', cwe: 'CWE-89', language: 'python', rule: 'safenote.python.sql-injection', ruleFamily: 'sql-injection', frequency: 3, origin: 'completion', model: 'm',
  created: '2026-01-01T00:00:00.000Z', updated: '2026-01-01T00:00:00.000Z', status: 'active', tasks: ['Find a user by name'], erroneousCode: 'db.execute("SELECT " + name)', diagnosis: 'SQL is built from text.', secureExample: 'db.execute("SELECT ?", (name,))', guidance: 'Pass values as parameters.\nNever join them into the text.',
};

describe('A developer who gets notes from others', function () {
  this.timeout(240_000);
  // Each step stands on the one before.
  this.bail(true);
  let editor: Editor;
  let made: string;

  before(async () => {
    made = await realpath(await mkdtemp(path.join(os.tmpdir(), 'safenote-shared-')));
    const git = (...args: string[]) => execFileSync('git', ['-c', 'user.name=Bob', '-c', 'user.email=bob@example.org', ...args], { cwd: made });
    const notes = path.join(made, '.safenote/notes/security');
    await mkdir(notes, { recursive: true });
    await writeFile(path.join(made, '.safenote/.gitignore'), '*\n!.gitignore\n!rules/\n!rules/**\n!notes/\n!notes/**\n!.gitattributes\n');
    await writeFile(path.join(notes, 'sql-1.md'), formatNote(NOTE));
    await writeFile(path.join(notes, 'path-1.md'), formatNote({ ...NOTE, id: 'path-1', cwe: 'CWE-22', title: 'Path taken from the request', guidance: 'Resolve it and check that it stays inside.', frequency: 1 }));
    git('init', '-q');
    git('add', '-A');
    git('commit', '-qm', 'notes');
    editor = await Editor.open({ workspace: made });
  });
  after(async () => {
    const left = await editor?.close();
    await rm(made, { recursive: true, force: true });
    assert.deepEqual(left, [], 'processes left behind');
  });

  const noteFile = (id = 'sql-1') => path.join(editor.folder, `.safenote/notes/security/${id}.md`);

  it('reads all notes of their author, and approves them at once', async () => {
    await editor.openContainer('SafeNote');
    await editor.waitForTree(/not approved[^]*not approved/);
    await editor.runCommand('SafeNote: Review Notes');
    await editor.page.waitForTimeout(1_000);
    await editor.screenshot('sharing-1-authors');
    await editor.pick('All 2 from Bob');
    await editor.waitForText(/Path taken from the request|SQL built from text/);
    await editor.screenshot('sharing-2-review');
    await editor.answerNotification('Approve 2 Notes');
    await editor.page.waitForFunction('![...document.querySelectorAll(".sidebar .monaco-list-row")].some((row) => row.textContent.includes("not approved"))');
  });

  it('sees what changed in a note since it was approved, and approves the change', async () => {
    await writeFile(noteFile(), formatNote({ ...NOTE, guidance: 'Pass values as parameters.\nOr use the query builder of shop.db.', frequency: 5 }));
    await editor.waitForTree(/not approved/);
    await editor.runCommand('SafeNote: Review Notes');
    await editor.pick('SQL built from text');
    await editor.page.locator('.monaco-diff-editor').waitFor({ timeout: 20_000 });
    await editor.page.waitForTimeout(1_000);
    await editor.screenshot('sharing-3-diff');
    await editor.answerNotification('Approve');
    await editor.page.waitForFunction('![...document.querySelectorAll(".sidebar .monaco-list-row")].some((row) => row.textContent.includes("not approved"))');
  });

  it('puts together what a merge left in two versions', async () => {
    const text = formatNote(NOTE);
    await writeFile(noteFile(), text.replace('frequency: 3', '<<<<<<< HEAD\nfrequency: 5\n||||||| base\nfrequency: 3\n=======\nfrequency: 4\n>>>>>>> topic').replace('Find a user by name', '<<<<<<< HEAD\n- Find a user by name\n- Find an order\n||||||| base\nFind a user by name\n=======\n- Find a user by name\n- Find an item\n>>>>>>> topic'));
    await editor.waitForTree(/cannot be read/);
    await editor.runCommand('SafeNote: Resolve Note Conflict');
    await editor.waitForText(/Find an item/);
    await editor.page.waitForTimeout(500);
    await editor.screenshot('sharing-4-resolved');
    const merged = await readFile(noteFile(), 'utf8');
    assert.match(merged, /^frequency: 6$/m);
    assert.match(merged, /- Find an order\n- Find an item/);
  });

  it('keeps both when a note changes on disk while it is edited', async () => {
    await editor.page.locator('.tab.active', { hasText: 'sql-1.md' }).waitFor();
    const lines = (await readFile(noteFile(), 'utf8')).split('\n');
    await editor.gotoLine(lines.indexOf('Pass values as parameters.') + 1, 1);
    await editor.press('End');
    await editor.type(' Always.');
    await editor.waitForText(/Pass values as parameters\. Always\./);
    // As another window does when it sees the failure again.
    await writeFile(noteFile(), lines.join('\n').replace('frequency: 6', 'frequency: 9').replace('- Find an item', '- Find an item\n- Find a parcel'));
    await editor.page.locator('.notification-toast', { hasText: 'changed on disk while you edit it' }).waitFor({ timeout: 20_000 });
    await editor.screenshot('sharing-5-edited');
    await editor.page.locator('.notification-toast', { hasText: 'changed on disk while you edit it' }).locator('.monaco-button', { hasText: 'Merge' }).click();
    await editor.page.waitForTimeout(1_500);
    await editor.save();
    const merged = await readFile(noteFile(), 'utf8');
    assert.match(merged, /^frequency: 9$/m);
    assert.match(merged, /- Find an item\n- Find a parcel[^]*Pass values as parameters\. Always\./);
  });

  it('stops sharing, and shares again after reading what becomes visible', async () => {
    await editor.runCommand('SafeNote: Stop Sharing');
    await editor.page.waitForTimeout(1_500);
    assert.doesNotMatch(await editor.fileText('.safenote/.gitignore'), /!notes/);
    await editor.runCommand('SafeNote: Share Notebook');
    await editor.waitForText(/Share Notebook/);
    await editor.page.waitForTimeout(500);
    await editor.screenshot('sharing-6-plan');
    await editor.answerNotification('Share');
    await editor.page.locator('.notification-toast', { hasText: 'offered to Git now' }).waitFor({ timeout: 20_000 });
    await editor.screenshot('sharing-7-shared');
    assert.match(await editor.fileText('.safenote/.gitignore'), /^!notes\/$/m);
  });

  it('writes rules for other agents', async () => {
    await editor.runCommand('SafeNote: Export Notebook');
    await editor.page.waitForTimeout(500);
    await editor.screenshot('sharing-8-formats');
    await editor.pick('AGENTS.md');
    await editor.page.locator('.notification-toast', { hasText: 'written to' }).waitFor({ timeout: 20_000 });
    assert.match(await editor.fileText('AGENTS.md'), /CWE-22[^]*Path taken from the request/);
  });

  it('takes notes in, quarantined, and names the rows that cannot be used', async () => {
    await writeFile(path.join(editor.folder, 'pairs.jsonl'), `{"cwe":"CWE-79","language":"python","description":"Greet a user.","vulnerable":"return '<b>' + name","secure":"return '<b>' + escape(name)"}\n{"cwe":"x"}\n`);
    await editor.runCommand('SafeNote: Import Notebook');
    await editor.pick('A file');
    await editor.page.locator('.quick-input-widget:visible input').waitFor();
    await editor.page.waitForTimeout(1_000);
    await editor.page.locator('.quick-input-widget:visible input[type="text"], .quick-input-widget:visible input').first().fill(path.join(editor.folder, 'pairs.jsonl'));
    await editor.page.waitForTimeout(1_000);
    await editor.press('Enter');
    await editor.page.locator('.notification-toast', { hasText: '1 note imported' }).waitFor({ timeout: 20_000 });
    await editor.screenshot('sharing-9-imported');
    await editor.waitForTree(/not approved/);
  });
});
