/**
 * Does guidance reach the requests that need it, and only those? Retrieval over the library as a request does it, on ordinary
 * tasks (bench/data/ordinary-tasks.json: nothing may pass the gate) and on security tasks (the prompts of
 * ../shared/data/cweval, where it is there: the right CWE should pass). `--threshold` prints the trade-off.
 */
import { existsSync, mkdtempSync, readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { normalizeCwe } from '../src/core/cwe.ts';
import { canonicalLanguage, extensionFor } from '../src/core/language.ts';
import { SILENT } from '../src/core/log.ts';
import { DEFAULT_SETTINGS } from '../src/core/settings.ts';
import { App } from '../src/node/app.ts';

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
const file = path.join(root, '../shared/data/cweval/tasks.jsonl');
const covered = new Set((await app.assets.knowledge()).samples.map((s) => `${s.cwe} ${s.language}`));
const security = existsSync(file)
  ? readFileSync(file, 'utf8').trim().split('\n').map((line) => JSON.parse(line) as { cwe: string; language: string; prompt: string })
      .map((t) => ({ ...t, cwe: normalizeCwe(t.cwe) ?? '', language: canonicalLanguage(t.language === 'js' ? 'javascript' : t.language) }))
  : [];
if (security.length === 0) console.log(`security tasks: skipped, ${path.relative(root, file)} is not there`);

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
    const cwes = await passing(task.prompt, task.language);
    if (cwes.length > 0) any++;
    if (cwes.includes(task.cwe)) right++;
    else if (process.argv.includes('--verbose')) console.log(`  ${task.cwe} ${task.language}: got ${cwes.join(' ') || 'nothing'}`);
  }
  console.log(`gate ${threshold}: ordinary tasks with guidance ${false_}/${ordinary.length}; security tasks (CWE in the library) with guidance ${any}/${known.length}, with the right CWE ${right}/${known.length}`);
}
await app.dispose();
