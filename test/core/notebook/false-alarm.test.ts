import assert from 'node:assert/strict';
import { FalseAlarms } from '../../../src/core/notebook/false-alarm.ts';
import type { Finding } from '../../../src/core/verification/finding.ts';
import { aNote, MemoryStore } from '../doubles.ts';

const CODE = aNote().erroneousCode.split('\n')[1] ?? '';
const finding: Finding = { ruleId: 'safenote.python.sql-injection', ruleFamily: 'sql-injection', cwe: ['CWE-89'], severity: 'error', message: 'm', analyzer: 'builtin', startLine: 2, startColumn: 1, endLine: 2, endColumn: 9 };

describe('A false alarm', () => {
  const told: { id: string; undone?: boolean }[] = [];
  const alarms = (store: MemoryStore) => new FalseAlarms({ store, activity: { wrong: (id, o) => Promise.resolve(void told.push({ id, ...(o?.undone ? { undone: true } : {}) })) } });
  beforeEach(() => void (told.length = 0));

  it('makes a note that rests on it alone count as wrong, and can be taken back', async () => {
    const store = new MemoryStore([aNote()]);
    const weakened = await alarms(store).weaken(finding, `  ${CODE.trim()}`, 'python');
    assert.equal(weakened.notes.length, 1);
    await weakened.undo();
    assert.deepEqual(told, [{ id: 'note-1' }, { id: 'note-1', undone: true }]);
    assert.deepEqual((await store.get('note-1'))?.note, aNote(), 'the note itself is the user\'s');
  });
  it('counts one less where the same was seen more often', async () => {
    const store = new MemoryStore([aNote({ frequency: 3 })]);
    const weakened = await alarms(store).weaken(finding, CODE, 'python');
    assert.equal((await store.get('note-1'))?.note.frequency, 2);
    await weakened.undo();
    assert.deepEqual([(await store.get('note-1'))?.note.frequency, told.length], [3, 0]);
  });
  it('in what a note took in counts that one less', async () => {
    const merged = { task: 't', erroneousCode: 'x = run(q)', diagnosis: 'd', frequency: 2, origin: 'completion' as const, model: 'm', created: '2026-01-02T00:00:00.000Z' };
    const store = new MemoryStore([aNote({ frequency: 3, merged: [merged] })]);
    await alarms(store).weaken(finding, 'run(q)', 'python');
    const now = (await store.get('note-1'))?.note;
    assert.deepEqual([now?.frequency, now?.merged?.[0]?.frequency], [2, 1]);
  });
  it('touches no note about another weakness, language or code, and none from elsewhere', async () => {
    const others = [aNote({ id: 'a', cwe: 'CWE-79', rule: 'x', ruleFamily: 'xss' }), aNote({ id: 'b', language: 'c' }), aNote({ id: 'c', erroneousCode: 'other()' }), aNote({ id: 'd', kind: 'function' })];
    const store = new MemoryStore([...others, { note: aNote({ id: 'e' }), file: '', quarantined: true }]);
    assert.deepEqual((await alarms(store).weaken(finding, CODE, 'python')).notes, []);
    assert.deepEqual(told, []);
  });
});
