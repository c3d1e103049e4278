import assert from 'node:assert/strict';
import type { CompletionRequest } from '../../../src/core/completion/types.ts';
import { ModelError } from '../../../src/core/llm/model.ts';
import { aNote, house, WordAnalyzer } from '../doubles.ts';

const TEXT = 'import db\n\ndef find(name):\n    """Find a user by name with db.execute."""\n    \n';
const request = (o: Partial<CompletionRequest> = {}): CompletionRequest => ({ document: { path: '/w/app.py', language: 'python', text: TEXT }, offset: TEXT.length - 1, mode: 'safenote', ...o });
const signal = new AbortController().signal;
const block = (code: string) => `\`\`\`python\n${code}\n\`\`\``;
const isCompletion = (purpose: string) => purpose === 'completion' || purpose === 'retry';

describe('Secure Complete', () => {
  it('gives a checked answer', async () => {
    const { engine } = house({ script: () => block('return db.execute(name)') });
    const out = await engine.complete(request(), { signal });
    assert.equal(out.edit.text, 'return db.execute(name)');
    assert.equal(out.verdict.security.status, 'pass');
    assert.equal(out.attempts, 1);
    assert.deepEqual(await out.learned, []);
  });

  it('retries once with the failing code and its diagnosis, and shows what passed', async () => {
    const { engine, model, store } = house({ script: (r) => (r.purpose === 'completion' ? block('evil()') : r.purpose === 'retry' ? block('return good()') : 'WARNING: evil is evil.') });
    const out = await engine.complete(request(), { signal });
    assert.equal(out.edit.text, 'return good()');
    assert.equal(out.verdict.security.status, 'pass');
    assert.equal(out.attempts, 2);
    const retry = model.requests.find((r) => r.purpose === 'retry');
    assert.match(retry?.messages.at(-2)?.content ?? '', /evil\(\)/);
    assert.match(retry?.messages.at(-1)?.content ?? '', /evil is dangerous/);
    assert.deepEqual((await out.learned).map((n) => n.action), ['created']);
    const note = [...store.notes.values()][0]?.note;
    assert.equal(note?.guidance, 'WARNING: evil is evil.');
    assert.match(note?.erroneousCode ?? '', /def find\(name\):[\s\S]*evil\(\)/);
    assert.match(note?.secureExample ?? '', /return good\(\)/);
    assert.match(note?.tasks[0] ?? '', /Find a user by name/);
    assert.deepEqual([note?.file, note?.line], ['app.py', TEXT.split('\n').length - 1]);
  });

  it('shows a marked failure when the retry fails too', async () => {
    const { engine } = house({ script: (r) => (isCompletion(r.purpose) ? block('evil()') : 'w') });
    const out = await engine.complete(request(), { signal });
    assert.equal(out.verdict.security.status, 'fail');
    assert.equal(out.attempts, 2);
    assert.equal((await out.learned).length, 1);
  });

  it('keeps the first answer when the retry gives none', async () => {
    const { engine } = house({ script: (r) => (r.purpose === 'retry' ? new ModelError('model-refused', 'gone', 'start it') : r.purpose === 'completion' ? block('evil()') : 'w') });
    const out = await engine.complete(request(), { signal });
    assert.equal(out.edit.text, 'evil()');
    assert.equal(out.verdict.security.status, 'fail');
    assert.ok(out.remarks.some((r) => r.includes('gone')));
  });

  it('does not blame the completion for what was there before', async () => {
    const text = `evil()\n${TEXT}`;
    const { engine } = house({ script: () => block('return 1') });
    const out = await engine.complete(request({ document: { path: '/w/a.py', language: 'python', text }, offset: text.length - 1 }), { signal });
    assert.equal(out.verdict.security.status, 'pass');
  });

  it('calls a completion that does not parse unavailable, never passed', async () => {
    const { engine } = house({ script: () => block('return @@') });
    const out = await engine.complete(request(), { signal });
    assert.equal(out.verdict.security.status, 'unavailable');
    assert.match(out.verdict.security.reason ?? '', /does not parse/);
  });

  it('names an analyzer that did not run', async () => {
    const semgrep = new WordAnalyzer('semgrep', 'x');
    semgrep.unavailable = 'not installed';
    const { engine } = house({ analyzers: [new WordAnalyzer('builtin', 'evil'), semgrep] });
    const out = await engine.complete(request(), { signal });
    assert.equal(out.verdict.security.status, 'pass');
    assert.match(out.verdict.security.reason ?? '', /semgrep: not installed/);
  });

  it('is unavailable when no analyzer ran', async () => {
    const builtin = new WordAnalyzer('builtin', 'evil');
    builtin.unavailable = 'no rules';
    const { engine } = house({ analyzers: [builtin] });
    assert.equal((await engine.complete(request(), { signal })).verdict.security.status, 'unavailable');
  });

  it('shows the text at the deadline and settles when the slow analyzer answers', async () => {
    const semgrep = new WordAnalyzer('semgrep', 'late');
    semgrep.delayMs = 80;
    const { engine, store } = house({ analyzers: [new WordAnalyzer('builtin', 'evil'), semgrep], settings: { 'verify.deadlineMs': 5 }, script: (r) => (isCompletion(r.purpose) ? block('return late()') : 'w') });
    const out = await engine.complete(request(), { signal });
    assert.equal(out.verdict.security.status, 'pass');
    assert.deepEqual(out.verdict.security.pending, ['semgrep']);
    const settled = await out.settled;
    assert.equal(settled.security.status, 'fail');
    assert.deepEqual(settled.security.pending, []);
    assert.equal((await out.learned).length, 1);
    assert.equal(store.notes.size, 1);
  });

  it('replaces a late failure by a checked retry', async () => {
    const semgrep = new WordAnalyzer('semgrep', 'late');
    semgrep.delayMs = 30;
    const { engine, store } = house({ analyzers: [new WordAnalyzer('builtin', 'evil'), semgrep], settings: { 'verify.deadlineMs': 1 }, script: (r) => (r.purpose === 'completion' ? block('return late()') : r.purpose === 'retry' ? block('return fine()') : 'w') });
    const out = await engine.complete(request(), { signal });
    const again = await engine.retry(out, await out.settled, { signal });
    assert.equal(again.edit.text, 'return fine()');
    await again.learned;
    assert.match([...store.notes.values()][0]?.note.secureExample ?? '', /fine/);
  });

  it('puts a similar note into the next prompt, and it changes the answer', async () => {
    const { engine } = house({ script: (r) => (isCompletion(r.purpose) ? block(r.messages.some((m) => m.content.includes('Never call evil')) ? 'return good()' : 'evil()') : 'WARNING: Never call evil.'), settings: { 'verify.retryBudgetMs': 0 } });
    const first = await engine.complete(request(), { signal });
    assert.equal(first.verdict.security.status, 'fail');
    await first.learned;
    const text = TEXT.replace('find(name)', 'lookup(mail)').replace('Find a user by name', 'Look a user up by mail');
    const second = await engine.complete(request({ document: { path: '/w/other.py', language: 'python', text }, offset: text.length - 1 }), { signal });
    assert.equal(second.verdict.security.status, 'pass');
    assert.equal(second.context.securityNotes.length, 1);
  });

  it('retrieves nothing and learns nothing in mode plain, no notes in mode rescue', async () => {
    const { engine, store } = house({ notes: [aNote({ erroneousCode: TEXT })], script: (r) => (isCompletion(r.purpose) ? block('evil()') : 'w') });
    for (const mode of ['plain', 'rescue'] as const) {
      const out = await engine.complete(request({ mode }), { signal });
      assert.equal(out.context.securityNotes.length, 0);
      assert.equal(out.attempts, 1);
      assert.equal(out.verdict.security.status, 'fail');
      assert.deepEqual(await out.learned, []);
    }
    assert.equal(store.notes.size, 1);
  });

  it('never lets muted or quarantined notes into a prompt', async () => {
    const same = { erroneousCode: TEXT, tasks: ['Find a user by name with db.execute'] };
    const notes = [aNote({ id: 'a', status: 'muted', ...same }), { note: aNote({ id: 'b', ...same }), file: '/b.md', quarantined: true }];
    const { engine } = house({ notes });
    assert.equal((await engine.preview(request(), { signal })).context.securityNotes.length, 0);
    assert.equal((await house({ notes: [aNote(same)] }).engine.preview(request(), { signal })).context.securityNotes.length, 1);
  });

  it('takes k notes at most', async () => {
    const notes = ['a', 'b', 'c'].map((id) => aNote({ id, erroneousCode: TEXT, tasks: ['Find a user by name with db.execute'] }));
    for (const k of [0, 1, 2]) assert.equal((await house({ notes }).engine.preview(request({ k }), { signal })).context.securityNotes.length, k);
  });

  it('leaves guidance away from a request that has nothing to do with it', async () => {
    const text = 'def add(a, b):\n    """Add two numbers."""\n    \n';
    const { engine } = house({ notes: [aNote()] });
    assert.equal((await engine.preview(request({ document: { path: '/w/m.py', language: 'python', text }, offset: text.length - 1 }), { signal })).context.securityNotes.length, 0);
  });

  it('works by words, and says so, without an embedder', async () => {
    const { engine } = house({ notes: [aNote({ erroneousCode: TEXT, tasks: ['Find a user by name with db.execute'] })], embedder: null });
    const out = await engine.preview(request(), { signal });
    assert.equal(out.context.securityNotes.length, 1);
    assert.ok(out.remarks.some((r) => /by words/.test(r)));
  });

  it('stops at once when it is cancelled', async () => {
    const controller = new AbortController();
    const { engine, store } = house({ script: () => { controller.abort(); return block('evil()'); } });
    await assert.rejects(engine.complete(request(), { signal: controller.signal }), (e: Error) => e.name === 'AbortError');
    assert.equal(store.notes.size, 0);
  });

  it('passes on what the model reports', async () => {
    const { engine } = house({ script: () => new ModelError('model-key', 'bad key', 'set it') });
    await assert.rejects(engine.complete(request(), { signal }), (e: unknown) => e instanceof ModelError && e.code === 'model-key');
  });

  it('drafts first when it is told to, and retrieves with what the rules see in the draft', async () => {
    const base = { guidelines: [{ cwe: 'CWE-89', title: 'SQL injection', detectable: true, apis: {}, keywords: [], causes: ['c'], practices: ['Use parameters.'], pitfalls: ['p'] }], samples: [] };
    const { engine, model } = house({ base, settings: { 'retrieval.draft': 'always' }, script: (r) => (r.purpose === 'draft' ? block('evil()') : block('return 1')) });
    const out = await engine.complete(request(), { signal });
    assert.deepEqual(model.requests.map((r) => r.purpose), ['draft', 'completion']);
    assert.deepEqual(out.context.knowledge.map((x) => x.item.guideline.cwe), ['CWE-89']);
    assert.match(out.messages.at(-1)?.content ?? '', /Use parameters/);
  });

  it('ranks by what the rules see in code that is looked up', async () => {
    const guideline = (cwe: string) => ({ cwe, title: cwe, detectable: true, apis: {}, keywords: ['words'], causes: ['c'], practices: ['p'], pitfalls: ['q'] });
    const base = { guidelines: ['CWE-78', 'CWE-89'].map(guideline), samples: [] };
    const { engine } = house({ base });
    const look = async (code: string) => (await engine.retrieve({ language: 'python', task: 'words', code }, new AbortController().signal)).knowledge;
    assert.equal((await look('good(x)'))[0]?.item.guideline.cwe, 'CWE-78');
    const [first] = await look('evil(x)');
    assert.equal(first?.item.guideline.cwe, 'CWE-89');
    assert.equal(first?.passesGate, true);
  });
});
