// rules/{builtin,semgrep}/<language>/*.yml → builtin.json, semgrep.yml and metadata.json. The formats are in docs/architecture.md.
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { parseAllDocuments, stringify } from 'yaml';
import { filesBelow } from './files.mjs';

const ID = /^safenote\.([a-z]+)\.([a-z0-9-]+)(\.[a-z0-9-]+)*$/;
const CWE = /^CWE-(?!0)\d+$/;
const SEVERITIES = new Set(['error', 'warning', 'info']);
/** Semgrep's names for our languages, in `languages:` of a rule. */
const SEMGREP_LANGUAGES = { js: 'javascript', ts: 'typescript', py: 'python', 'c++': 'cpp', golang: 'go' };

/**
 * Reads and checks every rule. Returns `{builtin, semgrep, metadata, problems}`: `builtin` is ast-grep rules (one entry a
 * grammar: a JavaScript rule is there again for `typescript` and `tsx`, under one TypeScript id, a C rule for `cpp`), `semgrep` the YAML text
 * of all rules in one file, `metadata` maps rule id → `{cwe, family, language, languages?, severity, message, engines}`.
 */
export async function readRules(root) {
  const problems = [];
  const builtin = [];
  const semgrep = [];
  const metadata = {};
  const seen = { builtin: new Map(), semgrep: new Map() };

  const describe = (engine, rule, language, where) => {
    const earlier = seen[engine].get(rule.id);
    if (earlier) return void problems.push(`${where}: the id is already used in ${earlier}.`);
    seen[engine].set(rule.id, where);
    const entry = { cwe: rule.metadata.cwe, family: rule.metadata.family, language, severity: rule.severity, message: oneLine(rule.message) };
    // Which languages a Semgrep rule serves: where there is none for a language, Semgrep must not be read as having checked it.
    if (engine === 'semgrep') entry.languages = rule.languages.map((l) => SEMGREP_LANGUAGES[l] ?? l);
    const twin = metadata[rule.id];
    if (!twin) return void (metadata[rule.id] = { ...entry, engines: [engine] });
    twin.engines.push(engine);
    if (entry.languages) twin.languages = entry.languages;
    if (twin.family !== entry.family || twin.cwe.join() !== entry.cwe.join()) {
      problems.push(`${where}: the rule of the same id in the other engine has another family or CWE.`);
    }
  };

  for (const { file, language, documents } of await readYaml(root, 'builtin', problems)) {
    for (const rule of documents) {
      const where = `${file} (${rule?.id ?? 'no id'})`;
      const wrong = checkCommon(rule, language, severityOf);
      if (!rule?.rule || typeof rule.rule !== 'object') wrong.push('"rule" is missing');
      if (rule?.language !== language) wrong.push(`"language" is ${rule?.language}, the folder says ${language}`);
      if (wrong.length > 0) {
        problems.push(`${where}: ${wrong.join('; ')}.`);
        continue;
      }
      for (const variant of variantsOf({ ...rule, severity: severityOf(rule.severity), message: oneLine(rule.message) })) {
        builtin.push(variant);
        if (variant.language !== 'tsx') describe('builtin', variant, variant.language, where);
      }
    }
  }

  for (const { file, language, documents } of await readYaml(root, 'semgrep', problems)) {
    for (const rule of documents.flatMap((document) => document?.rules ?? [])) {
      const where = `${file} (${rule?.id ?? 'no id'})`;
      const wrong = checkCommon(rule, language, severityOf);
      const languages = (Array.isArray(rule?.languages) ? rule.languages : []).map((l) => SEMGREP_LANGUAGES[l] ?? l);
      if (!languages.includes(language)) wrong.push(`"languages" does not name ${language}, the folder's language`);
      if (wrong.length > 0) {
        problems.push(`${where}: ${wrong.join('; ')}.`);
        continue;
      }
      semgrep.push(rule);
      describe('semgrep', { ...rule, severity: severityOf(rule.severity) }, language, where);
    }
    if (documents.some((document) => !Array.isArray(document?.rules))) problems.push(`${file}: a Semgrep file is one list under "rules:".`);
  }

  return {
    builtin,
    semgrep: stringify({ rules: semgrep }, { lineWidth: 0, aliasDuplicateObjects: false }),
    metadata: Object.fromEntries(Object.entries(metadata).sort(([a], [b]) => (a < b ? -1 : 1))),
    problems,
  };
}

