import assert from 'node:assert/strict';
import * as vscode from 'vscode';

describe('The editor that the suites run in', () => {
  it('is new enough for the extension', () => {
    const [major = 0, minor = 0] = vscode.version.split('.').map(Number);
    assert.ok(major > 1 || minor >= 104, `VS Code ${vscode.version}`);
  });

  it('has opened a workspace folder', () => {
    assert.equal(vscode.workspace.workspaceFolders?.length, 1);
  });

  it('sees the extension under development', () => {
    assert.ok(vscode.extensions.getExtension('safenote.safenote'));
  });
});
