import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, readFileSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { SILENT } from '../../../src/core/log.ts';
import { NO_EXTRAS } from '../../../src/core/notebook/note-markdown.ts';
import { noteRow } from '../../../src/core/notebook/transfer/rows.ts';
import { DEFAULT_SETTINGS } from '../../../src/core/settings.ts';
import { App } from '../../../src/node/app.ts';
import { exportNotes, importNotes } from '../../../src/node/notes/transfer.ts';
import { HOSTILE } from '../../fixtures/hostile-notes.ts';
import { Workspace, aNote } from './fixture.ts';

const root = path.resolve(import.meta.dirname, '../../..');
const cliFile = path.join(root, 'dist/cli.js');
const signal = new AbortController().signal;

describe('importing and exporting notes', function () {
  this.timeout(60_000);
  let workspace: Workspace;
  let app: App;
  const apps: App[] = [];

  const open = (folder: string): App => {
    mkdirSync(folder, { recursive: true });
    const made = new App({ assetsRoot: path.join(root, 'dist'), workspaceFolder: folder, settings: () => DEFAULT_SETTINGS, trusted: () => true, model: () => Promise.reject(new Error('no model here')), log: SILENT, semgrepWarm: false, env: { ...process.env, SAFENOTE_HOME: path.join(workspace.folder, 'home') } });
    apps.push(made);
    return made;
  };
  const other = () => open(path.join(workspace.folder, 'other'));
  const out = (name: string) => path.join(workspace.folder, 'out', name);
  const texts = async (of: App) => Object.fromEntries((await of.store.load()).notes.map(({ note, file }) => [note.id, readFileSync(file, 'utf8')]));
  beforeEach(async () => {
    workspace = new Workspace();
    app = open(workspace.root);
    await app.store.create(aNote({ secureExample: 'cursor.execute("SELECT ?", (name,))' }));
    await app.store.create(aNote({ id: 'tests-1', kind: 'function', guidance: '', tasks: ['a', 'b'] }));
    await app.store.create(aNote({ id: 'muted-1', status: 'muted', statusReason: 'no', guidance: 'x' }));
  });
  afterEach(async () => {
    for (const made of apps.splice(0)) await made.dispose();
    workspace.dispose();
  });

  for (const format of ['markdown', 'jsonl'] as const) {
    it(`goes through ${format} and back exactly, quarantined, and a second time changes nothing`, async () => {
      const target = out(format === 'markdown' ? 'notes' : 'notes.jsonl');
      assert.equal((await exportNotes(app, target, format, { signal })).exported, 3);
      const there = other();
      const report = await importNotes(there, target, format, { signal });
      // An approved text is approved by its hash, for its own workspace alone.
      assert.deepEqual([report.imported.toSorted(), report.skipped, (await there.store.load()).notes.map((n) => n.quarantined)], [['muted-1', 'sql-injection-1', 'tests-1'], [], [true, true, true]]);
      assert.deepEqual(await texts(there), await texts(app));
      const again = await importNotes(there, target, format, { signal });
      assert.deepEqual([again.imported, again.present], [[], 3]);
    });
  }

  it('keeps what is here where another text has the same id, and says so', async () => {
    const target = out('notes.jsonl');
    await exportNotes(app, target, 'jsonl', { signal });
    await app.store.modify('sql-injection-1', (note) => ({ ...note, guidance: 'Changed here.' }));
    const report = await importNotes(app, target, 'jsonl', { signal });
    assert.deepEqual([report.imported, report.kept, report.present], [[], ['sql-injection-1'], 2]);
    assert.equal((await app.store.get('sql-injection-1'))?.note.guidance, 'Changed here.');
  });

  it('names each row that cannot be used, and takes the others', async () => {
    mkdirSync(out(''), { recursive: true });
    const pair = { cwe: 'CWE-022', language: 'py', description: 'Open a file.', vulnerable: 'open(name)', secure: 'open(safe(name))' };
    const secret = `AKIA${'QWERTYUIOPASDFGH'}`;
    writeFileSync(out('mixed.jsonl'), ['{', JSON.stringify(pair), '', JSON.stringify({ ...pair, cwe: 'x' }), noteRow({ note: aNote({ id: 'a-1', guidance: `the key ${secret}` }), extras: NO_EXTRAS }), JSON.stringify(pair)].join('\r\n'));
    const report = await importNotes(app, out('mixed.jsonl'), 'jsonl', { signal });
    assert.deepEqual([report.rows, report.imported.length, report.present, report.skipped.map((s) => s.where)], [5, 2, 1, ['line 1', 'line 4']]);
    const { notes } = await app.store.load();
    assert.ok(notes.some(({ note }) => note.cwe === 'CWE-22' && note.origin === 'import' && note.secureExample === 'open(safe(name))'));
    assert.ok(!readFileSync(workspace.file('notes/security/a-1.md'), 'utf8').includes(secret));
    const again = await importNotes(app, out('mixed.jsonl'), 'jsonl', { signal });
    assert.deepEqual(again.imported, []);
    await assert.rejects(importNotes(app, out('none.jsonl'), 'jsonl', { signal }), { code: 'no-file' });
  });

  it('stops when it is cancelled and keeps what it has', async () => {
    mkdirSync(out(''), { recursive: true });
    writeFileSync(out('many.jsonl'), Array.from({ length: 20 }, (_, at) => noteRow({ note: aNote({ id: `m-${at}`, guidance: `${at}` }), extras: NO_EXTRAS })).join('\n'));
    const controller = new AbortController();
    await assert.rejects(importNotes(app, out('many.jsonl'), 'jsonl', { signal: controller.signal, onProgress: (done) => done === 5 && controller.abort() }), { name: 'AbortError' });
    assert.equal((await app.store.load()).notes.length, 3 + 5);
    assert.deepEqual([(await importNotes(app, out('many.jsonl'), 'jsonl', { signal })).imported.length], [15]);
  });

  it('makes notes of a SARIF file about the code as it stands, the same ones each time', async () => {
    writeFileSync(path.join(workspace.root, 'shop.py'), 'def other():\n    pass\n\n\ndef find(cursor, name):\n    """Find a user by name."""\n    cursor.execute("SELECT * FROM u WHERE n = " + name)\n');
    const result = (uri: string) => ({ ruleId: 'py/sql', message: { text: 'SQL built from text.' }, locations: [{ physicalLocation: { artifactLocation: { uri }, region: { startLine: 7, startColumn: 5, endColumn: 60 } } }] });
    mkdirSync(out(''), { recursive: true });
    writeFileSync(out('ci.sarif'), JSON.stringify({ version: '2.1.0', runs: [{ tool: { driver: { name: 'CI', rules: [{ id: 'py/sql', properties: { tags: ['security', 'external/cwe/cwe-089'] } }] } }, results: [result('shop.py'), result('gone.py')] }] }));
    const report = await importNotes(app, out('ci.sarif'), 'sarif', { signal });
    assert.deepEqual([report.imported.length, report.skipped.map((s) => s.where)], [1, ['gone.py']]);
    const stored = (await app.store.get(report.imported[0]!))!;
    assert.deepEqual([stored.note.cwe, stored.note.origin, stored.quarantined, stored.note.frequency], ['CWE-89', 'ci', true, 1]);
    assert.match(stored.note.erroneousCode, /def find\(cursor, name\):[^]*SELECT/);
    assert.match(stored.note.tasks[0] ?? '', /Find a user by name/);
    assert.deepEqual((await importNotes(app, out('ci.sarif'), 'sarif', { signal })).imported, []);
  });

  it('writes pairs, preferences and rules of what is approved and not muted, and says what it left out', async () => {
    writeFileSync(workspace.file('notes/security/foreign.md'), readFileSync(workspace.file('notes/security/sql-injection-1.md'), 'utf8').replaceAll('sql-injection-1', 'foreign').replace('Bind values.', 'FOREIGN'));
    const pairs = await exportNotes(app, out('pairs.jsonl'), 'pairs', { signal });
    assert.deepEqual([pairs.exported, pairs.left], [1, { 'not approved': 1, 'without a secure example': 1, muted: 1 }]);
    const row = JSON.parse(readFileSync(out('pairs.jsonl'), 'utf8')) as Record<string, unknown>;
    assert.deepEqual(Object.keys(row), ['id', 'source', 'cwe', 'language', 'func_name', 'file_name', 'description', 'vulnerable', 'secure', 'deleted_lines', 'added_lines', 'commit_link']);
    assert.equal((await exportNotes(app, out('preferences.jsonl'), 'preferences', { signal })).exported, 1);
    await assert.rejects(exportNotes(app, out('pairs.jsonl'), 'pairs', { signal }), { code: 'file-exists' });
    writeFileSync(path.join(workspace.root, 'AGENTS.md'), '# Ours\n');
    for (let i = 0; i < 2; i++) await exportNotes(app, path.join(workspace.root, 'AGENTS.md'), 'agents', { signal });
    const rules = readFileSync(path.join(workspace.root, 'AGENTS.md'), 'utf8');
    assert.match(rules, /^# Ours\n\n<!-- safenote:begin[^]*CWE-89[^]*Bind values\.[^]*safenote:end -->\n$/);
    assert.doesNotMatch(rules, /FOREIGN/);
  });

  it('does not replace what is there', async () => {
    await exportNotes(app, out('notes'), 'markdown', { signal });
    writeFileSync(out('notes/security/sql-injection-1.md'), "the team's own");
    await assert.rejects(exportNotes(app, out('notes'), 'markdown', { signal }), { code: 'file-exists' });
    assert.equal(readFileSync(out('notes/security/sql-injection-1.md'), 'utf8'), "the team's own");
    await exportNotes(app, out('notes'), 'markdown', { signal, force: true });
    assert.deepEqual(readdirSync(out('notes/security')).sort(), ['muted-1.md', 'sql-injection-1.md']);
  });

  describe('of strangers', () => {
    // eslint-disable-next-line no-control-regex
    const UNSEEN = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\ufeff]|[\u{e0000}-\u{e0fff}]/u;
    const cli = (...args: string[]) => spawnSync(process.execPath, [cliFile, ...args, '--workspace', workspace.root], { env: { ...process.env, SAFENOTE_HOME: path.join(workspace.folder, 'home') }, encoding: 'utf8' });
    let folder: string;
    const written: string[] = [];
    beforeEach(() => {
      folder = out('strangers');
      mkdirSync(folder, { recursive: true });
      written.length = 0;
      for (const { file, content } of HOSTILE) {
        try {
          writeFileSync(path.join(folder, file), content);
          written.push(file);
        } catch {
          // A name that this system does not allow.
        }
      }
      writeFileSync(path.join(workspace.folder, 'secret.txt'), '---\nkind: security\n---\n## Task\nSTOLEN\n');
      symlinkSync(path.join(workspace.folder, 'secret.txt'), path.join(folder, 'link.md'));
      symlinkSync('/', path.join(folder, 'all'));
      spawnSync('mkfifo', [path.join(folder, 'pipe.md')]);
    });

    it('come in quarantined or are named, write nowhere else, and reach the terminal in visible letters only', () => {
      const before = readdirSync(workspace.folder).sort();
      const took = cli('notebook', 'import', folder, '--format', 'markdown');
      assert.equal(took.status, 1, took.stderr);
      const listed = cli('notebook', 'list');
      assert.equal(listed.status, 0, listed.stderr);
      const notes = HOSTILE.filter((h) => h.reads === 'note' && written.includes(h.file));
      for (const { file } of notes) assert.match(listed.stdout, new RegExp(`^${file.replace('.md', '')} .*quarantined`, 'm'));
      assert.doesNotMatch(listed.stdout + took.stdout, /STOLEN/);
      const shown = cli('notebook', 'show', 'payload-22');
      const asJson = cli('notebook', 'list', '--json');
      for (const { stdout, stderr } of [took, listed, shown, cli('notebook', 'show', 'payload-25'), cli('notebook', 'check')]) assert.doesNotMatch(stdout + stderr, UNSEEN);
      assert.equal((JSON.parse(asJson.stdout) as { notes: { quarantined: boolean }[] }).notes.filter((n) => n.quarantined).length, notes.length);
      assert.deepEqual(readdirSync(workspace.folder).sort(), before);
      assert.ok(!existsSync(path.join(process.cwd(), 'x')) && !existsSync(path.join(process.cwd(), 'y')));
      for (const kind of ['security', 'function']) for (const name of readdirSync(workspace.file('notes', kind))) assert.ok(statSync(workspace.file('notes', kind, name)).isFile());
    });

    it('come through JSON lines no better', async () => {
      const there = other();
      await importNotes(there, folder, 'markdown', { signal });
      await exportNotes(there, out('strangers.jsonl'), 'jsonl', { signal });
      const report = await importNotes(app, out('strangers.jsonl'), 'jsonl', { signal });
      assert.deepEqual(report.skipped, []);
      assert.deepEqual((await app.store.load()).notes.filter((n) => report.imported.includes(n.note.id) && !n.quarantined), []);
    });
  });
});
