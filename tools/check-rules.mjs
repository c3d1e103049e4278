// Tries the rules on their fixtures and on the knowledge samples, and prints what is missed and what is a false alarm.
//   node --import tsx tools/check-rules.mjs [language] [family] [--samples] [--no-semgrep]
// Needs no build: it bundles the analysis worker and packs the rules into .cache/check-rules.
import { build } from 'esbuild';
import { existsSync } from 'node:fs';
import { readdir, rm } from 'node:fs/promises';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { ownRules, readFixtures, runBuiltin, runSemgrep } from '../test/node/analyzers/rule-bench.ts';
import { AnalysisWorker } from '../src/node/analysis/client.ts';
import { WASM } from './build/assets.mjs';
import { plugins } from './build/bundling.mjs';
import { copyIfChanged, writeIfChanged } from './build/files.mjs';
import { readKnowledge } from './build/knowledge.mjs';
import { readRules } from './build/rules.mjs';

const root = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '..');
const words = process.argv.slice(2).filter((a) => !a.startsWith('--'));
const [language, family] = words;
const options = new Set(process.argv.slice(2).filter((a) => a.startsWith('--')));
const outdir = path.join(root, '.cache/check-rules', String(process.pid));
const never = new AbortController().signal;

process.on('SIGINT', () => process.exit(130));
let problemsFound = 0;
try {
  const rules = await readRules(root);
  const shown = rules.problems.filter((p) => !language || p.includes(`/${language}/`));
  for (const problem of shown) complain(`RULE     ${problem}`);
  await pack(rules);
  const worker = new AnalysisWorker({ assetsRoot: outdir, timeoutMs: 60_000, log: { debug() {}, info() {}, warn: console.error, error: console.error } });
  try {
    await check(rules.metadata, worker);
  } finally {
    await worker.dispose();
  }
} finally {
  await rm(outdir, { recursive: true, force: true });
}
console.log(problemsFound === 0 ? 'All rules hold.' : `${problemsFound} problems.`);
process.exitCode = problemsFound === 0 ? 0 : 1;

function complain(line) {
  problemsFound++;
  console.log(line);
}

async function pack(rules) {
  await build({
    entryPoints: [path.join(root, 'src/node/analysis/worker.ts')], outfile: path.join(outdir, 'analysis-worker.js'),
    bundle: true, platform: 'node', format: 'cjs', target: 'node22', logLevel: 'warning', plugins,
  });
  const only = (rule) => !language || rule.language === language || (language === 'typescript' && rule.language === 'tsx');
  await writeIfChanged(path.join(outdir, 'rules/builtin.json'), JSON.stringify(rules.builtin.filter(only)));
  await writeIfChanged(path.join(outdir, 'rules/semgrep.yml'), rules.semgrep);
  for (const [place, file] of Object.entries(WASM)) {
    if (!place.includes('ort-wasm')) await copyIfChanged(path.join(root, 'node_modules', file), path.join(outdir, place));
  }
}

async function check(metadata, worker) {
  const fixtures = await readFixtures(root, { ...(language ? { language } : {}), ...(family ? { family } : {}) });
  const { knowledge } = await readKnowledge(root);
  const samples = knowledge.samples
    .filter((s) => (!language || s.language === language) && (!family || Object.values(metadata).some((m) => m.family === family && m.cwe.includes(s.cwe))))
    .flatMap((s) => ['vulnerable', 'secure'].map((side) => ({ name: `${s.id} ${side}`, sample: s, side, language: s.language, extension: '', text: s[side] })));
  const texts = [...fixtures, ...samples];
  if (texts.length === 0) return void console.log('Nothing to check: there are no fixtures and no samples here.');
  const launch = options.has('--no-semgrep') ? undefined : await semgrep();
  const results = {};
  results.builtin = await runBuiltin(worker, texts, never).catch((error) => void complain(`RULE     ${error.message}`));
  if (launch) {
    const { hits, broken } = await runSemgrep(launch, path.join(outdir, 'rules/semgrep.yml'), texts, never);
    for (const line of broken) complain(`SEMGREP  ${line}`);
    results.semgrep = hits;
  }
  checkFixtures(fixtures, metadata, results);
  checkSamples(samples, metadata, results);
}

