import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { LineIndex } from '../../../src/core/source.ts';
import { EMPTY_OUTLINE } from '../../../src/core/syntax/outline.ts';
import { Marks } from '../../../src/core/verification/marks.ts';
import { Approvals } from '../../../src/node/notes/approvals.ts';
import { FileMarkStore, nameInside } from '../../../src/node/notes/file-mark-store.ts';
import { userFolders } from '../../../src/node/user-folders.ts';
import { assertValidSarif } from '../../core/verification/sarif-schema.ts';
import { semgrep } from '../../../tools/setup/paths.mjs';

const CLI = path.join(import.meta.dirname, '../../../dist/cli.js');
const CODE = 'import hashlib\n\nDIGEST = hashlib.md5(b"x")\nOTHER = hashlib.md5(b"y")  # safenote: ignore CWE-327 because it is a name\n';

describe('safenote verify', function () {
  this.timeout(60_000);
  let root: string;
  const workspace = () => path.join(root, 'ws');
  const env = () => ({ ...process.env, SAFENOTE_HOME: path.join(root, 'home'), SAFENOTE_SEMGREP: semgrep });
  const run = (...args: string[]) =>
    new Promise<{ code: number | null; out: string }>((resolve) => {
      const child = spawn(process.execPath, [CLI, ...args], { cwd: workspace(), env: env(), stdio: ['ignore', 'pipe', 'ignore'] });
      let out = '';
      child.stdout.on('data', (data) => (out += String(data)));
      child.on('close', (code) => resolve({ code, out }));
    });
  async function mark(expires?: string, home = env()): Promise<void> {
    const store = new FileMarkStore({ workspaceFolder: workspace(), approvals: new Approvals({ file: userFolders(home).approvals(workspace()), workspaceFolder: workspace() }) });
    const marks = new Marks({ store, relative: (file) => nameInside(workspace(), file), now: () => new Date() });
    const start = CODE.indexOf('hashlib.md5');
    const made = marks.make({ path: path.join(workspace(), 'a.py'), text: CODE }, EMPTY_OUTLINE, { ruleId: 'r', ruleFamily: 'weak-hash', cwe: ['CWE-327'], severity: 'warning', message: 'm', analyzer: 'builtin', ...new LineIndex(CODE).toRange({ start, end: start + 5 }) }, { reason: 'a name, no secret', ...(expires ? { expires } : {}) });
    assert.ok(made);
    await store.add({ ...made, family: await familyOf() });
  }
  /** The family that SafeNote's rule for this mistake belongs to. */
  async function familyOf(): Promise<string> {
    const { out } = await run('verify', 'a.py', '--analyzer', 'builtin', '--json');
    const [file] = (JSON.parse(out) as { files: { findings: { ruleId: string; startLine: number }[] }[] }).files;
    return file?.findings.find((f) => f.startLine === 3)?.ruleId.split('.')[2] ?? assert.fail('the rule fires');
  }

  beforeEach(() => {
    root = mkdtempSync(path.join(os.tmpdir(), 'safenote-verify-'));
    mkdirSync(workspace());
    writeFileSync(path.join(workspace(), 'a.py'), CODE);
  });
  afterEach(() => rmSync(root, { recursive: true, force: true }));

  it('writes valid SARIF: findings, what a comment accepts, stable fingerprints', async () => {
    const first = await run('verify', 'a.py', 'none.py', '--format', 'sarif');
    const log = JSON.parse(first.out);
    assertValidSarif(log);
    const results = log.runs[0].results as { suppressions?: { kind: string; justification: string }[]; partialFingerprints: Record<string, string>; locations: { physicalLocation: { region: { startLine: number } } }[] }[];
    assert.deepEqual(results.filter((r) => r.suppressions).map((r) => r.suppressions?.[0]), Array(results.filter((r) => r.suppressions).length).fill({ kind: 'inSource', status: 'accepted', justification: 'it is a name' }));
    assert.ok(results.some((r) => r.suppressions) && results.some((r) => !r.suppressions));
    assert.equal(log.runs[0].invocations[0].executionSuccessful, false, 'a file that is missing was not checked');
    writeFileSync(path.join(workspace(), 'a.py'), `# moved\n\n${CODE}`);
    const moved = JSON.parse((await run('verify', 'a.py', '--format', 'sarif')).out).runs[0].results as typeof results;
    assert.deepEqual(moved.map((r) => r.partialFingerprints), results.map((r) => r.partialFingerprints));
    assert.notDeepEqual(moved.map((r) => r.locations), results.map((r) => r.locations));
  });

  it('takes a mark of this machine for what the editor takes it for', async () => {
    assert.equal((await run('verify', 'a.py', '--analyzer', 'builtin', '--json')).code, 1);
    await mark();
    const { code, out } = await run('verify', 'a.py', '--analyzer', 'builtin', '--json');
    const [file] = (JSON.parse(out) as { files: { findings: unknown[]; suppressed: { by: string }[] }[] }).files;
    assert.deepEqual([code, file?.findings, [...new Set(file?.suppressed.map((s) => s.by))].sort()], [0, [], ['comment', 'mark']]);
  });

  it('names a mark that has expired, and counts its finding', async () => {
    await mark('2020-01-01');
    const { code, out } = await run('verify', 'a.py', '--analyzer', 'builtin');
    assert.equal(code, 1);
    assert.match(out, /has a mark that expired on 2020-01-01/);
  });

  it('lets a mark from elsewhere hide nothing until it is approved, or a job trusts it', async () => {
    await mark(undefined, { ...env(), SAFENOTE_HOME: path.join(root, 'home of another') });
    const { code, out } = await run('verify', 'a.py', '--analyzer', 'builtin');
    assert.equal(code, 1);
    assert.match(out, /nobody approved here/);
    assert.equal((await run('verify', 'a.py', '--analyzer', 'builtin', '--trust-marks')).code, 0);
    assert.match((await run('marks', 'list')).out, /not approved/);
    assert.equal((await run('marks', 'approve', '1')).code, 0);
    assert.equal((await run('verify', 'a.py', '--analyzer', 'builtin')).code, 0);
    assert.equal((await run('marks', 'remove', '--all')).code, 0);
    assert.equal((await run('verify', 'a.py', '--analyzer', 'builtin')).code, 1);
  });
});
