import assert from 'node:assert/strict';
import { mkdir, readdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import * as vscode from 'vscode';
import { closeAll, folder, openFile, screen, secureComplete, settle, until } from './support/editor.ts';

const NOTE = '---\nkind: security\ntitle: A note\ncwe: CWE-89\nlanguage: python\n---\n\n## Task\n\nFind a user\n\n## Guidance\n\nPass parameters.\n';

describe('In an untrusted workspace', function () {
  this.timeout(60_000);
  before(() => assert.equal(vscode.workspace.isTrusted, false, 'the window is in restricted mode'));
  beforeEach(closeAll);

  it('the extension is there and says that the workspace is not trusted', async () => {
    assert.match((await screen()).status.text, /untrusted/);
  });

  it('Secure Complete asks no model and says why', async () => {
    const editor = await openFile('def f():\n    |\n');
    const text = editor.document.getText();
    await secureComplete();
    await until('the refusal is remembered', async () => /not trusted/.test((await screen()).decisions[0]?.reason ?? ''));
    assert.equal((await screen()).model, undefined, 'nobody has looked for a model');
    assert.equal(editor.document.getText(), text);
  });

  it('the editor\'s own triggers are not answered', async () => {
    await openFile('def f():\n    |\n');
    const before = (await screen()).decisions.length;
    await vscode.commands.executeCommand('editor.action.inlineSuggest.trigger');
    await until('the refusal is remembered', async () => (await screen()).decisions.length > before);
    assert.match((await screen()).decisions[0]?.reason ?? '', /not trusted/);
  });

  it('Verify File checks nothing', async () => {
    const editor = await openFile('import os\nos.system("ping " + input())\n|');
    void vscode.commands.executeCommand('safenote.verifyFile');
    await settle(1_500);
    assert.equal(vscode.languages.getDiagnostics(editor.document.uri).filter((d) => d.source?.startsWith('SafeNote')).length, 0);
  });

  it('pasted text is not checked', async () => {
    const editor = await openFile('|\n');
    await editor.edit((edit) => edit.insert(new vscode.Position(0, 0), 'import os\nos.system("ping -c 1 " + input("which host do you want? "))\n'));
    await settle(2_000);
    assert.equal((await screen()).findings.length, 0);
  });

  it('notes can be read', async () => {
    const notes = path.join(folder(), '.safenote', 'notes', 'security');
    await mkdir(notes, { recursive: true });
    await writeFile(path.join(notes, 'a-note.md'), NOTE);
    await vscode.commands.executeCommand('safenote.openNote', { id: 'a-note' });
    assert.equal(vscode.window.activeTextEditor?.document.uri.fsPath, path.join(notes, 'a-note.md'));
  });

  it('no process of SafeNote runs', async () => {
    if (process.platform !== 'linux') return;
    const names = await Promise.all((await readdir('/proc')).filter((name) => /^\d+$/.test(name)).map((pid) => childName(pid)));
    assert.deepEqual(names.filter((name) => name !== undefined && /semgrep/.test(name)), []);
  });
});

/** Name of a process that the extension host has started, itself or through another one. */
async function childName(pid: string): Promise<string | undefined> {
  const { readFile } = await import('node:fs/promises');
  try {
    let at = pid;
    for (let n = 0; n < 10 && at !== '0'; n++) {
      const stat = await readFile(`/proc/${at}/stat`, 'utf8');
      const parent = stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1] ?? '0';
      if (Number(parent) === process.pid) return (await readFile(`/proc/${pid}/cmdline`, 'utf8')).replaceAll('\0', ' ');
      at = parent;
    }
  } catch {
    // It has ended meanwhile.
  }
  return undefined;
}