function checkFixtures(fixtures, metadata, results) {
  const families = new Map();
  for (const fixture of fixtures) {
    const name = fixture.name.split('/').slice(0, 2).join('/');
    families.set(name, [...(families.get(name) ?? []), fixture]);
  }
  const untried = new Set(Object.values(metadata).filter((m) => (!language || m.language === language) && (!family || m.family === family) && m.language !== 'typescript' && m.language !== 'cpp').map((m) => `${m.language}/${m.family}`));
  for (const [name, files] of families) {
    untried.delete(name);
    const [folder, fam] = name.split('/');
    const parts = [];
    for (const engine of Object.keys(results).filter((e) => results[e])) {
      const own = ownRules(metadata, engine, folder, fam);
      if (own.length === 0) continue;
      const unproved = new Set(own);
      const vulnerable = files.filter((f) => f.side === 'vulnerable');
      let found = 0;
      for (const file of vulnerable) {
        const hits = results[engine].get(file.name) ?? [];
        for (const hit of hits) unproved.delete(hit.ruleId);
        if (hits.some((hit) => metadata[hit.ruleId]?.family === fam)) found++;
        else complain(`MISS     ${engine.padEnd(8)} ${file.name}`);
      }
      for (const file of files.filter((f) => f.side === 'secure')) {
        for (const hit of results[engine].get(file.name) ?? []) complain(`ALARM    ${engine.padEnd(8)} ${file.name}:${hit.line} ${hit.ruleId}`);
      }
      for (const rule of unproved) complain(`UNPROVED ${engine.padEnd(8)} ${rule} fires on no vulnerable file of ${name}`);
      parts.push(`${engine} ${found}/${vulnerable.length}`);
    }
    console.log(`${name.padEnd(36)} ${parts.join(', ')}; ${files.filter((f) => f.side === 'secure').length} secure`);
  }
  for (const name of untried) complain(`FIXTURES none for ${name}`);
}

function checkSamples(samples, metadata, results) {
  let flagged = 0;
  let expected = 0;
  for (const { name, sample, side } of samples) {
    const all = Object.entries(results).flatMap(([engine, hits]) => (hits?.get(name) ?? []).map((hit) => ({ engine, ...hit })));
    if (side === 'secure') for (const hit of all) complain(`ALARM    ${hit.engine.padEnd(8)} knowledge/${name}:${hit.line} ${hit.ruleId}`);
    else if (Object.values(metadata).some((m) => m.language === sample.language && m.cwe.includes(sample.cwe))) {
      expected++;
      const families = new Set(Object.values(metadata).filter((m) => m.cwe.includes(sample.cwe)).map((m) => m.family));
      if (all.some((hit) => families.has(metadata[hit.ruleId]?.family))) flagged++;
      else complain(`MISS     both     knowledge/${name}${all.length > 0 ? ` (only ${[...new Set(all.map((h) => h.ruleId))].join(', ')})` : ''}`);
    }
  }
  if (samples.length > 0) console.log(`Knowledge samples: ${flagged} of ${expected} vulnerable sides flagged whose weakness has a rule.`);
}

/** The project's own Semgrep, as set-up installs it. */
async function semgrep() {
  const lib = path.join(root, '.venv/lib');
  const python = existsSync(lib) ? (await readdir(lib)).find((f) => f.startsWith('python')) : undefined;
  const core = python && path.join(lib, python, 'site-packages/semgrep/bin/semgrep-core');
  if (core && existsSync(core)) return { command: core, argv0: 'osemgrep', shown: core, version: '', from: 'setting' };
  console.log('Semgrep is not in .venv (npm run setup puts it there): its rules are not tried.');
  return undefined;
}
