import { existsSync } from 'node:fs';
import path from 'node:path';
import type { SyntaxParser } from '../../../core/syntax/outline.ts';
import { onPath, realPath } from '../../sandbox/box.ts';
import type { Detected, Project } from '../runner.ts';
import { readEdgeInputs } from './report.ts';
import { parametersOf } from './types.ts';

const MAX_FUNCTIONS = 5;
const IMPURE = /\b(?:fs|process|require|import|fetch|console|document|window|globalThis|localStorage|setTimeout|setInterval|await|async|yield|this|Math\.random|Date\.now|new Date|crypto)\b/;

/**
 * The calls are made in a thread, so that one that does not come back can be named and ended. argv: where the report goes, the
 * file, and as JSON the functions with the shapes of their parameters.
 */
const SCRIPT = `
const { Worker, isMainThread, parentPort, workerData } = require('node:worker_threads');
const fs = require('node:fs');
const [out, file, list] = process.argv.slice(1);
const functions = JSON.parse(list);
const code = \`
const { parentPort, workerData } = require('node:worker_threads');
const { createRequire } = require('node:module');
const { pathToFileURL } = require('node:url');
const fs = require('node:fs');
const inspect = require('node:util').inspect;
const { file, functions } = workerData;
const fc = createRequire(process.cwd() + '/')('fast-check');
const make = (s) => {
  switch (s.of) {
    case 'number': return fc.oneof(fc.integer(), fc.double(), fc.constantFrom(0, -0, 1, -1, NaN, Infinity));
    case 'integer': return fc.integer();
    case 'string': return fc.string({ unit: 'grapheme' });
    case 'boolean': return fc.boolean();
    case 'bigint': return fc.bigInt();
    case 'null': return fc.constant(null);
    case 'undefined': return fc.constant(undefined);
    case 'literal': return fc.constant(s.value);
    case 'array': return fc.array(make(s.item));
    case 'record': return fc.dictionary(fc.string(), make(s.item));
    case 'union': return fc.oneof(...s.options.map(make));
    case 'object': return fc.record(Object.fromEntries(Object.entries(s.fields).map(([k, v]) => [k, make(v)])));
  }
};
const shown = (args) => args.map((a) => inspect(a, { depth: 4, breakLength: Infinity, maxStringLength: 80, maxArrayLength: 20 })).join(', ').slice(0, 400);
// An error that code throws on purpose is an answer.
const deliberate = (error) => {
  if (!(error instanceof Error)) return true;
  const at = /\\\\(?(?:file:\\\\/\\\\/)?(\\\\/[^\\\\s()]+):(\\\\d+):\\\\d+\\\\)?$/m.exec((error.stack || '').split('\\\\n').slice(1).find((l) => /^\\\\s*at /.test(l)) || '');
  try { return at !== null && /\\\\b(?:throw|assert)\\\\b/.test(fs.readFileSync(at[1], 'utf8').split('\\\\n')[at[2] - 1]); } catch { return false; }
};
(async () => {
  const mod = await import(pathToFileURL(file).href);
  for (const { name, parameters } of functions) {
    const fn = mod[name] ?? mod.default?.[name] ?? (mod.default?.name === name ? mod.default : undefined);
    if (typeof fn !== 'function') { parentPort.postMessage({ row: { name, status: 'skipped', message: 'it is not exported' } }); continue; }
    let seen;
    const property = fc.property(...parameters.map((p) => make(p.shape)), (...args) => {
      const input = shown(args);
      parentPort.postMessage({ call: { name, input } });
      try { fn(...args); } catch (error) {
        if (deliberate(error)) return;
        seen = { message: name + '(' + input + ') threw ' + String(error), details: (error.stack || '').split('\\\\n').filter((l) => !/node:|node_modules|\\\\[worker eval\\\\]/.test(l)).join('\\\\n') };
        throw error;
      }
    });
    const result = fc.check(property, { numRuns: 200, seed: 42, endOnFailure: false });
    parentPort.postMessage({ row: result.failed && seen ? { name, status: 'failed', ...seen } : { name, status: 'passed' } });
  }
  parentPort.postMessage({ done: true });
})().catch((error) => { parentPort.postMessage({ failed: String(error && error.stack || error) }); });
\`;
const rows = [];
let call;
let timer;
const finish = (exit) => { if (rows.length > 0) fs.writeFileSync(out, JSON.stringify(rows)); process.exit(exit); };
const worker = new Worker(code, { eval: true, workerData: { file, functions } });
const watch = () => { clearTimeout(timer); timer = setTimeout(() => { rows.push({ name: call.name, status: 'failed', message: call.name + '(' + call.input + ') did not end within 2 s', details: '' }); finish(0); }, 2000); };
worker.on('message', (m) => {
  if (m.call) { call = m.call; watch(); }
  if (m.row) { clearTimeout(timer); rows.push(m.row); }
  if (m.done) finish(0);
  if (m.failed) { console.error(m.failed); finish(3); }
});
worker.on('error', (error) => { if (call) rows.push({ name: call.name, status: 'failed', message: call.name + '(' + call.input + ') ended the thread: ' + error.message, details: '' }); else console.error(error.stack); finish(call ? 0 : 3); });
`;

export async function detectEdgeJavascript(project: Project, parser: SyntaxParser, signal: AbortSignal): Promise<Detected> {
  const { root, workspace, document, names, env } = project;
  const node = await onPath('node', env);
  if (!node) return { unavailable: 'there is no Node on PATH' };
  if (!hasFastCheck(root, workspace)) return { unavailable: 'fast-check is not in node_modules; with it (npm install --save-dev fast-check) edge inputs can be tried' };
  const outline = await parser.outline(document, signal);
  const functions = outline.functions
    .filter((f) => names.includes(f.name))
    .flatMap((f) => {
      const parameters = IMPURE.test(document.text.slice(f.header.start, f.body.end).replace(/^\s*export\b/, '')) ? undefined : parametersOf(document.text.slice(f.header.start, f.header.end), f.documentation);
      return parameters ? [{ name: f.name, parameters }] : [];
    })
    .slice(0, MAX_FUNCTIONS);
  if (functions.length === 0) return { unavailable: 'no changed function only computes and has types that inputs can be made of' };
  const program = realPath(node);
  return {
    runner: 'fast-check', because: 'fast-check is in node_modules', targets: functions.map((f) => JSON.stringify(f)), tools: [path.dirname(path.dirname(program))], read: readEdgeInputs, byExitCode: true,
    start: (chosen, at) => ({
      command: [program, '-e', SCRIPT, `${at.tmp}/edge.json`, path.join(at.root, path.relative(root, document.path)), `[${chosen.join(',')}]`],
      environment: { NODE_ENV: 'test', NO_COLOR: '1', NODE_NO_WARNINGS: '1' }, report: [`${at.tmp}/edge.json`],
    }),
  };
}

function hasFastCheck(root: string, workspace: string): boolean {
  for (let folder = root; ; folder = path.dirname(folder)) {
    if (existsSync(path.join(folder, 'node_modules', 'fast-check', 'package.json'))) return true;
    if (folder === workspace || folder === path.dirname(folder)) return false;
  }
}
