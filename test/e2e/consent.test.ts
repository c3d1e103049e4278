import assert from 'node:assert/strict';
import { mkdir, readdir, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { code, type ScriptedModel, startScriptedModel } from '../vscode/suite/support/scripted-model.ts';
import { Editor } from './harness.ts';

const FILE = 'def add(a, b):\n    """Add two numbers."""\n    \n';
const NOTE = '---\nkind: security\nid: from-elsewhere\ntitle: A note from elsewhere\ncwe: CWE-89\nlanguage: python\n---\n\n## Task\n\nFind a user\n\n## Guidance\n\nPass values as parameters.\n';

/** An address of this machine that is not loopback, so that it counts as another machine. */
const address = Object.values(os.networkInterfaces()).flat().find((i) => i?.family === 'IPv4' && !i.internal)?.address;

describe('A developer who decides what is sent and what is used', function () {
  this.timeout(180_000);
  // Each step stands on the one before.
  this.bail(true);
  let editor: Editor;
  let model: ScriptedModel;

  before(async function () {
    if (!address) this.skip();
    model = await startScriptedModel(address);
    model.script = () => code('return a + b');
    editor = await Editor.open({ model: { baseUrl: model.url, name: 'scripted' } });
    await writeFile(path.join(editor.folder, 'sums.py'), FILE);
    await editor.openFile('sums.py');
  });
  after(async () => {
    const left = await editor?.close();
    await model?.close();
    assert.deepEqual(left ?? [], [], 'processes left behind');
  });

  const dialog = () => editor.page.locator('.monaco-dialog-box');
  const ask = async () => {
    await editor.gotoLine(3, 5);
    await editor.press('Control+Alt+S');
  };

  it('is told what goes where before the first request, and can say no', async () => {
    await ask();
    await dialog().waitFor({ timeout: 30_000 });
    assert.match((await dialog().textContent()) ?? '', new RegExp(`will send code to ${address}`));
    await editor.screenshot('consent-1-question');
    await dialog().getByRole('button', { name: 'Cancel' }).click();
    await dialog().waitFor({ state: 'hidden' });
    await editor.page.waitForTimeout(500);
    assert.equal(model.requests.length, 0);
    assert.equal(await editor.ghostText(), '');
  });

  it('is asked again, agrees, and gets the completion', async () => {
    await ask();
    await dialog().getByRole('button', { name: 'Continue' }).click({ timeout: 30_000 });
    await editor.waitForGhostText(/return a \+ b/);
    await editor.screenshot('consent-2-ghost-text');
    await editor.press('Escape');
  });

  it('is not asked a third time', async () => {
    await editor.gotoLine(1, 1);
    model.requests.length = 0;
    await ask();
    await editor.waitForGhostText(/return a \+ b/);
    assert.equal(await dialog().count(), 0);
    await editor.press('Escape');
  });

  it('gives a key when the server wants one, and it is sent to that server', async () => {
    model.script = () => (model.requests.at(-1)?.key === 'right-key' ? code('return b + a') : { status: 401, message: 'Incorrect API key provided' });
    await editor.press('Control+End');
    await editor.type('\n\ndef more(a, b):\n');
    await editor.press('Control+Alt+S');
    await editor.answerNotification('Set API Key');
    await editor.page.locator('.quick-input-widget:visible', { hasText: 'Set API Key (1 of 2)' }).waitFor({ timeout: 15_000 });
    await editor.press('Enter');
    await editor.page.locator('.quick-input-widget:visible input[type=password]').waitFor({ timeout: 15_000 });
    await editor.type('right-key');
    await editor.press('Enter');
    await editor.page.locator('.quick-input-widget').waitFor({ state: 'hidden' });
    await editor.page.locator('.notification-toast', { hasText: 'is kept' }).waitFor({ timeout: 15_000 });
    // The focus is where the button was.
    await editor.press('Control+1');
    await editor.press('Control+Alt+S');
    await editor.waitForGhostText(/return b \+ a/);
    await editor.press('Escape');
  });

  it('sees a note from elsewhere as not approved, reads it, and approves it', async () => {
    const folder = path.join(editor.folder, '.safenote', 'notes', 'security');
    await mkdir(folder, { recursive: true });
    await writeFile(path.join(folder, 'from-elsewhere.md'), NOTE);
    await editor.openContainer('SafeNote');
    await editor.waitForTree(/not approved · A note from elsewhere/);
    await editor.treeRow('A note from elsewhere').click();
    await editor.waitForText(/Pass values as parameters/);
    await editor.page.locator('.editor-actions .action-label[aria-label*="Approve Note"]').click({ timeout: 15_000 });
    await editor.screenshot('consent-3-approve');
    await dialog().getByRole('button', { name: 'Approve' }).click();
    await editor.page.locator('.sidebar .monaco-list-row', { hasText: /^(?!.*not approved).*A note from elsewhere/ }).waitFor({ timeout: 15_000 });
  });

  it('deletes the note and takes it back', async () => {
    const notes = async () => (await readdir(path.join(editor.folder, '.safenote', 'notes', 'security'))).filter((name) => name.endsWith('.md'));
    await editor.treeRow('A note from elsewhere').hover();
    await editor.treeRow('A note from elsewhere').locator('.action-label[aria-label*="Delete Note"]').click();
    await editor.page.locator('.notification-toast', { hasText: 'deleted' }).waitFor({ timeout: 15_000 });
    assert.ok(!(await notes()).includes('from-elsewhere.md'));
    await editor.answerNotification('Undo');
    await editor.waitForTree(/A note from elsewhere/);
    assert.doesNotMatch((await editor.treeRows()).join('\n'), /not approved/, 'it comes back approved');
  });
});
