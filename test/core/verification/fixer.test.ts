import assert from 'node:assert/strict';
import { KnowledgeRetriever } from '../../../src/core/knowledge/knowledge-retriever.ts';
import { applyEdits } from '../../../src/core/source.ts';
import type { Analyzer } from '../../../src/core/verification/finding.ts';
import { Fixer } from '../../../src/core/verification/fixer.ts';
import { FunctionCheck } from '../../../src/core/verification/function-check.ts';
import type { TestRunner } from '../../../src/core/verification/test-runner.ts';
import { LineParser, MemoryStore, PROMPTS, ScriptedModel, WordAnalyzer } from '../doubles.ts';
import { Verifier } from '../../../src/core/verification/verifier.ts';

const TEXT = 'import db\n\ndef find(name):\n    evil(name)\n    return 1\n\ndef other():\n    return 2\n';
const document = { path: '/w/a.py', language: 'python', text: TEXT };
const signal = new AbortController().signal;

function setUp(answers: string[], analyzer: Analyzer = new WordAnalyzer('builtin', 'evil'), tests?: TestRunner) {
  const parser = new LineParser();
  const verifier = new Verifier(parser, [analyzer]);
  const model = new ScriptedModel(() => answers.shift() ?? '');
  const fixer = new Fixer({ verifier, parser, store: new MemoryStore(), knowledge: () => Promise.resolve(new KnowledgeRetriever({ guidelines: [], samples: [] })), prompts: () => Promise.resolve(PROMPTS), model: () => Promise.resolve(model), ...(tests ? { tests: { check: new FunctionCheck(tests, parser), allowed: () => true } } : {}) });
  const finding = async () => (await analyzer.analyze(document, signal)).findings[0]!;
  return { fixer, model, finding };
}
const block = (code: string) => `\`\`\`python\n${code}\n\`\`\``;

describe('a fix', () => {
  it('by the model is offered once it is proved', async () => {
    const { fixer, finding } = setUp([block('def find(name):\n    good(name)\n    return 1')]);
    const fix = await fixer.propose(document, await finding(), { signal });
    assert.ok('edits' in fix);
    assert.equal(fix.source, 'model');
    assert.match(applyEdits(TEXT, fix.edits), /good\(name\)\n {4}return 1\n+def other/);
  });
  it('that leaves the finding is tried again, and then not offered', async () => {
    const still = block('def find(name):\n    evil(name)\n    return 3');
    const { fixer, model, finding } = setUp([still, still]);
    const fix = await fixer.propose(document, await finding(), { signal });
    assert.ok('none' in fix && /still there/.test(fix.none));
    assert.equal(model.requests.length, 2);
    assert.match(model.requests[1]?.messages.at(-1)?.content ?? '', /still there/);
  });
  it('that does not parse is not offered', async () => {
    const bad = block('def find(name):\n    good(@@\n    return 1');
    const { fixer, finding } = setUp([bad, bad]);
    const fix = await fixer.propose(document, await finding(), { signal });
    assert.ok('none' in fix && /does not parse/.test(fix.none));
  });
  it('of the rule itself needs no model', async () => {
    const at = TEXT.indexOf('evil');
    const { fixer, model, finding } = setUp([], new WordAnalyzer('builtin', 'evil', { fix: { start: at, end: at + 4, text: 'safe' } }));
    const fix = await fixer.propose(document, await finding(), { signal });
    assert.ok('edits' in fix && fix.source === 'rule');
    assert.equal(model.requests.length, 0);
  });
  it('that changes nothing is not offered', async () => {
    const same = block('def find(name):\n    evil(name)\n    return 1');
    const { fixer, finding } = setUp([same, same]);
    assert.ok('none' in (await fixer.propose(document, await finding(), { signal })));
  });
});

/** One test of `find`: it passes where the code still calls what it is to call. */
const tests = (wanted: RegExp): TestRunner => ({
  plan: () => Promise.resolve({ runner: 'scripted', because: 'a test says so', targets: ['t'] }),
  run: (_plan, { text }) => Promise.resolve({ status: 'ran', ms: 1, cases: [wanted.test(text) ? { id: 't', name: 'test_find', status: 'passed' } : { id: 't', name: 'test_find', status: 'failed', message: 'AssertionError: nothing was found' }] }),
});

