import assert from 'node:assert/strict';
import type { CompletionRequest } from '../../../src/core/completion/types.ts';
import type { WorkspaceFiles } from '../../../src/core/completion/outlines.ts';
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

  it('gives the second attempt, its tests included, no more time than the budget, and says so', async () => {
    const endless: TestRunner = {
      ...runner,
      run: (plan, document, options) => (document.text.includes('endless') ? new Promise((_, reject) => options.signal.addEventListener('abort', () => reject(options.signal.reason as Error))) : runner.run(plan, document, options)),
    };
    const { engine } = house({ settings: { 'verify.retryBudgetMs': 200 }, tests: new FunctionCheck(endless, new LineParser()), script: (r) => ({ completion: block('evil()'), retry: block('endless()') })[r.purpose as string] ?? 'ok' });
    const out = await engine.complete(request, { signal, tests: true });
    assert.deepEqual([out.edit.text, out.attempts, out.verdict.security.status, out.verdict.function.status], ['endless()', 2, 'pass', 'unavailable']);
    assert.match(out.verdict.function.reason ?? '', /safenote\.verify\.retryBudgetMs/);
  });

  it('does not offer a retry that passes the tests and brings in a finding, and says both', async () => {
    const { engine } = withTests({ completion: block('wrong()'), retry: block('evil()') });
    const out = await engine.complete(request, { signal, tests: true });
    assert.deepEqual([out.edit.text, out.verdict.security.status, out.verdict.function.status], ['wrong()', 'pass', 'fail']);
    assert.match(out.remarks.join('\n'), /passed the tests but brought in a security finding \(evil is dangerous\)/);
  });

  it('says which attempt it is, and why there is another', async () => {
    const said: string[] = [];
    await withTests({ completion: block('wrong()'), retry: block('return right()') }).engine.complete(request, { signal, tests: true, onPhase: (phase, detail) => void said.push(detail ? `${phase}: ${detail}` : phase) });
    assert.deepEqual(said, ['retrieving', 'generating: test-model', 'checking', 'testing', 'retrying: test_find: assert None == 2', 'testing']);
  });

  describe('after acceptance', () => {
    it('judge the answer that is there, note what fails, and a retry on wish is judged by them too', async () => {
      const { engine, store } = withTests({ completion: block('wrong()'), retry: block('return right()') });
      const out = await engine.complete(request, { signal });
      assert.deepEqual([out.attempts, out.verdict.function.status], [1, 'unavailable']);
      const { verdict, learned } = await engine.test(out, { signal });
      assert.deepEqual([verdict.status, verdict.cases?.length, (await learned).map((n) => `${n.kind} ${n.action}`)], ['fail', 1, ['function created']]);
      const again = await engine.retry({ ...out, learned }, { ...out.verdict, function: verdict }, { signal, tests: true });
      assert.deepEqual([again.edit.text, again.verdict.function.status, again.attempts, again.history.map((a) => a.verdict.function.status)], ['return right()', 'pass', 2, ['fail', 'pass']]);
      await again.learned;
      assert.match([...store.notes.values()][0]?.note.secureExample ?? '', /right\(\)/);
    });

    it('write nothing when they pass', async () => {
      const { engine, store } = withTests({ completion: block('return right()') });
      const { verdict, learned } = await engine.test(await engine.complete(request, { signal }), { signal });
      assert.deepEqual([verdict.status, await learned, store.notes.size], ['pass', [], 0]);
    });
  });

  describe('gives the model the definitions that the failing code calls and the traceback passed through', () => {
    const file = (path: string, text: string) => ({ path, language: 'python', text });
    const files: WorkspaceFiles = {
      resolveImport: (_document, { module }) => Promise.resolve(module === 'db' ? [file('/w/db.py', 'def execute(sql):\n    """Gives an iterator: read it once."""\n    return check(sql)\n')] : []),
      besides: () => Promise.resolve([]),
      named: (path) => Promise.resolve(path === '/w/rules.py' ? file(path, 'def check(sql):\n    """Only upper case."""\n    raise ValueError(sql)\n') : undefined),
    };
    const failing: TestRunner = {
      ...runner,
      run: (_plan, document) => Promise.resolve({ status: 'ran', ms: 1, cases: [{ id: 't', name: 't', ...(document.text.includes('wrong') ? { status: 'failed', message: 'ValueError: x', details: '  File "/w/rules.py", line 3, in check' } : { status: 'passed' }) }] }),
    };
    const asked = (messages: readonly { content: string }[] | undefined) => messages?.at(-1)?.content ?? '';
    const answers = (completion: string) => (r: { purpose: string }) => ({ completion: block(completion), retry: block('return 1') })[r.purpose] ?? 'ok';

    it('for the retry and for the note of a failing test', async () => {
      const { engine, model } = house({ files, tests: new FunctionCheck(failing, new LineParser()), script: answers('return db.execute("wrong")') });
      await (await engine.complete(request, { signal, tests: true })).learned;
      for (const purpose of ['retry', 'repair-suggestion']) {
        const prompt = asked(model.requests.find((r) => r.purpose === purpose)?.messages);
        assert.match(prompt, /read it once/, purpose);
        assert.ok(prompt.indexOf('Only upper case') > 0 && prompt.indexOf('Only upper case') < prompt.indexOf('read it once'), purpose);
      }
    });

    it('for the note of a security finding', async () => {
      const { engine, model } = house({ files, script: answers('return db.execute(evil)') });
      await (await engine.complete(request, { signal })).learned;
      assert.match(asked(model.requests.find((r) => r.purpose === 'security-warning')?.messages), /read it once/);
    });

    it('but none where other files are not to be read', async () => {
      const { engine, model } = house({ files, settings: { 'context.outlines': false }, tests: new FunctionCheck(failing, new LineParser()), script: answers('return db.execute("wrong")') });
      await (await engine.complete(request, { signal, tests: true })).learned;
      assert.doesNotMatch(asked(model.requests.find((r) => r.purpose === 'repair-suggestion')?.messages), /read it once|upper case/);
    });
  });
});
