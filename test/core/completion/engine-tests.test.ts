import assert from 'node:assert/strict';
import type { CompletionRequest } from '../../../src/core/completion/types.ts';
import { FunctionCheck } from '../../../src/core/verification/function-check.ts';
import type { TestRunner } from '../../../src/core/verification/test-runner.ts';
import { house, LineParser } from '../doubles.ts';

const TEXT = 'import db\n\ndef find(name):\n    """Find a user by name with db.execute."""\n    \n';
const request: CompletionRequest = { document: { path: '/w/app.py', language: 'python', text: TEXT }, offset: TEXT.length - 1, mode: 'safenote' };
const signal = new AbortController().signal;
const block = (code: string) => `\`\`\`python\n${code}\n\`\`\``;

/** One test that passes on every text without `wrong`. */
const runner: TestRunner = {
  plan: () => Promise.resolve({ runner: 'scripted', because: 'a test says so', targets: ['t'] }),
  run: (_plan, document) => Promise.resolve({ status: 'ran', ms: 1, cases: [{ id: 'test_find', name: 'test_find', ...(document.text.includes('wrong') ? { status: 'failed', message: 'assert None == 2' } : { status: 'passed' }) }] }),
};
const withTests = (answers: Readonly<Record<string, string>>) => house({ tests: new FunctionCheck(runner, new LineParser()), script: (r) => answers[r.purpose] ?? 'The contract of find was broken.' });

describe('Secure Complete with tests', () => {
  it('runs none unless asked', async () => {
    const out = await withTests({ completion: block('wrong()') }).engine.complete(request, { signal });
    assert.deepEqual([out.verdict.function.status, out.attempts], ['unavailable', 1]);
  });

  it('retries with the failure, shows what passes, and notes what was wrong and what worked', async () => {
    const { engine, model, store } = withTests({ completion: block('wrong()'), retry: block('return right()') });
    const out = await engine.complete(request, { signal, tests: true });
    assert.deepEqual([out.edit.text, out.attempts, out.verdict.function.status], ['return right()', 2, 'pass']);
    assert.match(model.requests.find((r) => r.purpose === 'retry')?.messages.at(-1)?.content ?? '', /test_find failed: assert None == 2/);
    assert.deepEqual((await out.learned).map(({ kind, action }) => [kind, action]), [['function', 'created']]);
    const note = [...store.notes.values()][0]?.note;
    assert.deepEqual([note?.kind, note?.guidance], ['function', 'The contract of find was broken.']);
    assert.match(note?.diagnosis ?? '', /test_find failed: assert None == 2/);
    assert.match(note?.erroneousCode ?? '', /wrong\(\)/);
    assert.match(note?.secureExample ?? '', /return right\(\)/);
  });

  it('shows a marked failure when the retry fails the tests too, in one note', async () => {
    const { engine, store } = withTests({ completion: block('wrong()'), retry: block('wrong()') });
    const out = await engine.complete(request, { signal, tests: true });
    assert.equal(out.verdict.function.status, 'fail');
    await out.learned;
    assert.deepEqual([...store.notes.values()].map((n) => [n.note.kind, n.note.frequency, n.note.secureExample]), [['function', 2, undefined]]);
  });

  it('does not offer a secure retry that breaks a test, and says both', async () => {
    const { engine } = withTests({ completion: block('evil()'), retry: block('wrong()') });
    const out = await engine.complete(request, { signal, tests: true });
    assert.deepEqual([out.edit.text, out.verdict.security.status, out.verdict.function.status], ['evil()', 'fail', 'pass']);
    assert.match(out.remarks.join('\n'), /no security finding but failed a test \(test_find: assert None == 2\)/);
  });

  it('keeps nothing as a secure example that only one of the two checks has passed', async () => {
    const { engine, store } = withTests({ completion: block('evil()'), retry: block('wrong()') });
    await (await engine.complete(request, { signal, tests: true })).learned;
    assert.deepEqual([...store.notes.values()].map((n) => n.note.secureExample), [undefined, undefined]);
  });
});
