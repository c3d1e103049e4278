import assert from 'node:assert/strict';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import fc from 'fast-check';
import type { Mark } from '../../../src/core/verification/marks.ts';
import { Approvals } from '../../../src/node/notes/approvals.ts';
import { FileMarkStore, nameInside } from '../../../src/node/notes/file-mark-store.ts';

const mark = (o: Partial<Mark> = {}): Mark => ({ path: 'src/a.py', family: 'sql-injection', rule: 'safenote.python.sql-injection', cwe: ['CWE-89'], in: 'find', code: 'db.execute(q)', nth: 1, reason: 'q is constant: #1', expires: '2027-03-01', created: '2026-11-28', ...o });

describe('The file of false positives', () => {
  let root: string;
  const folder = () => path.join(root, 'ws');
  const file = () => path.join(folder(), '.safenote/false-positives.yml');
  const open = (home = 'home') => new FileMarkStore({ workspaceFolder: folder(), approvals: new Approvals({ file: path.join(root, home, 'approvals.txt'), workspaceFolder: folder() }) });
  beforeEach(() => {
    root = mkdtempSync(path.join(os.tmpdir(), 'safenote-marks-'));
    mkdirSync(folder());
  });
  afterEach(() => rmSync(root, { recursive: true, force: true }));

  it('is not there until something is marked, and then kept from Git until that is wanted', async () => {
    assert.deepEqual(open().load(), { marks: [], problems: [] });
    assert.ok(!existsSync(path.join(folder(), '.safenote')));
    await open().add(mark());
    assert.match(readFileSync(path.join(folder(), '.safenote/.gitignore'), 'utf8'), /^\*$/m);
  });
  it('reads back what was written, approved here and nowhere else', async () => {
    await open().add(mark());
    assert.deepEqual(open().load(), { marks: [{ mark: mark(), approved: true }], problems: [] });
    assert.deepEqual(open('home of another').load().marks.map((m) => m.approved), [false]);
  });
  it('is a list that a person can review', async () => {
    await open().add(mark());
    await open().add(mark({ nth: 2, expires: undefined }));
    const text = readFileSync(file(), 'utf8');
    assert.match(text, /^# Findings/);
    assert.match(text, /- path: src\/a\.py\n {2}cwe:\n {4}- CWE-89\n {2}family: sql-injection[\s\S]*code: db\.execute\(q\)\n {2}reason: "q is constant: #1"\n {2}expires: 2027-03-01/);
  });
  it('holds one mark for one finding: the newest', async () => {
    await open().add(mark());
    await open().add(mark({ reason: 'other' }));
    assert.deepEqual(open().load().marks.map((m) => m.mark.reason), ['other']);
  });
  it('changed from outside is approved no more, until somebody approves it', async () => {
    await open().add(mark());
    writeFileSync(file(), readFileSync(file(), 'utf8').replace('2027-03-01', '2099-03-01'));
    const store = open();
    assert.deepEqual(store.load().marks.map((m) => m.approved), [false]);
    await store.approve(store.load().marks.map((m) => m.mark));
    assert.deepEqual(store.load().marks.map((m) => m.approved), [true]);
  });
  it('keeps what it cannot use, names it, and keeps comments', async () => {
    await open().add(mark());
    writeFileSync(file(), `# mine\n- path: x.py\n  what: is this\n${readFileSync(file(), 'utf8')}`);
    assert.equal(open().load().problems.length, 1);
    await open().add(mark({ code: 'other()' }));
    await open().remove([mark()]);
    const text = readFileSync(file(), 'utf8');
    assert.match(text, /# mine/);
    assert.match(text, /what: is this/);
    assert.deepEqual(open().load().marks.map((m) => [m.mark.code, m.approved]), [['other()', true]]);
  });
  for (const [what, text] of [['no YAML', '- path: [\n'], ['no list', 'path: a\n'], ['a bomb', `a: &a [x,x]\nb: &b [*a,*a]\nc: [*b,*b,*b]\n`], ['a bomb in a list', '- &a [x,x,x]\n- [*a,*a,*a]\n']] as const) {
    it(`that is ${what} is used for nothing, named and never overwritten`, async () => {
      mkdirSync(path.dirname(file()));
      writeFileSync(file(), text);
      const { marks, problems } = open().load();
      assert.deepEqual([marks.length, problems.length > 0], [0, true]);
      await assert.rejects(open().add(mark()), { code: 'marks-unreadable' });
      assert.ok(readFileSync(file(), 'utf8').startsWith(text.slice(0, 10)));
    });
  }
  it('is read and written inside the workspace only', async () => {
    const elsewhere = path.join(root, 'elsewhere');
    mkdirSync(elsewhere);
    symlinkSync(elsewhere, path.join(folder(), '.safenote'));
    await assert.rejects(open().add(mark()), { code: 'not-a-folder' });
    writeFileSync(path.join(elsewhere, 'false-positives.yml'), '- path: a\n');
    assert.equal(open().load().marks.length, 0);
  });
  it('holds no secret in a reason', async () => {
    await open().add(mark({ reason: 'the token ghp_abcdefghijklmnopqrstuvwxyzABCDEF1234 is revoked' }));
    assert.doesNotMatch(readFileSync(file(), 'utf8'), /ghp_/);
    assert.equal(open().load().marks[0]?.approved, true);
  });
  it('loses nothing when two write at once', async () => {
    const stores = [open(), open()];
    await Promise.all(Array.from({ length: 20 }, (_, n) => stores[n % 2]?.add(mark({ code: `run(${n})` }))));
    assert.equal(open().load().marks.filter((m) => m.approved).length, 20);
  });
  it('reads back any text (property)', async function () {
    this.timeout(20_000);
    await fc.assert(fc.asyncProperty(fc.string({ minLength: 1 }).filter((s) => s.trim() !== ''), fc.string({ minLength: 1 }), async (reason, code) => {
      rmSync(file(), { force: true });
      await open().add(mark({ reason: reason.trim(), code }));
      assert.deepEqual(open().load().marks.map((m) => [m.mark.reason, m.mark.code, m.approved]), [[reason.trim(), code, true]]);
    }), { numRuns: 40 });
  });
});

describe('The name of a file inside a folder', () => {
  it('has forward slashes, and there is none outside', () => {
    assert.equal(nameInside('/ws', '/ws/src/a.py'), 'src/a.py');
    for (const other of ['/ws', '/wsx/a.py', '/ws/../a.py', 'a.py', 'Untitled-1']) assert.equal(nameInside('/ws', other), undefined, other);
  });
});
