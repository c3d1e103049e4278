import assert from 'node:assert/strict';
import { existsSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { importSarifFile } from '../../../src/node/sarif-file.ts';

const RECORDED = path.resolve(import.meta.dirname, '../../../../shared/data/codeql-sarif');
const CODE = 'import db\n\ndef find(name):\n    db.execute("select " + name)\n';

describe('A SARIF file', () => {
  let root: string;
  const folder = () => path.join(root, 'ws');
  const result = (uri: string, startLine = 4, text = 'bad') => ({ ruleId: 'py/sql-injection', message: { text }, locations: [{ physicalLocation: { artifactLocation: { uri }, region: { startLine } } }] });
  function write(results: unknown[], encoding: BufferEncoding = 'utf8'): string {
    const file = path.join(root, 'ci.sarif');
    const json = JSON.stringify({ version: '2.1.0', runs: [{ tool: { driver: { name: 'CI' }, extensions: [{ name: 'pack', rules: [{ id: 'py/sql-injection', properties: { tags: ['external/cwe/cwe-089'] } }] }] }, results }] });
    writeFileSync(file, encoding === 'utf16le' ? `\uFEFF${json}` : json, encoding);
    return file;
  }
  const take = (results: unknown[], options: { folders?: string[]; openText?: (file: string) => string | undefined } = {}) => importSarifFile({ file: write(results), folders: [folder()], ...options });

  beforeEach(() => {
    root = mkdtempSync(path.join(os.tmpdir(), 'safenote-sarif-'));
    mkdirSync(path.join(folder(), 'src'), { recursive: true });
    writeFileSync(path.join(folder(), 'src/a.py'), `\uFEFF${CODE}`);
    writeFileSync(path.join(root, 'secret.py'), CODE);
  });
  afterEach(() => rmSync(root, { recursive: true, force: true }));

  it('is read with the files of the workspace, by relative and by absolute names', async () => {
    const read = await take([result('src/a.py'), result(`file://${folder()}/src/a.py`)]);
    assert.deepEqual(read.files.map((f) => [f.document.path, f.document.text, f.findings[0]?.finding.cwe[0]]), Array(2).fill([path.join(folder(), 'src/a.py'), CODE, 'CWE-89']));
  });
  it('reaches nothing outside, by tricks in names or by links', async () => {
    symlinkSync(path.join(root, 'secret.py'), path.join(folder(), 'link.py'));
    symlinkSync(root, path.join(folder(), 'up'));
    const read = await take([result('../secret.py'), result(`file://${root}/secret.py`), result('link.py'), result('up/secret.py'), result('src'), result('src/a.py/../../../secret.py')]);
    assert.deepEqual(read.files, []);
    assert.equal(read.leftOut.length + read.problems.length, 5, JSON.stringify([read.leftOut, read.problems]));
  });
  it('is about an open text as it is, not as it was saved', async () => {
    const read = await take([result('src/a.py', 2)], { openText: () => 'x\ny = 1\n' });
    assert.equal(read.files[0]?.document.text, 'x\ny = 1\n');
  });
  it('finds its files in the folder that has them', async () => {
    const other = path.join(root, 'other');
    mkdirSync(other);
    assert.equal((await take([result('src/a.py')], { folders: [other, folder()] })).files[0]?.document.path, path.join(folder(), 'src/a.py'));
  });
  it('may be in UTF-16', async () => {
    assert.equal((await importSarifFile({ file: write([result('src/a.py')], 'utf16le'), folders: [folder()] })).files.length, 1);
  });
  it('that is not there, or is cut off, is refused with what to do', async () => {
    await assert.rejects(importSarifFile({ file: path.join(root, 'none.sarif'), folders: [folder()] }), { code: 'sarif-unreadable' });
    const file = write([result('src/a.py')]);
    writeFileSync(file, '{"version": "2.1.0", "runs": [');
    await assert.rejects(importSarifFile({ file, folders: [folder()] }), { code: 'sarif-unreadable' });
  });
  it('of 50 MB, with words without end and escapes for a terminal, is read', async function () {
    this.timeout(60_000);
    const words = `\u001b]0;owned\u0007\u001b[2J[click](command:workbench.action.terminal.new) ${'x'.repeat(5_000_000)}`;
    const results = Array.from({ length: 10 }, () => result('src/a.py', 4, words));
    const read = await take(results);
    const messages = read.files.flatMap((f) => f.findings.map(({ finding }) => finding.message));
    assert.equal(messages.length, 10);
    for (const message of messages) assert.ok(message.length <= 2000 && !/[\u0000-\u0008\u001b]/.test(message));
  });
  it('that CodeQL recorded names what is not here, and loses no result', async function () {
    const file = path.join(RECORDED, 'python-72-results.sarif');
    if (!existsSync(file)) this.skip();
    const read = await importSarifFile({ file, folders: [folder()] });
    assert.deepEqual([read.files.length, read.problems.length, read.leftOut.reduce((sum, l) => sum + l.results, 0)], [0, 0, 72]);
  });
});