describe('a fix that breaks a test', () => {
  const good = block('def find(name):\n    good(name)\n    return 1');
  const better = block('def find(name):\n    good(name)\n    kept(name)\n    return 1');
  it('is not offered; the model is told and tries again', async () => {
    const { fixer, model, finding } = setUp([good, better], undefined, tests(/evil|kept/));
    const fix = await fixer.propose(document, await finding(), { signal });
    assert.ok('edits' in fix);
    assert.match(applyEdits(TEXT, fix.edits), /kept/);
    assert.equal(fix.tests?.status, 'pass');
    assert.match(model.requests[1]?.messages.at(-1)?.content ?? '', /breaks a test that passes without it: test_find: AssertionError/);
  });
  it('as the only secure answer is told with both facts, and not offered', async () => {
    const { fixer, finding } = setUp([good, good], undefined, tests(/evil/));
    const fix = await fixer.propose(document, await finding(), { signal });
    assert.ok('none' in fix && fix.breaks);
    assert.match(fix.none, /breaks a test that passes without it: test_find/);
    assert.match(applyEdits(TEXT, fix.breaks.edits), /good\(name\)/);
    assert.equal(fix.breaks.tests.broken, 1);
  });
  it('is a matter of tests that pass without it, not of those that fail anyway', async () => {
    const { fixer, finding } = setUp([good], undefined, tests(/never/));
    const fix = await fixer.propose(document, await finding(), { signal });
    assert.ok('edits' in fix);
  });
});

describe('the fixes of all rules together', () => {
  /** Flags every word, with a replacement for each. */
  const rules = (words: Record<string, string>): Analyzer => ({
    name: 'builtin',
    analyze: async (doc, s) => {
      const parts = await Promise.all(Object.entries(words).map(([word]) => new WordAnalyzer('builtin', word).analyze(doc, s)));
      const findings = parts.flatMap((p, n) => p.findings.map((f) => {
        const [word, by] = Object.entries(words)[n] ?? ['', ''];
        const start = doc.text.split('\n').slice(0, f.startLine - 1).join('\n').length + (f.startLine > 1 ? 1 : 0) + f.startColumn - 1;
        return { ...f, fix: { start, end: start + word.length, text: by } };
      }));
      return { name: 'builtin', version: '1', status: 'ran', ms: 1, findings };
    },
  });
  const text = 'def find(name):\n    evil(name)\n    bad(name)\n    evil(name)\n';
  const doc = { ...document, text };

  it('are one edit that is proved as a whole', async () => {
    const all = await setUp([], rules({ evil: 'safe', bad: 'fine' })).fixer.proposeAll(doc, signal);
    assert.ok('edits' in all);
    assert.equal(applyEdits(text, all.edits), 'def find(name):\n    safe(name)\n    fine(name)\n    safe(name)\n');
    assert.deepEqual([all.fixed.length, all.left.length], [3, 0]);
  });
  it('leave out the one that does not hold, and say why', async () => {
    const all = await setUp([], rules({ evil: 'safe', bad: 'evil' })).fixer.proposeAll(doc, signal);
    assert.ok('edits' in all);
    assert.equal(applyEdits(text, all.edits), 'def find(name):\n    safe(name)\n    bad(name)\n    safe(name)\n');
    assert.match(all.left[0]?.why ?? '', /introduces another finding/);
  });
  it('leave out one that breaks a test', async () => {
    const all = await setUp([], rules({ evil: 'safe', bad: 'fine' }), tests(/bad/)).fixer.proposeAll(doc, signal);
    assert.ok('edits' in all);
    assert.match(applyEdits(text, all.edits), /safe[\s\S]*bad[\s\S]*safe/);
    assert.match(all.left[0]?.why ?? '', /breaks a test/);
  });
  it('are none where no rule has one', async () => assert.ok('none' in (await setUp([]).fixer.proposeAll(document, signal))));
});
