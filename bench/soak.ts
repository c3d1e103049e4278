/**
 * A long session: thousands of edits in files with findings, each planned in the queue of checks as the editor does, the newest
 * of a file winning; real rules, a warm Semgrep, one findings store. What must stay flat is memory, and what must be gone at the end is
 * every process.
 */
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { SILENT } from '../src/core/log.ts';
import { DEFAULT_SETTINGS } from '../src/core/settings.ts';
import { LineIndex } from '../src/core/source.ts';
import { codeOnly } from '../src/core/verification/code-only.ts';
import { App } from '../src/node/app.ts';
import { CheckQueue } from '../src/vscode/findings/check-queue.ts';
import { FindingsStore } from '../src/vscode/findings/findings-store.ts';
import type { BenchRow } from './rows.ts';

const SEMGREP = path.resolve(import.meta.dirname, '../.venv/bin/semgrep');
const BODY = Array.from({ length: 8 }, (_, n) => `def find_${n}(db, name):\n    """Find ${n}."""\n    return db.execute("SELECT * FROM t${n} WHERE name = ?", (name,)).fetchall()\n`).join('\n\n');
const BAD = 'def bad(db, name):\n    return db.execute("SELECT * FROM t WHERE name = \'" + name + "\'").fetchall()\n';

export interface Soak {
  readonly edits: number;
  /** Checks that ran to their end; the others gave way to newer ones, or had only comments to look at. */
  readonly checked: number;
  /** Memory of this process, in MB, after the first tenth and at the end. */
  readonly early: number;
  readonly late: number;
  readonly errors: readonly string[];
  /** Findings that are open in the end, and those that should be. */
  readonly open: number;
  readonly wanted: number;
  /** Processes that were started and are still there. */
  readonly orphans: number;
}

/** Runs `edits` edits over four files. */
export async function soak(edits: number): Promise<Soak> {
  const home = mkdtempSync(path.join(tmpdir(), 'safenote-soak-'));
  const app = new App({
    assetsRoot: path.resolve(import.meta.dirname, '../dist'), workspaceFolder: home, settings: () => DEFAULT_SETTINGS, trusted: () => true, model: () => Promise.reject(new Error('none')), log: SILENT, semgrepWarm: true,
    env: { ...process.env, SAFENOTE_HOME: path.join(home, 'home'), ...(existsSync(SEMGREP) ? { SAFENOTE_SEMGREP: SEMGREP } : {}) },
  });
  const errors: string[] = [];
  const queue = new CheckQueue({ onError: (_, error) => errors.push(String(error)) });
  const store = new FindingsStore();
  const before = children();
  const files = Array.from({ length: 4 }, (_, n) => ({ path: path.join(home, `f${n}.py`), language: 'python', text: `import sqlite3\n\n\n${BODY}\n\n${BAD}` }));
  const known = new Map<string, string>();
  let checked = 0;
  let early = 0;
  try {
    for (let n = 0; n < edits; n++) {
      const file = files[n % files.length];
      if (!file) break;
      // A comment, a statement, a second bad function that comes and goes, in turns.
      const kind = Math.floor(n / files.length) % 5;
      const at = file.text.indexOf('\n\n\n') + 3;
      const [length, text] = kind === 0 ? [0, `# remark ${n}\n`] : kind === 1 ? [0, `LIMIT_${n} = ${n}\n`] : kind === 2 ? [0, `${BAD.replace('bad', `bad_${n}`)}\n\n`] : [file.text.indexOf(kind === 3 ? 'LIMIT_' : 'def find_0') - at, ''];
      if (length < 0) continue;
      file.text = file.text.slice(0, at) + text + file.text.slice(at + length);
      const lines = new LineIndex(file.text);
      const placeAt = (offset: number) => {
        const { line, column } = lines.placeAt(offset);
        return { line: line - 1, character: column - 1 };
      };
      store.edit(file.path, [{ offset: at, length, text }], placeAt);
      const now = { ...file };
      queue.later('check', file.path, 1, async (signal) => {
        const code = codeOnly(now.text, now.language);
        if (known.get(now.path) === code) return;
        const { findings } = await app.verifier.verifyDocument(now, { signal });
        if (now.text !== file.text) return;
        store.put(now.path, { kind: 'file' }, findings.map((finding) => ({ finding, ...lines.toOffsets(finding) })), placeAt);
        known.set(now.path, code);
        checked++;
      });
      // A burst, then a breath, as people type.
      if (n % 8 === 7) await queue.idle();
      if (n === Math.floor(edits / 10)) early = memory();
    }
    await queue.idle();
    const late = memory();
    const wanted = files.reduce((sum, { text }) => sum + (text.match(/def bad/g)?.length ?? 0), 0);
    const open = files.reduce((sum, { path: file }) => sum + store.of(file).length, 0);
    queue.dispose();
    await app.dispose();
    await new Promise((resolve) => setTimeout(resolve, 200));
    return { edits, checked, early, late, errors, open, wanted, orphans: [...children()].filter((pid) => !before.has(pid)).length };
  } finally {
    queue.dispose();
    await app.dispose();
    rmSync(home, { recursive: true, force: true });
  }
}

function memory(): number {
  (globalThis as { gc?: () => void }).gc?.();
  return process.memoryUsage().rss / 1e6;
}

/** Processes below this one that run. Empty where the system does not say. */
function children(): ReadonlySet<number> {
  if (!existsSync('/proc/self/stat')) return new Set();
  const parents = new Map<number, number>();
  for (const name of readdirSync('/proc')) {
    if (!/^\d+$/.test(name)) continue;
    try {
      const [state, parent] = (readFileSync(`/proc/${name}/stat`, 'utf8').split(') ').at(-1) ?? '').split(' ');
      if (state !== 'Z') parents.set(Number(name), Number(parent));
    } catch {
      // It has just ended.
    }
  }
  const own = new Set<number>([process.pid]);
  for (let grown = true; grown; ) {
    grown = false;
    for (const [pid, parent] of parents) if (own.has(parent) && !own.has(pid)) grown = Boolean(own.add(pid));
  }
  own.delete(process.pid);
  return own;
}

export async function run(): Promise<BenchRow[]> {
  const result = await soak(2_000);
  return [
    { name: 'soak: edits', value: result.edits, unit: '', note: `${result.checked} checks ran to their end` },
    { name: 'soak: memory at the end over that after a tenth', value: result.late / result.early, unit: '', budget: 1.25, note: `${result.early.toFixed(0)} → ${result.late.toFixed(0)} MB` },
    { name: 'soak: errors', value: result.errors.length, unit: '', budget: 0 },
    { name: 'soak: findings that should be open and are not, or the other way', value: Math.abs(result.open - result.wanted), unit: '', budget: 0 },
    { name: 'soak: processes left behind', value: result.orphans, unit: '', budget: 0 },
  ];
}
