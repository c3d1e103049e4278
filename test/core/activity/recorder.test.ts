import assert from 'node:assert/strict';
import type { ActivityEvent, CompletionEvent } from '../../../src/core/activity/event.ts';
import { addEvent, countersOf, noTotals } from '../../../src/core/activity/totals.ts';
import { ActivityRecorder } from '../../../src/core/activity/recorder.ts';
import type { CompletionRequest } from '../../../src/core/completion/types.ts';
import type { Note } from '../../../src/core/notebook/note.ts';
import type { Status } from '../../../src/core/verification/verdict.ts';
import type { AnalyzerName } from '../../../src/core/verification/finding.ts';
import { aNote, house, WordAnalyzer } from '../doubles.ts';

const CODE = 'def find(db, name):\n    """Find a user by name"""\n    ';
const request: CompletionRequest = { document: { path: '/w/users.py', language: 'python', text: CODE }, offset: CODE.length, mode: 'safenote' };
const fenced = (code: string) => `\`\`\`python\n${code}\n\`\`\``;
/** A note about what the analyzer of these tests flags, near enough to pass the gate. */
const evil = (o: Partial<Note> = {}) => aNote({ id: 'evil-note', rule: 'evil-rule', ruleFamily: 'evil', erroneousCode: 'def find(db, name):\n    evil(db, name)', ...o });

/** What was written down after the completion. */
let later: ActivityEvent[] = [];

async function record(o: { answers: string[]; notes?: Note[]; knows?: AnalyzerName[]; analyzers?: WordAnalyzer[]; mode?: 'plain' | 'safenote'; again?: boolean; tests?: Status[] }): Promise<CompletionEvent> {
  const answers = [...o.answers];
  const { engine } = house({
    notes: o.notes ?? [evil()],
    ...(o.analyzers ? { analyzers: o.analyzers } : {}),
    settings: { 'retrieval.k': 1, 'verify.deadlineMs': 1, 'retrieval.minSimilarity': 0.2 },
    script: ({ purpose }) => (purpose === 'completion' || purpose === 'retry' ? fenced(answers.shift() ?? 'safe()') : 'Use safe().'),
  });
  const events: ActivityEvent[] = [];
  const recorder = new ActivityRecorder({ journal: { append: (e) => Promise.resolve(void events.push(e)) }, analyzersOf: () => Promise.resolve(o.knows ?? ['builtin']), newId: () => 'e1', now: () => new Date(0), log: { debug() {}, info() {}, warn: (m, e) => assert.fail(`${m} ${String(e)}`), error() {} } });
  const outcome = await engine.complete({ ...request, mode: o.mode ?? 'safenote' }, { signal: new AbortController().signal });
  const made = recorder.completed(outcome, o.again ? { again: true } : {});
  for (const status of o.tests ?? []) made.tested({ status });
  await recorder.idle();
  later = events.filter((e) => e.type !== 'completion');
  const [event, ...more] = events.filter((e) => e.type === 'completion');
  assert.equal(more.length, 0);
  assert.equal(event?.id, 'e1');
  return event;
}
const totalsOf = (events: readonly ActivityEvent[]) => {
  const totals = noTotals();
  for (const event of events) addEvent(totals, event);
  return totals;
};
const used = (event: CompletionEvent) => event.notes.map((n) => [n.id, n.shown, n.result]);

describe('what is written down of a completion', () => {
  it('says that a note prevented its failure when its rule was asked and did not fire', async () => {
    const event = await record({ answers: ['safe()'] });
    assert.deepEqual(used(event), [['evil-note', true, 'prevented']]);
    assert.deepEqual(event.attempts.map((a) => a.security), ['pass']);
  });
  it('says that it failed when the rule fired in spite of it, also when a retry did better', async () => {
    const event = await record({ answers: ['evil()', 'safe()'] });
    assert.deepEqual(used(event), [['evil-note', true, 'failed']]);
    assert.deepEqual(event.attempts.map((a) => [a.security, a.findings.map((f) => f.rule)]), [['fail', ['evil-rule']], ['pass', []]]);
    assert.equal(event.shown, 1);
    assert.equal(event.learned.length, 1);
    assert.deepEqual(event.tokens, { prompt: 20, completion: 10 });
  });
  it('says nothing of a note whose rule no analyzer was there to ask', async () => {
    assert.deepEqual(used(await record({ answers: ['safe()'], knows: ['semgrep'] })), [['evil-note', true, undefined]]);
    const silent = new WordAnalyzer('builtin', 'evil');
    silent.unavailable = 'not installed';
    assert.deepEqual(used(await record({ answers: ['safe()'], analyzers: [silent] })), [['evil-note', true, undefined]]);
  });
  it('says nothing of a note when the answer does not parse', async () => assert.deepEqual(used(await record({ answers: ['@@'] })), [['evil-note', true, undefined]]));
  it('says nothing of a function note when no tests were run', async () => assert.deepEqual(used(await record({ answers: ['safe()'], notes: [evil({ kind: 'function' })] })), [['evil-note', true, undefined]]));
  it('says of a note that another kind of failure is none of its business', async () => {
    const event = await record({ answers: ['bad()', 'bad()'], analyzers: [new WordAnalyzer('builtin', 'bad', { cwe: ['CWE-79'] })] });
    assert.deepEqual(used(event), [['evil-note', true, 'prevented']]);
  });
  it('waits for an analyzer that answers late', async () => {
    const late = new WordAnalyzer('semgrep', 'evil');
    late.delayMs = 60;
    const event = await record({ answers: ['evil()'], analyzers: [new WordAnalyzer('builtin', 'nothing'), late], knows: ['semgrep'] });
    assert.deepEqual(used(event), [['evil-note', true, 'failed']]);
    assert.deepEqual(event.attempts.map((a) => a.security), ['fail']);
    assert.deepEqual(event.analyzers.map((a) => [a.name, a.ran, a.findings]), [['builtin', true, 0], ['semgrep', true, 1]]);
  });
  it('names notes that were found and had no place in the prompt', async () => {
    const event = await record({ answers: ['safe()'], notes: [evil(), evil({ id: 'second', tasks: ['Find a user by name, quickly'] })] });
    assert.deepEqual(event.notes.map((n) => n.shown).sort(), [false, true]);
    assert.equal(event.notes.find((n) => !n.shown)?.result, undefined);
  });
  it('gives a note no credit for a retry that had the failure itself in its prompt', async () => assert.deepEqual(used(await record({ answers: ['safe()'], again: true })), [['evil-note', true, undefined]]));
  it('holds no note where none was asked for', async () => assert.deepEqual(used(await record({ answers: ['safe()'], mode: 'plain' })), []));
  it('judges function notes by the first run of the tests after it was shown', async () => {
    await record({ answers: ['safe()'], notes: [evil({ kind: 'function' })], tests: ['unavailable', 'fail', 'pass'] });
    assert.deepEqual(later, [{ type: 'tested', at: new Date(0).toISOString(), of: 'e1', status: 'fail', notes: [{ id: 'evil-note', result: 'failed' }] }]);
    await record({ answers: ['safe()'], notes: [evil({ kind: 'function' })], tests: ['pass'] });
    assert.equal(countersOf(totalsOf(later), 'evil-note').prevented, 1);
  });
  it('holds neither code nor task', async () => {
    const text = JSON.stringify(await record({ answers: ['evil()', 'safe()'] }));
    for (const secret of ['evil(', 'safe(', 'Find a user', 'users.py', 'dangerous']) assert.ok(!text.includes(secret), secret);
  });
});
