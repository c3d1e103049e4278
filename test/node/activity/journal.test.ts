import assert from 'node:assert/strict';
import { type ChildProcessWithoutNullStreams, spawn, spawnSync } from 'node:child_process';
import { appendFileSync, chmodSync, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import { buildSync } from 'esbuild';
import type { ActivityEvent, CompletionEvent } from '../../../src/core/activity/event.ts';
import { countersOf, sumSince } from '../../../src/core/activity/totals.ts';
import { FileActivityJournal } from '../../../src/node/activity/file-journal.ts';
import { RuleAnalyzers } from '../../../src/node/activity/rule-analyzers.ts';
import { userFolders } from '../../../src/node/user-folders.ts';
import { aNote } from '../notes/fixture.ts';

const completion = (n: number, at = '2026-11-01T10:00:00.000Z'): CompletionEvent => ({
  type: 'completion', id: `c${n}`, at, language: 'python', model: 'm', mode: 'safenote', notes: [{ id: `note-${n % 7}`, kind: 'security', cwe: 'CWE-89', shown: true, result: n % 3 === 0 ? 'failed' : 'prevented' }], knowledge: [],
  attempts: [{ security: 'pass', function: 'unavailable', findings: [] }], shown: 0, analyzers: [], learned: [], tokens: { prompt: 10, completion: 1 }, timings: { retrieveMs: 1, generateMs: 1, verifyMs: 1, totalMs: 3 },
});

describe('the activity journal', () => {
  let folder: string;
  let file: string;
  let warnings: string[];
  const log = { debug() {}, info() {}, warn: (message: string, ...details: unknown[]) => void warnings.push([message, ...details].join(' ')), error() {} };
  const journal = (o: { eventBytes?: number; keptEvents?: number; now?: () => Date } = {}) => new FileActivityJournal({ file, log, ...o });

  beforeEach(() => {
    folder = mkdtempSync(path.join(os.tmpdir(), 'safenote-activity-'));
    file = path.join(folder, 'home', 'activity', 'w.jsonl');
    warnings = [];
  });
  afterEach(() => {
    if (existsSync(path.dirname(file))) chmodSync(path.dirname(file), 0o700);
    rmSync(folder, { recursive: true, force: true });
  });

  it('lies in the folder of the user, who alone can read it', async () => {
    assert.ok(userFolders({ SAFENOTE_HOME: folder }).activity('/some/workspace').startsWith(folder));
    await journal().append(completion(1));
    if (process.platform !== 'win32') assert.equal(statSync(file).mode & 0o777, 0o600);
  });
  it('is empty before anything was done, and makes no file by being read', () => {
    assert.deepEqual(journal().totals(), { notes: {}, days: {} });
    assert.deepEqual(journal().events(), []);
    assert.ok(!existsSync(file));
  });
  it('is read by another window, which sees what is appended since', async () => {
    const [a, b] = [journal(), journal()];
    await a.append(completion(1));
    assert.equal(countersOf(b.totals(), 'note-1').prevented, 1);
    await a.append(completion(8));
    await b.append(completion(3));
    for (const each of [a, b]) assert.deepEqual([countersOf(each.totals(), 'note-1').prevented, countersOf(each.totals(), 'note-3').failed, each.events().length], [2, 1, 3]);
  });
  it('tells its own process of each event', async () => {
    const own = journal();
    let told = 0;
    const stop = own.watch(() => told++);
    await own.append(completion(1));
    stop();
    await own.append(completion(2));
    assert.equal(told, 1);
  });

  it('stays small: old events are added up, every counter is kept', async () => {
    const own = journal({ eventBytes: 20_000, keptEvents: 10 });
    for (let n = 0; n < 300; n++) await own.append(completion(n));
    assert.ok(statSync(file).size < 30_000, `${statSync(file).size} bytes`);
    for (const reader of [own, journal()]) {
      const sums = sumSince(reader.totals());
      assert.deepEqual([sums.completions, sums.promptTokens, sums.cells['CWE-89 python']], [300, 3000, { found: 0, caught: 0, prevented: 200, failed: 100 }]);
      assert.equal(Object.values(reader.totals().notes).reduce((sum, c) => sum + c.shown, 0), 300);
      const last = reader.events().at(-1) as CompletionEvent;
      assert.equal(last.id, 'c299');
      assert.ok(reader.events().length >= 10 && reader.events().length < 300);
    }
    assert.deepEqual(readdirSync(path.dirname(file)).filter((name) => name.endsWith('.tmp')), []);
  });
  it('is read whole by a window that had read it before another added it up', async () => {
    const [a, b] = [journal({ eventBytes: 10_000, keptEvents: 5 }), journal()];
    for (let n = 0; n < 60; n++) {
      await a.append(completion(n));
      if (n % 7 === 0) assert.equal(sumSince(b.totals()).completions, n + 1);
    }
    assert.equal(sumSince(b.totals()).completions, 60);
  });
  it('adds up days of long ago by month, and counts on when the clock jumps', async () => {
    const own = journal({ eventBytes: 3_000, keptEvents: 1, now: () => new Date('2026-11-28T00:00:00Z') });
    for (const at of ['2024-03-02T00:00:00.000Z', '2031-01-01T00:00:00.000Z', '2024-03-30T00:00:00.000Z', '1970-01-01T00:00:00.000Z', '2026-11-27T00:00:00.000Z', '2026-11-26T00:00:00.000Z']) {
      for (let n = 0; n < 5; n++) await own.append(completion(n, at));
    }
    const days = journal().totals().days;
    assert.equal(days['2024-03']?.completions, 10);
    assert.equal(days['2031-01-01']?.completions, 5);
    assert.equal(sumSince(journal().totals()).completions, 30);
  });

  it('passes over lines that a kill tore, and goes on after one', async () => {
    await journal().append(completion(1));
    appendFileSync(file, JSON.stringify(completion(2)).slice(0, 40));
    const own = journal();
    await own.append(completion(3));
    assert.deepEqual(own.events().map((e) => (e as CompletionEvent).id), ['c1', 'c3']);
    assert.equal(own.unreadable, 1);
  });
  it('takes no harm from foreign content, and keeps lines of a newer version', async () => {
    mkdirSync(path.dirname(file), { recursive: true });
    writeFileSync(file, `\u0000\u0001garbage\n[]\nnull\n{"type":"sums","totals":7}\n{"type":"later","at":"2027-01-01T00:00:00Z"}\n${'x'.repeat(5000)}\n`);
    const own = journal({ eventBytes: 6_000, keptEvents: 3 });
    for (let n = 0; n < 40; n++) await own.append(completion(n));
    assert.equal(sumSince(own.totals()).completions, 40);
    assert.match(readFileSync(file, 'utf8'), /"type":"later"/);
    assert.ok(statSync(file).size < 12_000);
  });
  it('begins anew when it was deleted under a window', async () => {
    const own = journal();
    await own.append(completion(1));
    rmSync(file);
    assert.equal(sumSince(own.totals()).completions, 0);
    await own.append(completion(2));
    assert.equal(sumSince(own.totals()).completions, 1);
  });

  it('keeps an event that cannot be written until it can, and says so once', async function () {
    if (process.getuid?.() === 0 || process.platform === 'win32') {
      // Root may write anywhere: a folder in the place of the file stands for the closed door.
      mkdirSync(file, { recursive: true });
    } else {
      mkdirSync(path.dirname(file), { recursive: true });
      chmodSync(path.dirname(file), 0o500);
    }
    const own = journal();
    await own.append(completion(1));
    await own.append(completion(2));
    assert.equal(warnings.filter((w) => /not written down for now/.test(w)).length, 1, warnings.join('\n'));
    if (statSync(file, { throwIfNoEntry: false })?.isDirectory()) rmSync(file, { recursive: true });
    else chmodSync(path.dirname(file), 0o700);
    await own.append(completion(3));
    assert.deepEqual(own.events().map((e) => (e as CompletionEvent).id), ['c1', 'c2', 'c3']);
  });
  it('survives a full disk: nothing that was written is lost, and what was not follows', async function () {
    if (process.platform !== 'linux' || process.getuid?.() !== 0) this.skip();
    const disk = path.join(folder, 'disk');
    mkdirSync(disk);
    if (spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=64k', 'tmpfs', disk]).status !== 0) this.skip();
    try {
      const own = new FileActivityJournal({ file: path.join(disk, 'w.jsonl'), log });
      let n = 0;
      while (warnings.length === 0 && n < 500) await own.append(completion(n++));
      assert.match(warnings.join('\n'), /disk is full/);
      const before = own.events().length;
      assert.equal(before, n - 1);
      spawnSync('mount', ['-o', 'remount,size=256k', disk]);
      await own.append(completion(n));
      const after = new FileActivityJournal({ file: path.join(disk, 'w.jsonl'), log });
      assert.deepEqual(after.events().map((e) => (e as ActivityEvent & { id: string }).id), Array.from({ length: n + 1 }, (_, i) => `c${i}`));
    } finally {
      spawnSync('umount', [disk]);
    }
  });

  describe('of several processes', () => {
    let script: string;
    before(() => {
      script = path.join(mkdtempSync(path.join(os.tmpdir(), 'safenote-activity-writer-')), 'writer.cjs');
      buildSync({ entryPoints: [path.join(import.meta.dirname, 'writer.ts')], bundle: true, platform: 'node', format: 'cjs', target: 'node22', outfile: script, logLevel: 'silent' });
    });
    after(() => rmSync(path.dirname(script), { recursive: true, force: true }));

    function start(prefix: string, count: number): { child: ChildProcessWithoutNullStreams; written: string[]; first: Promise<void>; ended: Promise<void> } {
      const child = spawn(process.execPath, [script, file, prefix, String(count), '4000']);
      const written: string[] = [];
      const first = Promise.withResolvers<void>();
      const ended = Promise.withResolvers<void>();
      createInterface({ input: child.stdout }).on('line', (line) => {
        written.push(line);
        first.resolve();
      });
      child.stderr.on('data', (data: Buffer) => process.stderr.write(data));
      child.on('close', () => {
        first.resolve();
        ended.resolve();
      });
      return { child, written, first: first.promise, ended: ended.promise };
    }

    it('loses no event of two that write at once and add up all the while', async () => {
      const writers = [start('a', 150), start('b', 150)];
      await Promise.all(writers.map((w) => w.ended));
      const totals = journal().totals();
      for (const prefix of ['a', 'b']) for (let n = 0; n < 150; n++) assert.equal(countersOf(totals, `${prefix}-${n}`).wrong, 1, `${prefix}-${n}`);
    }).timeout(60_000);

    it('loses nothing that was reported, and counts nothing twice, when writers are killed', async () => {
      const reported: string[] = [];
      const lane = async (name: string) => {
        for (let n = 0; n < 8; n++) {
          const writer = start(`${name}${n}`, 10_000);
          await writer.first;
          await sleep(Math.random() * 40);
          writer.child.kill('SIGKILL');
          await writer.ended;
          reported.push(...writer.written);
        }
      };
      await Promise.all([lane('a'), lane('b')]);
      const totals = journal().totals();
      assert.ok(reported.length >= 16);
      for (const id of reported) assert.equal(countersOf(totals, id).wrong, 1, `${id} was reported`);
      for (const [id, c] of Object.entries(totals.notes)) assert.equal(c.wrong, 1, `${id} is counted twice`);
    }).timeout(60_000);
  });
});

describe('which analyzers can judge a note', () => {
  const rules = new RuleAnalyzers(path.join(import.meta.dirname, '../../../dist'));
  it('are those that have its rule', async () => {
    assert.deepEqual(await rules.of(aNote({ rule: 'safenote.c.buffer-overflow.copy-by-source-length', language: 'c' })), ['builtin']);
    assert.deepEqual(await rules.of(aNote({ rule: 'house.rule' })), ['semgrep']);
    assert.deepEqual(await rules.of(aNote({ rule: 'py/sql-injection' })), ['codeql']);
  });
  it('are, for a note without a rule, those that have rules for its weakness in its language', async () => {
    const { rule: _, ...note } = aNote();
    assert.ok((await rules.of(note)).length > 0);
    assert.deepEqual(await rules.of({ ...note, language: 'cobol' }), []);
    assert.deepEqual(await rules.of({ ...note, cwe: 'CWE-99999' }), []);
  });
});
