import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import * as vscode from 'vscode';
import { codeqlDouble, type DoubleBehaviour } from '../../node/analyzers/codeql/contract-double.ts';
import { accept, closeAll, configure, diagnosticsOf, folder, openFile, screen, settle, shown, until } from './support/editor.ts';
import { code, type ScriptedModel, startScriptedModel } from './support/scripted-model.ts';

const TASK = 'import os\n\n\ndef clean(name):\n    """Remove a report."""\n    |\n';

/** What a recorded CodeQL says of one line of a file. */
const sarifOf = (file: string, line: number) =>
  JSON.stringify({
    version: '2.1.0',
    runs: [{
      tool: { driver: { name: 'CodeQL' }, extensions: [{ name: 'codeql/python-queries', rules: [{ id: 'py/path-injection', properties: { tags: ['security', 'external/cwe/cwe-022'], 'security-severity': '7.5' } }] }] },
      results: [{ ruleId: 'py/path-injection', rule: { id: 'py/path-injection', index: 0, toolComponent: { index: 0 } }, message: { text: 'This path depends on a value from outside.' }, locations: [{ physicalLocation: { artifactLocation: { uri: file, uriBaseId: '%SRCROOT%' }, region: { startLine: line, startColumn: 5, endColumn: 14 } } }] }],
    }],
  });

describe('CodeQL in the editor (a stand-in for its command line)', function () {
  this.timeout(60_000);
  let bin: string;
  let model: ScriptedModel;
  let n = 0;
  let name = '';
  const double = async (behaviour: DoubleBehaviour) => configure({ 'analyzers.codeql.path': await codeqlDouble(bin, behaviour) });
  const asked = () => (existsSync(path.join(bin, 'asked')) ? readFileSync(path.join(bin, 'asked'), 'utf8') : '');

  before(async () => {
    model = await startScriptedModel();
    model.script = (kind) => (kind === 'completion' || kind === 'retry' ? code('os.remove(name)') : code(''));
    await configure({ 'model.provider': 'openai', 'model.baseUrl': model.url, 'model.name': 'scripted', 'tests.mode': 'off' });
  });
  beforeEach(async () => {
    await closeAll();
    await vscode.commands.executeCommand('safenote.clearFindings');
    await configure({ 'analyzers.codeql.mode': undefined });
    bin = await mkdtemp(path.join(os.tmpdir(), 'codeql-double-'));
    name = `codeql${++n}.py`;
  });
  afterEach(() => rm(bin, { recursive: true, force: true }));
  after(async () => {
    await configure({ 'analyzers.codeql.path': undefined, 'analyzers.codeql.mode': undefined, 'tests.mode': undefined });
    await closeAll();
    for (let k = 1; k <= n; k++) await rm(path.join(folder(), `codeql${k}.py`), { force: true });
    await model.close();
  });

  it('looks at a saved file on demand; what it finds is a finding and stays through edits elsewhere', async () => {
    await double({ sarif: sarifOf(name, 6) });
    const editor = await openFile(TASK.replace('|', 'os.remove(name)|'), { name });
    await vscode.commands.executeCommand('safenote.verifyWithCodeql');
    const [diagnostic] = await until('the finding is a diagnostic', () => diagnosticsOf(editor.document.uri).length > 0 && diagnosticsOf(editor.document.uri));
    assert.match(diagnostic?.message ?? '', /depends on a value from outside/);
    assert.match(diagnostic?.source ?? '', /CodeQL/);
    await editor.edit((edit) => edit.insert(new vscode.Position(0, 0), '# mine\n'));
    await settle(2_500);
    assert.deepEqual(diagnosticsOf(editor.document.uri).map((d) => d.range.start.line), [6], 'the checks after an edit do not ask CodeQL, so they do not take it away');
  });

  it('does not look at a text that is not saved, and says so', async () => {
    await double({ sarif: sarifOf(name, 6) });
    const editor = await openFile(TASK, { name });
    await editor.edit((edit) => edit.insert(new vscode.Position(0, 0), '# mine\n'));
    void vscode.commands.executeCommand('safenote.verifyWithCodeql');
    await until('it is refused', async () => /it is not saved/.test((await screen()).message));
    assert.equal(asked(), '');
  });

  it('is asked after acceptance where that is wished, once the file is saved; only what touches the completion counts', async () => {
    await configure({ 'analyzers.codeql.mode': 'afterAccept' });
    await double({ sarif: sarifOf(name, 6) });
    const editor = await openFile(TASK, { name });
    await shown();
    await accept(editor);
    await until('it is accepted', async () => (await screen()).session?.state === 'accepted');
    assert.equal(asked(), '', 'not before the file is saved');
    await editor.document.save();
    await until('the finding is a diagnostic', () => diagnosticsOf(editor.document.uri).length > 0, 30_000);
    assert.match(asked(), /"database","create"/);
  });

  it('is cancelled with all that it has started', async () => {
    await double({ hangs: 'create' });
    await openFile(TASK.replace('|', 'os.remove(name)|'), { name });
    const running = vscode.commands.executeCommand('safenote.verifyWithCodeql');
    const pids = path.join(bin, 'pids');
    await until('it runs', () => existsSync(pids) && readFileSync(pids, 'utf8').split(' ').length === 2);
    await vscode.commands.executeCommand('safenote.cancelCodeql');
    await running;
    for (const pid of readFileSync(pids, 'utf8').split(' ').map(Number)) await until(`${pid} is gone`, () => !existsSync(`/proc/${pid}`) || /^State:\s+Z/m.test(readFileSync(`/proc/${pid}/status`, 'utf8')));
  });
});
