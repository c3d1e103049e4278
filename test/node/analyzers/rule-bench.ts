/** Runs all rules over fixtures and knowledge samples; used by the test of the rules and by `tools/check-rules.mjs`. */
import { existsSync } from 'node:fs';
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { extensionFor, languageOfPath } from '../../../src/core/language.ts';
import type { AnalysisWorker } from '../../../src/node/analysis/client.ts';
import type { SemgrepLaunch } from '../../../src/node/analyzers/semgrep/launch.ts';
import { scanOnce } from '../../../src/node/analyzers/semgrep/one-shot.ts';

export interface CheckedText {
  /** For people: a path or a sample's id. */
  readonly name: string;
  readonly language: string;
  readonly extension: string;
  readonly text: string;
}

export interface Fixture extends CheckedText {
  readonly family: string;
  readonly side: 'vulnerable' | 'secure';
}

/** Who fired where, by rule. */
export interface Hit {
  readonly ruleId: string;
  readonly line: number;
}

export type Engine = 'builtin' | 'semgrep';
export type RuleMetadata = Readonly<Record<string, { cwe: string[]; family: string; language: string; engines: Engine[] }>>;

/** Fixtures of `test/fixtures/rules`, of one language or family where named. */
export async function readFixtures(root: string, only: { language?: string; family?: string } = {}): Promise<Fixture[]> {
  const folder = path.join(root, 'test/fixtures/rules');
  if (!existsSync(folder)) return [];
  const files = (await readdir(folder, { recursive: true })).map((f) => f.split(path.sep).join('/')).sort();
  const fixtures: Fixture[] = [];
  for (const file of files) {
    const [, language, family, name] = /^([^/]+)\/([^/]+)\/([^/]+\.[a-z+]+)$/.exec(file) ?? [];
    if (!language || !family || !name || (only.language && only.language !== language) || (only.family && only.family !== family)) continue;
    const side = /^(vulnerable|secure)/.exec(name)?.[1];
    if (side !== 'vulnerable' && side !== 'secure') continue;
    fixtures.push({ name: file, language: languageOfPath(name) === 'plaintext' ? language : languageOf(language, name), extension: path.extname(name).slice(1), family, side, text: await readFile(path.join(folder, file), 'utf8') });
  }
  return fixtures;
}

/** A header in a C++ folder is C++. */
function languageOf(folder: string, name: string): string {
  const own = languageOfPath(name);
  return own === 'c' && folder === 'cpp' ? 'cpp' : own;
}

/** What the built-in rules say, by text name. A text that was not checked is an error. */
export async function runBuiltin(worker: AnalysisWorker, texts: readonly CheckedText[], signal: AbortSignal): Promise<Map<string, Hit[]>> {
  const hits = new Map<string, Hit[]>();
  const broken = new Set<string>();
  for (const [language, file] of [...new Set(texts.map((t) => t.language))].flatMap((l) => (l === 'typescript' ? [[l, 'a.ts'], [l, 'a.tsx']] : [[l, 'a']]) as [string, string][])) {
    for (const rule of await worker.checkRules(language, file, signal)) broken.add(rule);
  }
  for (const text of texts) {
    const result = await worker.scan({ path: `/${text.name}`, language: text.language, text: text.text }, signal);
    for (const rule of result.brokenRules) broken.add(rule);
    hits.set(text.name, result.findings.map((f) => ({ ruleId: f.ruleId, line: f.startLine })));
  }
  if (broken.size > 0) throw new Error(`ast-grep refuses rules:\n${[...broken].join('\n')}`);
  return hits;
}

/** What the Semgrep rules say, in one run. Rules that Semgrep refuses are in `broken`. */
export async function runSemgrep(launch: SemgrepLaunch, rules: string, texts: readonly CheckedText[], signal: AbortSignal): Promise<{ hits: Map<string, Hit[]>; broken: string[] }> {
  const folder = await mkdtemp(path.join(os.tmpdir(), 'safenote-rules-'));
  try {
    const names = new Map<string, string>();
    for (const [index, text] of texts.entries()) {
      const file = `t${index}.${text.extension || extensionFor(text.language)}`;
      names.set(file, text.name);
      await writeFile(path.join(folder, file), text.text);
    }
    const output = await scanOnce(launch, { configs: [rules], targets: ['.'], cwd: folder, signal, timeoutMs: 300_000 });
    const hits = new Map<string, Hit[]>(texts.map((t) => [t.name, []]));
    for (const match of output.matches) hits.get(names.get(path.basename(match.path)) ?? '')?.push({ ruleId: match.ruleId.replace(/^.*?(?=safenote\.)/, ''), line: match.startLine });
    return { hits, broken: output.problems.map((p) => `${p.ruleId ?? ''} ${names.get(path.basename(p.path ?? '')) ?? p.path ?? ''} ${p.type}: ${p.message.replace(/\s+/g, ' ').slice(0, 300)}`.trim()) };
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** Rules of a family that are asked for by its fixtures: a twin (TypeScript's of JavaScript, C++'s of C) is proved by those of its original. */
export function ownRules(metadata: RuleMetadata, engine: Engine, language: string, family: string): string[] {
  return Object.entries(metadata)
    .filter(([id, m]) => m.family === family && m.language === language && m.engines.includes(engine) && !isTwin(metadata, id))
    .map(([id]) => id);
}

function isTwin(metadata: RuleMetadata, id: string): boolean {
  return [id.replace(/^safenote\.typescript\./, 'safenote.javascript.'), id.replace(/^safenote\.cpp\./, 'safenote.c.')].some((original) => original !== id && original in metadata);
}
