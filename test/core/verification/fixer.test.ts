import assert from 'node:assert/strict';
import { KnowledgeRetriever } from '../../../src/core/knowledge/knowledge-retriever.ts';
import { applyEdits } from '../../../src/core/source.ts';
import { Fixer } from '../../../src/core/verification/fixer.ts';
import { LineParser, MemoryStore, PROMPTS, ScriptedModel, WordAnalyzer } from '../doubles.ts';
import { Verifier } from '../../../src/core/verification/verifier.ts';

const TEXT = 'import db\n\ndef find(name):\n    evil(name)\n    return 1\n\ndef other():\n    return 2\n';
const document = { path: '/w/a.py', language: 'python', text: TEXT };
const signal = new AbortController().signal;

function setUp(answers: string[], analyzer = new WordAnalyzer('builtin', 'evil')) {
  const parser = new LineParser();
  const verifier = new Verifier(parser, [analyzer]);
  const model = new ScriptedModel(() => answers.shift() ?? '');
  const fixer = new Fixer({ verifier, parser, store: new MemoryStore(), knowledge: () => Promise.resolve(new KnowledgeRetriever({ guidelines: [], samples: [] })), prompts: () => Promise.resolve(PROMPTS), model: () => Promise.resolve(model) });
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
