import assert from 'node:assert/strict';
import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import * as vscode from 'vscode';
import { accept, closeAll, configure, diagnosticsOf, emptyNotebook, openFile, screen, shown, until } from './support/editor.ts';
import { code, type ScriptedModel, startScriptedModel } from './support/scripted-model.ts';

/** The built-in rules see nothing here; Semgrep follows the value through the list. */
const LATE = 'name = request.args["name"]\nparts = ["SELECT * FROM users WHERE name = \'", name, "\'"]\nquery = "".join(parts)\nreturn db.execute(query).fetchone()';
const GOOD = 'name = request.args["name"]\nreturn db.execute("SELECT * FROM users WHERE name = ?", (name,)).fetchone()';
const TASK = 'import sqlite3\nfrom flask import request\n\n\ndef find_user(db):\n    """Find a user by name."""\n    |\n';
const DELAY_MS = 1_000;

describe('A verdict that comes after the text is shown', function () {
  this.timeout(90_000);
  let model: ScriptedModel;
  let folder: string;
  let before_: string | undefined;

  before(async function () {
    const configuration = vscode.workspace.getConfiguration('safenote');
    before_ = configuration.get<string>('analyzers.semgrep.path');
    if (!before_) this.skip();
    // The real Semgrep, each of whose answers is held back.
    folder = await mkdtemp(path.join(os.tmpdir(), 'slow-semgrep-'));
    const slow = path.join(folder, 'slow.cjs');
    await writeFile(
      slow,
      `#!${process.execPath}
const child = require('node:child_process').spawn(${JSON.stringify(before_)}, process.argv.slice(2), { stdio: ['inherit', 'pipe', 'inherit'] });
const hold = process.argv.includes('lsp') ? ${DELAY_MS} : 0;
child.stdout.on('data', (piece) => setTimeout(() => process.stdout.write(piece), hold));
child.on('close', (code) => setTimeout(() => process.exit(code ?? 1), hold + 50));
for (const name of ['SIGTERM', 'SIGINT']) process.on(name, () => child.kill(name));
`,
    );
    await chmod(slow, 0o755);
    model = await startScriptedModel();
    await configure({ 'model.provider': 'openai', 'model.baseUrl': model.url, 'model.name': 'scripted', 'analyzers.semgrep.path': slow });
  });
  beforeEach(async () => {
    await closeAll();
    await emptyNotebook();
    await vscode.commands.executeCommand('safenote.clearFindings');
    model.requests.length = 0;
  });
  after(async () => {
    if (!folder) return;
    await configure({ 'analyzers.semgrep.path': before_ });
    await closeAll();
    await model.close();
    await rm(folder, { recursive: true, force: true });
  });

  const script = (retry: string) => (model.script = (kind) => (kind === 'completion' ? code(LATE) : kind === 'retry' ? code(retry) : kind === 'security-warning' ? code('Pass values as parameters.', 'text') : code('')));

  it('is pending at first; a failure is marked, and a checked retry replaces the text that is still shown', async () => {
    script(GOOD);
    const editor = await openFile(TASK);
    const first = await shown();
    assert.equal(first.gutter, 'pending');
    assert.match(first.status.text, /Semgrep pending/);
    assert.match(first.session?.text ?? '', /join/);
    const now = await until('the text is replaced', async () => {
      const next = await screen();
      return next.session?.text !== first.session?.text && next.session?.state === 'shown' && next;
    }, 40_000);
    assert.match(now.session?.text ?? '', /name = \?/);
    await accept(editor);
    assert.match(editor.document.getText(), /name = \?/);
  });

  it('stays marked when the retry fails too', async () => {
    script(LATE);
    await openFile(TASK);
    await shown();
    await until('it is marked', async () => (await screen()).gutter === 'fail', 40_000);
    await until('the retry was made', () => model.requests.some((r) => r.kind === 'retry'), 40_000);
    assert.match((await screen()).session?.text ?? '', /join/);
  });

  it('becomes a diagnostic when the text was accepted meanwhile, wherever it has moved to', async () => {
    script(GOOD);
    const editor = await openFile(TASK);
    await shown();
    await accept(editor);
    await editor.edit((edit) => edit.insert(new vscode.Position(0, 0), '# first line\n'));
    assert.equal(diagnosticsOf(editor.document.uri).length, 0);
    await until('the finding is a diagnostic', () => diagnosticsOf(editor.document.uri).length > 0, 40_000);
    const [diagnostic] = diagnosticsOf(editor.document.uri);
    assert.match(editor.document.lineAt(diagnostic?.range.start.line ?? 0).text, /db\.execute/);
    assert.equal(model.requests.filter((r) => r.kind === 'retry').length, 0, 'nothing is swapped in silence');
  });

  it('makes no retry once the text has changed', async () => {
    script(GOOD);
    const editor = await openFile(TASK);
    await shown();
    await editor.edit((edit) => edit.insert(new vscode.Position(0, 0), '# first line\n'));
    await until('the failure became a note', () => model.requests.some((r) => r.kind === 'security-warning'), 40_000);
    assert.equal(model.requests.filter((r) => r.kind === 'retry').length, 0);
  });
});
