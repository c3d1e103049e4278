import assert from 'node:assert/strict';
import type { Finding } from '../../../src/core/verification/finding.ts';
import { house, ScriptedModel } from '../doubles.ts';

const signal = new AbortController().signal;
const found = (o: Partial<Finding> = {}): Finding => ({ ruleId: 'r', ruleFamily: 'sql', cwe: ['CWE-89'], severity: 'error', message: 'bad', analyzer: 'builtin', startLine: 1, startColumn: 1, endLine: 1, endColumn: 5, ...o });
const failure = (o: object = {}) => ({ language: 'python', task: 'find a user', code: 'db.execute("a" + name)', scanned: 'db.execute("a" + name)', findings: [found()], modelName: 'm', origin: 'completion' as const, ...o });
const model = () => new ScriptedModel(() => 'guidance');

describe('learning', () => {
  it('merges the same failure: frequency + 1, the task added, no second request', async () => {
    const { learner, store } = house();
    const m = model();
    await learner.learnSecurity(failure(), m, signal);
    const [second] = await learner.learnSecurity(failure({ task: 'find a customer' }), m, signal);
    assert.equal(second?.action, 'merged');
    const note = [...store.notes.values()][0]?.note;
    assert.equal(store.notes.size, 1);
    assert.equal(note?.frequency, 2);
    assert.deepEqual(note?.tasks, ['find a user', 'find a customer']);
    assert.equal(m.requests.length, 1);
  });
  it('keeps different CWEs, families and languages apart', async () => {
    const { learner, store } = house();
    for (const o of [{}, { findings: [found({ cwe: ['CWE-78'] })] }, { findings: [found({ ruleFamily: 'other' })] }, { language: 'javascript' }]) await learner.learnSecurity(failure(o), model(), signal);
    assert.equal(store.notes.size, 4);
  });
  it('merges house rules without a CWE by rule', async () => {
    const { learner, store } = house();
    await learner.learnSecurity(failure({ findings: [found({ cwe: [], ruleId: 'house.a', ruleFamily: 'house.a' })] }), model(), signal);
    await learner.learnSecurity(failure({ findings: [found({ cwe: [], ruleId: 'house.b', ruleFamily: 'house.b' })] }), model(), signal);
    assert.equal(store.notes.size, 2);
  });
  it('writes one note per weakness of one answer', async () => {
    const { learner, store } = house();
    const learned = await learner.learnSecurity(failure({ findings: [found(), found(), found({ cwe: ['CWE-22'], ruleFamily: 'path' })] }), model(), signal);
    assert.equal(learned.length, 2);
    assert.equal(store.notes.size, 2);
  });
  it('keeps the note when the model writes no guidance', async () => {
    const { learner, store } = house();
    await learner.learnSecurity(failure(), new ScriptedModel(() => new Error('down')), signal);
    assert.equal([...store.notes.values()][0]?.note.guidance, '');
  });
  it('marks notes for merging without an embedder, and merges them later', async () => {
    const { learner, store } = house({ embedder: null });
    await learner.learnSecurity(failure(), model(), signal);
    await learner.learnSecurity(failure({ code: 'db.execute("a" + name )  # x' }), model(), signal);
    assert.equal(store.notes.size, 2);
    assert.ok([...store.notes.values()].every((n) => n.note.mergePending));
  });
});