async function readYaml(root, engine, problems) {
  const folder = path.join(root, 'rules', engine);
  const result = [];
  for (const relative of (await filesBelow(folder)).filter((f) => /\.ya?ml$/.test(f))) {
    const file = `rules/${engine}/${relative}`;
    const documents = parseAllDocuments(await readFile(path.join(folder, relative), 'utf8'));
    const errors = documents.flatMap((document) => document.errors);
    if (errors.length > 0) {
      problems.push(`${file}: not valid YAML: ${errors[0].message}`);
      continue;
    }
    try {
      result.push({ file, language: relative.split('/')[0], documents: documents.map((document) => document.toJS()).filter((value) => value !== null) });
    } catch (error) {
      // An alias whose anchor is in another document, for one.
      problems.push(`${file}: not valid YAML: ${error.message}`);
    }
  }
  return result;
}

/** What both engines' rules must say; returns what is wrong. */
function checkCommon(rule, language, severity) {
  const wrong = [];
  const id = ID.exec(rule?.id ?? '');
  if (!id) wrong.push('"id" must look like safenote.<language>.<family>[.<suffix>]');
  else if (id[1] !== language) wrong.push(`the id says ${id[1]}, the folder says ${language}`);
  if (!rule?.message?.trim?.()) wrong.push('"message" is missing');
  if (!severity(rule?.severity)) wrong.push('"severity" must be error, warning or info');
  const cwe = rule?.metadata?.cwe;
  if (!Array.isArray(cwe) || cwe.length === 0 || !cwe.every((c) => CWE.test(c))) wrong.push('"metadata.cwe" must be a list such as [CWE-89]');
  if (!/^[a-z0-9-]+$/.test(rule?.metadata?.family ?? '')) wrong.push('"metadata.family" is missing');
  else if (id && id[2] !== rule.metadata.family) wrong.push(`the id says family ${id[2]}, metadata says ${rule.metadata.family}`);
  return wrong;
}

/** Our word for a severity of either engine, or undefined. Semgrep writes ERROR, WARNING, INFO and, newer, CRITICAL to LOW. */
function severityOf(word) {
  const lower = String(word ?? '').toLowerCase();
  const mapped = { critical: 'error', high: 'error', medium: 'warning', low: 'info', hint: 'info' }[lower] ?? lower;
  return SEVERITIES.has(mapped) ? mapped : undefined;
}

/**
 * JavaScript rules also serve TypeScript: the grammars name their nodes alike, but for JSX, which plain TypeScript has not.
 * C rules also serve C++, whose grammar contains C's, but for the list that is an index there.
 */
function variantsOf(rule) {
  if (rule.language === 'c') return [rule, { ...rule, id: rule.id.replace('safenote.c.', 'safenote.cpp.'), language: 'cpp', rule: withIndexLists(rule.rule) }];
  if (rule.language !== 'javascript') return [rule];
  const twin = (language) => ({ ...rule, id: rule.id.replace('safenote.javascript.', 'safenote.typescript.'), language });
  return usesJsx(rule) ? [rule, twin('tsx')] : [rule, twin('typescript'), twin('tsx')];
}

/** `field: index` of C is `field: indices` of C++ with the index below it. */
function withIndexLists(matcher) {
  if (Array.isArray(matcher)) return matcher.map(withIndexLists);
  if (typeof matcher !== 'object' || matcher === null) return matcher;
  const { field, stopBy, ...rest } = Object.fromEntries(Object.entries(matcher).map(([key, value]) => [key, withIndexLists(value)]));
  if (field === 'index') return { field: 'indices', has: rest };
  return { ...(field === undefined ? {} : { field }), ...(stopBy === undefined ? {} : { stopBy }), ...rest };
}

function usesJsx(rule) {
  return /"(kind|pattern|selector|context)":"(jsx_|\s*<[A-Za-z$])/.test(JSON.stringify(rule));
}

function oneLine(text) {
  return text.trim().replace(/\s+/g, ' ');
}
