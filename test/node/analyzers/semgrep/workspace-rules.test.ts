import assert from 'node:assert/strict';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import fc from 'fast-check';
import { findRuleFiles, readWorkspaceRules } from '../../../../src/node/analyzers/semgrep/workspace-rules.ts';

const RULE = 'rules:\n- id: house.no-eval\n  languages: [js, ts]\n  severity: HIGH\n  message: No eval.\n  pattern: eval($X)\n  metadata:\n    cwe: "CWE-095: Improper Neutralization"\n';

describe('rules of the workspace', () => {
  let folder: string;
  beforeEach(async () => (folder = await mkdtemp(path.join(os.tmpdir(), 'safenote-workspace-'))));
  afterEach(() => rm(folder, { recursive: true, force: true }));

  const write = async (name: string, text: string) => {
    const file = path.join(folder, name);
    await mkdir(path.dirname(file), { recursive: true });
    await writeFile(file, text);
    return file;
  };
  const read = async (...texts: string[]) => readWorkspaceRules(await Promise.all(texts.map((text, n) => write(`.semgrep/r${n}.yml`, text))), folder);

  it('lie where Semgrep and SafeNote look for them', async () => {
    for (const name of ['.semgrep.yml', '.semgrep/a.yml', '.semgrep/deep/b.yaml', '.safenote/rules/c.yml', '.semgrep/a.test.yml', '.semgrep/readme.md', 'other.yml']) await write(name, RULE);
    assert.deepEqual((await findRuleFiles(folder)).map((f) => path.relative(folder, f)), ['.semgrep.yml', '.semgrep/a.yml', '.semgrep/deep/b.yaml', '.safenote/rules/c.yml'].map((f) => f.split('/').join(path.sep)));
    assert.deepEqual(await findRuleFiles(path.join(folder, 'nowhere')), []);
  });
  it('keep their ids, severity and CWE; their family is the id where they name none', async () => {
    const { rules, broken, config } = await read(RULE);
    const [rule] = rules.values();
    assert.deepEqual(broken, []);
    assert.deepEqual([rule?.id, rule?.family, rule?.cwe, rule?.severity, rule?.languages, rule?.message], ['house.no-eval', 'house.no-eval', ['CWE-95'], 'error', ['javascript', 'typescript'], 'No eval.']);
    assert.match(config ?? '', /"id":"safenote-workspace\.0"/);
  });
  it('may name no CWE, or several, and a family', async () => {
    const rule = (metadata: string) => RULE.replace(/ {2}metadata:[\s\S]*/, metadata);
    const { rules } = await read(rule(''), rule('  metadata: {cwe: ["CWE-1", "CWE-002"], family: xss}\n'), rule('  metadata: {cwe: 5}\n'), rule('  metadata: nonsense\n'));
    assert.deepEqual([...rules.values()].map((r) => [r.family, r.cwe]), [['house.no-eval', []], ['xss', ['CWE-1', 'CWE-2']], ['house.no-eval', []], ['house.no-eval', []]]);
  });
  it('that are broken are named, and the others used', async () => {
    const { rules, broken } = await read('rules: [ {id: x', RULE, 'rules:\n- id: x\n', '- not rules\n', RULE.replace('pattern:', 'mode: join\n  pattern:'), RULE.replace('pattern:', 'validators: []\n  pattern:'));
    assert.equal(rules.size, 1);
    assert.deepEqual(broken.map((line) => line.split(/[,:]/)[0]), ['.semgrep/r0.yml', '.semgrep/r2.yml', '.semgrep/r3.yml', '.semgrep/r4.yml', '.semgrep/r5.yml']);
    assert.match(broken.join('\n'), /mode join is not supported/);
    assert.match(broken.join('\n'), /validators ask the network/);
  });
  it('apply where their paths say', async () => {
    const { rules } = await read(RULE + "  paths:\n    include: ['src/**', '*.mjs']\n    exclude: ['src/vendor/']\n");
    const [rule] = rules.values();
    const applies = (file: string) => rule?.appliesTo(file);
    assert.deepEqual(['src/a.js', 'src/deep/a.js', 'lib/a.mjs'].map(applies), [true, true, true]);
    assert.deepEqual(['lib/a.js', 'src/vendor/a.js', '../outside.js', '/abs.js', 'Untitled-1'].map(applies), [false, false, false, false, false]);
  });
  it('without paths apply everywhere', async () => {
    const { rules } = await read(RULE);
    const [rule] = rules.values();
    assert.deepEqual(['src/a.js', '../outside.js', '/abs.js'].map((f) => rule?.appliesTo(f)), [true, true, true]);
  });
  it('that are a bomb are refused', async () => {
    const bomb = `a: &a [x,x,x,x,x,x,x,x,x]\n${'bcdefgh'.split('').map((c, i) => `${c}: &${c} [${Array(9).fill(`*${'abcdefg'[i]}`).join(',')}]`).join('\n')}\nrules: []\n`;
    const { rules, broken } = await read(bomb, 'x'.repeat(1_000_001));
    assert.equal(rules.size, 0);
    assert.equal(broken.length, 2);
  });
  it('never throw, whatever is in their files', async () => {
    const line = fc.constantFrom('rules:', '- id: a', '  id: b', '  languages: [python]', '  languages: x', '  pattern: f(', '  paths: 5', '  paths: {include: [5, "["]}', '  metadata: []', '\t', '%YAML 9', '&a', '*a', '---', '!!js/function x');
    await fc.assert(fc.asyncProperty(fc.array(fc.oneof(line, fc.string())), async (lines) => void (await read(lines.join('\n')))), { numRuns: 60 });
  });
});
