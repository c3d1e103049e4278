import assert from 'node:assert/strict';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { parse } from 'yaml';
import { readRules } from '../../../tools/build/rules.mjs';
import { root } from '../../../tools/setup/paths.mjs';

const BUILTIN = `id: safenote.javascript.xss
language: javascript
severity: error
message: |
  Text becomes HTML.
  Escape it.
metadata: {cwe: [CWE-79], family: xss}
rule: {pattern: '$E.innerHTML = $X'}
`;
const SEMGREP = `rules:
  - id: safenote.javascript.xss
    languages: [js, ts]
    severity: ERROR
    message: Text becomes HTML. Escape it.
    metadata: {cwe: [CWE-79], family: xss}
    pattern: $E.innerHTML = $X
`;

describe('reading the rules for the build', () => {
  let folder: string;
  const put = async (file: string, text: string): Promise<void> => {
    const target = path.join(folder, 'rules', file);
    await mkdir(path.dirname(target), { recursive: true });
    await writeFile(target, text);
  };

  beforeEach(async () => {
    folder = await mkdtemp(path.join(os.tmpdir(), 'safenote-rules-'));
  });
  afterEach(() => rm(folder, { recursive: true, force: true }));

  it('gives a JavaScript rule to the TypeScript grammars too, under a TypeScript id', async () => {
    await put('builtin/javascript/xss.yml', BUILTIN);
    const { builtin, metadata, problems } = await readRules(folder);
    assert.deepEqual(problems, []);
    assert.deepEqual(
      builtin.map((rule) => `${rule.language} ${rule.id}`),
      ['javascript safenote.javascript.xss', 'typescript safenote.typescript.xss', 'tsx safenote.typescript.xss'],
    );
    assert.equal(metadata['safenote.typescript.xss']?.language, 'typescript');
  });

  it('gives a C rule to C++ too, under a C++ id', async () => {
    await put('builtin/c/sizes.yml', BUILTIN.replace('safenote.javascript.xss', 'safenote.c.xss').replace('language: javascript', 'language: c'));
    const { builtin, metadata, problems } = await readRules(folder);
    assert.deepEqual(problems, []);
    assert.deepEqual(
      builtin.map((rule) => `${rule.language} ${rule.id}`),
      ['c safenote.c.xss', 'cpp safenote.cpp.xss'],
    );
    assert.equal(metadata['safenote.cpp.xss']?.language, 'cpp');
  });

  it('asks for the index of C++ where the grammar of C++ has it', async () => {
    await put('builtin/c/sizes.yml', BUILTIN.replace('safenote.javascript.xss', 'safenote.c.xss').replace('language: javascript', 'language: c').replace("rule: {pattern: '$E.innerHTML = $X'}", 'rule: {kind: subscript_expression, all: [{has: {field: index, pattern: $I}}, {has: {field: argument, regex: a}}]}'));
    const [c, cpp] = (await readRules(folder)).builtin;
    assert.deepEqual(c?.rule, { kind: 'subscript_expression', all: [{ has: { field: 'index', pattern: '$I' } }, { has: { field: 'argument', regex: 'a' } }] });
    assert.deepEqual(cpp?.rule, { kind: 'subscript_expression', all: [{ has: { field: 'indices', has: { pattern: '$I' } } }, { has: { field: 'argument', regex: 'a' } }] });
  });

  it('keeps a rule about JSX from plain TypeScript, which cannot parse it', async () => {
    await put('builtin/javascript/xss.yml', BUILTIN.replace("pattern: '$E.innerHTML = $X'", 'kind: jsx_attribute'));
    assert.deepEqual((await readRules(folder)).builtin.map((rule) => rule.language), ['javascript', 'tsx']);
  });

  it('describes a rule of both engines once', async () => {
    await put('builtin/javascript/xss.yml', BUILTIN);
    await put('semgrep/javascript/xss.yml', SEMGREP);
    const { metadata, problems } = await readRules(folder);
    assert.deepEqual(problems, []);
    assert.deepEqual(metadata['safenote.javascript.xss'], {
      cwe: ['CWE-79'],
      family: 'xss',
      language: 'javascript',
      languages: ['javascript', 'typescript'],
      severity: 'error',
      message: 'Text becomes HTML. Escape it.',
      engines: ['builtin', 'semgrep'],
    });
  });

  it('writes all Semgrep rules into one file', async () => {
    await put('semgrep/javascript/xss.yml', SEMGREP);
    await put('semgrep/javascript/eval.yml', SEMGREP.replaceAll('xss', 'eval'));
    const merged = parse((await readRules(folder)).semgrep) as { rules: { id: string }[] };
    assert.deepEqual(merged.rules.map((rule) => rule.id), ['safenote.javascript.eval', 'safenote.javascript.xss']);
  });

  const wrong: [string, string, string, RegExp][] = [
    ['an id that is used twice', 'builtin/javascript/b.yml', BUILTIN, /already used in rules\/builtin\/javascript\/a\.yml/],
    ['an id of another language', 'builtin/python/b.yml', BUILTIN, /the id says javascript, the folder says python/],
    ['a missing CWE', 'builtin/javascript/b.yml', BUILTIN.replace('cwe: [CWE-79], ', ''), /metadata\.cwe/],
    ['a CWE with leading zeros', 'builtin/javascript/b.yml', BUILTIN.replace('CWE-79', 'CWE-079'), /metadata\.cwe/],
    ['a family that the id does not name', 'builtin/javascript/b.yml', BUILTIN.replace('family: xss', 'family: html'), /the id says family xss, metadata says html/],
    ['an unknown severity', 'builtin/javascript/b.yml', BUILTIN.replace('severity: error', 'severity: bad'), /severity/],
    ['a missing message', 'semgrep/javascript/b.yml', SEMGREP.replace(/ {4}message.*\n/, ''), /message/],
    ['a rule for another language than its folder', 'semgrep/javascript/b.yml', SEMGREP.replace('[js, ts]', '[python]'), /does not name javascript/],
    ['a file that is no YAML', 'builtin/javascript/b.yml', 'id: [', /not valid YAML/],
    ['a Semgrep file without rules', 'semgrep/javascript/b.yml', 'id: x\n', /one list under "rules:"/],
  ];
  for (const [what, file, text, message] of wrong) {
    it(`names ${what}, with its file`, async () => {
      await put('builtin/javascript/a.yml', BUILTIN);
      await put(file, text);
      const { problems } = await readRules(folder);
      assert.ok(problems.some((problem) => message.test(problem) && problem.includes(`rules/${file}`)), problems.join('\n'));
    });
  }

  it('finds nothing wrong with the rules of the project', async () => {
    assert.deepEqual((await readRules(root)).problems, []);
  });
});
