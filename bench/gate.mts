/**
 * Does guidance reach the requests that need it, and only those? Retrieval over the library as a request does it, on ordinary
 * tasks (bench/data/ordinary-tasks.json: nothing may pass the gate) and on security tasks (the prompts of
 * cweval, sallm and codeguardplus in ../shared/data, where they are there: the right CWE should pass; SAFENOTE_DATA names another data folder). `--threshold`
 * prints the trade-off.
 */
import { mkdtempSync, readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { extensionFor } from '../src/core/language.ts';
import { SILENT } from '../src/core/log.ts';
import { DEFAULT_SETTINGS } from '../src/core/settings.ts';
import { App } from '../src/node/app.ts';
import { readPrompts } from './quality/data.ts';

const root = path.resolve(import.meta.dirname, '..');
let threshold = DEFAULT_SETTINGS['retrieval.minSimilarity'];
const settings = () => ({ ...DEFAULT_SETTINGS, 'retrieval.minSimilarity': threshold });
const app = new App({ assetsRoot: path.join(root, 'dist'), workspaceFolder: mkdtempSync(path.join(tmpdir(), 'safenote-gate-')), settings, trusted: () => true, model: () => Promise.reject(new Error('no model')), log: SILENT, semgrepWarm: false, env: { ...process.env, SAFENOTE_HOME: mkdtempSync(path.join(tmpdir(), 'safenote-home-')) } });

async function passing(code: string, language: string) {
  const document = { path: path.join(root, `task.${extensionFor(language)}`), language, text: code };
  const { context } = await app.engine.preview({ document, offset: code.length, mode: 'rescue' }, { signal: new AbortController().signal });
  return context.knowledge.filter((k) => k.passesGate).map((k) => k.item.guideline.cwe);
}

const ordinary = JSON.parse(readFileSync(path.join(root, 'bench/data/ordinary-tasks.json'), 'utf8')) as { language: string; code: string }[];
const covered = new Set((await app.assets.knowledge()).samples.map((s) => `${s.cwe} ${s.language}`));
const { prompts, missing } = readPrompts();
const security = prompts.filter((p) => p.code);
if (missing.length > 0) console.log(`security tasks of ${missing.join(', ')}: skipped, they are not there`);

for (threshold of process.argv.includes('--threshold') ? [0.2, 0.25, 0.3, 0.35, 0.4] : [threshold]) {
  let false_ = 0;
  for (const task of ordinary) {
    const cwes = await passing(task.code, task.language);
    if (cwes.length > 0) {
      false_++;
      if (process.argv.includes('--verbose')) console.log('  ordinary:', cwes.join(' '), task.code.match(/"""(.*)"""|\/\*+\s*\*?\s*([^*]*)/)?.[0]);
    }
  }
  const known = security.filter((t) => covered.has(`${t.cwe} ${t.language}`));
  let any = 0;
  let right = 0;
  for (const task of known) {
    const cwes = await passing(task.code, task.language);
    if (cwes.length > 0) any++;
    if (cwes.includes(task.cwe)) right++;
    else if (process.argv.includes('--verbose')) console.log(`  ${task.cwe} ${task.language}: got ${cwes.join(' ') || 'nothing'}`);
  }
  console.log(`gate ${threshold}: ordinary tasks with guidance ${false_}/${ordinary.length}; security tasks (CWE in the library) with guidance ${any}/${known.length}, with the right CWE ${right}/${known.length}`);
}
await app.dispose();
