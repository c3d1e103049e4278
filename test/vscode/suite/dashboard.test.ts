import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import * as vscode from 'vscode';
import { countersOf, sumSince } from '../../../src/core/activity/totals.ts';
import { SILENT } from '../../../src/core/log.ts';
import { FileActivityJournal } from '../../../src/node/activity/file-journal.ts';
import { userFolders } from '../../../src/node/user-folders.ts';
import { accept, closeAll, configure, emptyNotebook, folder, openFile, screen, settle, shown, until } from './support/editor.ts';
import { learnOne, lesson, notesFolder, task } from './support/lesson.ts';
import { type ScriptedModel, startScriptedModel } from './support/scripted-model.ts';

/** As the command line would read it. */
const totals = () => new FileActivityJournal({ file: userFolders(process.env).activity(folder()), log: SILENT }).totals();

describe('What became of completions and notes', function () {
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
  });
  after(async () => {
    await closeAll();
    await emptyNotebook();
    await model.close();
  });

  async function learned(): Promise<string> {
    const file = await learnOne();
    await until('its guidance is written', async () => /PASS-PARAMETERS/.test(await readFile(path.join(notesFolder(), file), 'utf8')));
    return file.replace(/\.md$/, '');
  }

  it('is counted outside the repository: a note that prevents its failure stays as it is', async () => {
    const id = await learned();
    const file = path.join(notesFolder(), `${id}.md`);
    // What passed is added to the note a moment after it was written.
    const before = await until('the note has its secure example', async () => {
      const text = await readFile(file, 'utf8');
      return text.includes('## Secure example') && text;
    });
    const editor = await openFile(task('find_customer'));
    await shown();
    await accept(editor);
    const counters = await until('the use is written down', () => {
      const now = countersOf(totals(), id);
      return now.prevented === 1 && now;
    });
    assert.deepEqual([counters.retrieved, counters.shown, counters.failed, counters.wrong], [1, 1, 0, 0]);
    await until('the acceptance is written down', () => sumSince(totals()).accepted > 0);
    assert.equal(await readFile(file, 'utf8'), before);
  });

  it('is explained: which notes and knowledge shaped a completion, and what each check said in which time', async () => {
    await learned();
    await openFile(task('find_customer'));
    await shown();
    await vscode.commands.executeCommand('safenote.whyNoSuggestion');
    const text = vscode.window.activeTextEditor?.document.getText() ?? '';
    const first = text.slice(text.indexOf('## 1. '), text.indexOf('## 2. '));
    assert.match(first, /\*\*Notes used:\*\* .*Find a user by name/);
    assert.match(first, /\*\*Check by built-in rules.*\*\* no findings in the file, \d+ ms/);
    assert.match(first, /\*\*Tokens:\*\* \d+ sent/);
    assert.match(text.slice(text.indexOf('## 2. ')), /\*\*Attempt 1:\*\* fails CWE-89/);
  });

  it('is shown on a page that runs nothing but its own script, follows each note that is written, and leads to it', async () => {
    const { document, selection } = await openFile(task('find_user'));
    await vscode.commands.executeCommand('safenote.openDashboard');
    await vscode.commands.executeCommand('workbench.action.moveEditorToRightGroup');
    const state = await until('the dashboard is drawn', async () => {
      const now = (await screen()).dashboard;
      return now?.drawn && now;
    });
    assert.match(state.policy, /^default-src 'none'; script-src 'nonce-[0-9a-f]{32}'; style-src 'nonce-[0-9a-f]{32}';/);
    assert.doesNotMatch(state.policy, /unsafe|https?:/);
    assert.ok(state.html.includes(`content="${state.policy.replaceAll('"', '&quot;')}"`));
    assert.equal(state.drawn?.notes, 0);
    await vscode.window.showTextDocument(document, { viewColumn: vscode.ViewColumn.One, selection });
    await shown();
    const drawn = await until('the new note is on the page', async () => {
      const now = (await screen()).dashboard?.drawn;
      return now && now.notes === 1 && now.completions > 0 && now;
    });
    assert.equal(drawn.charts, 5);
    await vscode.commands.executeCommand('safenote.openDashboard');
    assert.equal(vscode.window.tabGroups.all.flatMap((g) => g.tabs).filter((t) => t.label === 'SafeNote Dashboard').length, 1, 'there is one dashboard');
    assert.deepEqual((await screen()).dashboard?.problems, [], 'nothing was refused by the policy, and nothing failed');
    await closeAll();
    await until('it is gone when it is closed', async () => (await screen()).dashboard === undefined);
  });

  it('includes what the user says: a note is wrong, and right after all, without a change to its file', async () => {
    const id = await learned();
    const file = path.join(notesFolder(), `${id}.md`);
    const before = await readFile(file, 'utf8');
    for (const wrong of [1, 0]) {
      const done = vscode.commands.executeCommand('safenote.markNoteWrong', { id });
      await settle(700);
      await vscode.commands.executeCommand('workbench.action.acceptSelectedQuickOpenItem');
      await done;
      assert.equal(countersOf(totals(), id).wrong, wrong);
    }
    assert.equal(await readFile(file, 'utf8'), before);
  });
});
