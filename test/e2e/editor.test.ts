import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import { Editor } from './harness.ts';

describe('The editor with SafeNote installed', function () {
  this.timeout(120_000);
  let editor: Editor;

  before(async () => {
    editor = await Editor.open();
  });
  after(async () => {
    assert.deepEqual(await editor?.close(), [], 'processes left behind');
  });

  it('opens a file, takes keys and saves', async () => {
    await writeFile(path.join(editor.folder, 'notes.txt'), 'one\ntwo\nthree\n');
    await editor.openFile('notes.txt');
    await editor.gotoLine(2, 4);
    await editor.type(' and a half');
    await editor.waitForText(/two and a half/);
    await editor.save();
    assert.equal(await editor.fileText('notes.txt'), 'one\ntwo and a half\nthree\n');
  });

  it('knows the extension', async () => {
    await editor.runCommand('Extensions: Show Installed Extensions');
    await editor.treeRow('SafeNote').first().waitFor({ timeout: 20_000 });
    await editor.screenshot('installed');
    assert.match(await editor.extensionLog(), /SafeNote .* activated/);
  });
});
