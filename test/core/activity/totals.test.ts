import assert from 'node:assert/strict';
import fc from 'fast-check';
import { ActivityEvent, type CompletionEvent } from '../../../src/core/activity/event.ts';
import { ActivityTotals, addEvent, cellKey, countersOf, noTotals, readCellKey, rollUp, sumSince } from '../../../src/core/activity/totals.ts';

const status = fc.constantFrom('pass' as const, 'fail' as const, 'unavailable' as const);
const cwe = fc.constantFrom('CWE-89', 'CWE-79', 'CWE-22');
const noteId = fc.constantFrom('a', 'b', 'constructor', '__proto__', 'toString');
const moment = fc.integer({ min: Date.UTC(2024, 0, 1), max: Date.UTC(2026, 11, 31) }).map((ms) => new Date(ms).toISOString());
const finding = fc.record({ rule: fc.constant('r'), family: fc.constant('f'), cwe: fc.array(cwe, { maxLength: 2 }), analyzer: fc.constant('builtin') });
const attempt = fc.record({ security: status, function: status, findings: fc.array(finding, { maxLength: 3 }) });
const completion: fc.Arbitrary<CompletionEvent> = fc
  .record({
    type: fc.constant('completion' as const), id: fc.string(), at: moment, language: fc.constantFrom('python', 'go'), model: fc.string(), mode: fc.constantFrom('plain' as const, 'safenote' as const),
    notes: fc.uniqueArray(fc.record({ id: noteId, kind: fc.constantFrom('security' as const, 'function' as const), cwe, shown: fc.boolean(), result: fc.option(fc.constantFrom('prevented' as const, 'failed' as const), { nil: undefined }) }), { selector: (n) => n.id }),
    knowledge: fc.array(fc.record({ cwe, shown: fc.boolean() })), attempts: fc.array(attempt, { minLength: 1, maxLength: 2 }), analyzers: fc.constant<CompletionEvent['analyzers']>([]), learned: fc.constant<CompletionEvent['learned']>([]),
    tokens: fc.record({ prompt: fc.nat(9999), completion: fc.nat(9999) }), timings: fc.record({ retrieveMs: fc.nat(99), generateMs: fc.nat(99), verifyMs: fc.nat(99), totalMs: fc.nat(99) }),
  })
  .map((e) => ({ ...e, shown: e.attempts.length - 1 }));
const event: fc.Arbitrary<ActivityEvent> = fc.oneof(
  { weight: 4, arbitrary: completion },
  fc.record({ type: fc.constant('accepted' as const), at: moment, of: fc.string(), how: fc.constantFrom('whole' as const, 'part' as const) }),
  fc.record({ type: fc.constant('wrong' as const), at: moment, note: noteId }),
);
const sumOf = (events: readonly ActivityEvent[]): ActivityTotals => {
  const totals = noTotals();
  for (const e of events) addEvent(totals, e);
  return totals;
};

