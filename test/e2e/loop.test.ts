import assert from 'node:assert/strict';
import { readdir, readFile } from 'node:fs/promises';
import path from 'node:path';
import { startReplayModel, type ReplayServer } from '../model/server.ts';
import { Editor } from './harness.ts';

describe('A developer who asks for two similar things', function () {
  this.timeout(180_000);
  // Each step stands on the one before.
  this.bail(true);
  let editor: Editor;
  let model: ReplayServer;
  let noteId = '';

  before(async () => {
    model = await startReplayModel();
    editor = await Editor.open({ workspace: 'examples', model: { baseUrl: model.url, name: 'replay' } });
  });
  after(async () => {
    const left = await editor?.close();
    await model?.close();
    assert.deepEqual(left, [], 'processes left behind');
  });

  it('sees an answer that passed its check, though the first one had failed', async () => {
    await editor.openFile('python-shop/shop/audit.py');
    await editor.gotoLine(16, 5);
    await editor.press('Control+Alt+S');
    const ghost = await editor.waitForGhostText(/logger\.warning/);
    assert.match(ghost, /replace\("\\n"/);
    await editor.waitForStatus(/SafeNote \(replay\): checked/);
    await editor.screenshot('loop-1-first-answer');
    assert.deepEqual(completions(), [{ kind: 'completion', helped: false }, { kind: 'retry', helped: false }]);
  });

  it('accepts it with Tab', async () => {
    await editor.press('Tab');
    await editor.waitForNoGhostText();
    await editor.save();
    assert.match(await editor.fileText('python-shop/shop/audit.py'), /logger\.warning\("Login failed for %s from %s", username, request\.remote_addr\)/);
    await editor.screenshot('loop-2-accepted');
  });

  it('finds the note of the mistake in the side bar and as a file', async () => {
    await editor.openContainer('SafeNote');
    await editor.waitForTree(/CWE-117/);
    await editor.screenshot('loop-3-note');
    const folder = path.join(editor.folder, '.safenote/notes/security');
    const files = (await readdir(folder)).filter((name) => name.endsWith('.md'));
    assert.equal(files.length, 1);
    noteId = path.basename(files[0] ?? '', '.md');
    assert.match(await readFile(path.join(folder, files[0] ?? ''), 'utf8'), /CWE-117[^]*## Erroneous code[^]*request\.form[^]*## Guidance/);
  });

  it('gets a similar task right at once, because the note was in the prompt', async () => {
    const before = completions().length;
    await editor.openFile('python-shop/shop/coupons.py');
    await editor.gotoLine(18, 5);
    await editor.press('Control+Alt+S');
    const ghost = await editor.waitForGhostText(/logger\.warning/);
    assert.match(ghost, /replace\("\\n"/);
    await editor.waitForStatus(/SafeNote \(replay\): checked/);
    await editor.screenshot('loop-4-similar-task');
    assert.deepEqual(completions().slice(before), [{ kind: 'completion', helped: true }]);
  });

  it('sees in Show Prompt that the note is there', async () => {
    await editor.runCommand('SafeNote: Show Prompt');
    await editor.waitForText(new RegExp(`security note .${noteId}`));
    await editor.screenshot('loop-5-prompt');
  });

  /** What the model was asked for, without the notes it wrote; `helped`: the answer depended on a phrase of a note. */
  function completions(): { kind: string | undefined; helped: boolean }[] {
    return model.requests.filter((request) => request.kind === 'completion' || request.kind === 'retry').map((request) => ({ kind: request.kind, helped: request.conditional }));
  }
});