describe('activity', () => {
  it('reads back as it was written', () =>
    fc.assert(fc.property(event, (e) => assert.deepEqual(JSON.parse(JSON.stringify(ActivityEvent.parse(JSON.parse(JSON.stringify(e))))), JSON.parse(JSON.stringify({ ...e, ...('model' in e ? { model: e.model.slice(0, 120) } : {}) }))))));
  it('has no room for code or a task: an event keeps only the fields it knows', () => {
    const e = { type: 'wrong', at: '2026-01-01T00:00:00Z', note: 'n', code: 'secret()', task: 'x' };
    assert.deepEqual(ActivityEvent.parse(e), { type: 'wrong', at: '2026-01-01T00:00:00Z', note: 'n' });
  });

  it('is the same sum in whatever order events arrive', () =>
    fc.assert(
      fc.property(fc.array(event, { maxLength: 30 }), (events) => {
        const a = sumOf(events);
        const b = sumOf([...events].reverse());
        assert.deepEqual(sumSince(a), sumSince(b));
        for (const id of ['a', 'b', 'constructor', '__proto__', 'toString']) assert.deepEqual(countersOf(a, id), countersOf(b, id));
      }),
    ));
  it('is kept whole by adding up old days, and does not grow without end', () =>
    fc.assert(
      fc.property(fc.array(event, { maxLength: 40 }), (events) => {
        const totals = sumOf(events);
        const before = structuredClone(sumSince(totals));
        rollUp(totals, new Date(Date.UTC(2026, 11, 31)));
        assert.deepEqual(sumSince(totals), before);
        assert.ok(Object.keys(totals.days).every((key) => key.length === 7 || key >= '2025-11'));
        const again = ActivityTotals.parse(JSON.parse(JSON.stringify(totals)));
        assert.deepEqual(sumSince(again), before);
      }),
    ));
  it('counts a note at most once per completion, and never more results than prompts', () =>
    fc.assert(
      fc.property(fc.array(completion, { maxLength: 30 }), (events) => {
        const shownOnly = events.map((e) => ({ ...e, notes: e.notes.map((n) => (n.shown ? n : { ...n, result: undefined })) }));
        const totals = sumOf(shownOnly);
        for (const c of Object.values(totals.notes)) {
          assert.ok(c.retrieved <= events.length && c.shown <= c.retrieved && c.prevented + c.failed <= c.shown);
          assert.equal(c.lastShown === undefined, c.shown === 0);
        }
        for (const cell of Object.values(sumSince(totals).cells)) assert.ok(cell.caught <= cell.found);
      }),
    ));

  it('tells what a retry caught from what was shown all the same', () => {
    const base: CompletionEvent = {
      type: 'completion', id: '1', at: '2026-03-01T10:00:00Z', language: 'python', model: 'm', mode: 'safenote', knowledge: [], analyzers: [], learned: [], tokens: { prompt: 100, completion: 20 },
      timings: { retrieveMs: 1, generateMs: 2, verifyMs: 3, totalMs: 6 }, notes: [{ id: 'n', kind: 'security', cwe: 'CWE-22', shown: true, result: 'prevented' }, { id: 'm', kind: 'security', cwe: 'CWE-22', shown: true, result: 'prevented' }],
      attempts: [
        { security: 'fail', function: 'unavailable', findings: [{ rule: 'r', family: 'sql', cwe: ['CWE-89'], analyzer: 'builtin' }, { rule: 'x', family: 'xss', cwe: [], analyzer: 'semgrep' }] },
        { security: 'fail', function: 'unavailable', findings: [{ rule: 'x', family: 'xss', cwe: [], analyzer: 'semgrep' }] },
      ],
      shown: 1,
    };
    const totals = sumOf([base, { type: 'accepted', at: '2026-03-01T10:01:00Z', of: '1', how: 'whole' }]);
    const { cells, ...sums } = sumSince(totals);
    assert.deepEqual(cells, {
      'CWE-89 python': { found: 1, caught: 1, prevented: 0, failed: 0 },
      'none python': { found: 1, caught: 0, prevented: 0, failed: 0 },
      // Two notes about one weakness prevented it once.
      'CWE-22 python': { found: 0, caught: 0, prevented: 1, failed: 0 },
    });
    assert.deepEqual(sums, { completions: 1, accepted: 1, pass: 0, fail: 1, unavailable: 0, retried: 1, promptTokens: 100, completionTokens: 20, modelMs: 2, checkMs: 3, totalMs: 6 });
    assert.equal(sumSince(totals, '2026-03-02').completions, 0);
  });
  it('forgets that a note is wrong when the user takes it back', () => {
    const totals = sumOf([{ type: 'wrong', at: '2026-03-01T10:00:00Z', note: 'n' }]);
    assert.equal(countersOf(totals, 'n').wrong, 1);
    addEvent(totals, { type: 'wrong', at: '2026-03-01T10:05:00Z', note: 'n', undone: true });
    assert.equal(countersOf(totals, 'n').wrong, 0);
    assert.equal(countersOf(totals, 'n').lastWrong, undefined);
  });
  it('names cells so that they are read back', () => {
    assert.deepEqual(readCellKey(cellKey('CWE-89', 'python')), { cwe: 'CWE-89', language: 'python' });
    assert.deepEqual(readCellKey(cellKey(undefined, 'c++ or so')), { cwe: undefined, language: 'c++ or so' });
  });
});
