import assert from 'node:assert/strict';
import fc from 'fast-check';
import { notesByWorth, pastCompletions } from '../../../src/core/activity/report.ts';
import { type ActivityTotals, NO_COUNTERS, type NoteCounters } from '../../../src/core/activity/totals.ts';
import { describeWorth, LEAST_WORTH, MOST_WORTH, retirementReason, standingOf, worthFactor } from '../../../src/core/activity/worth.ts';
import type { ActivityEvent, CompletionEvent } from '../../../src/core/activity/event.ts';
import { SILENT } from '../../../src/core/log.ts';
import { Notebook } from '../../../src/core/notebook/notebook.ts';
import { aNote, MemoryStore } from '../doubles.ts';

const counters = (o: Partial<NoteCounters>): NoteCounters => ({ ...NO_COUNTERS, ...o });
const anyCounters = fc.record({ retrieved: fc.nat(5000), shown: fc.nat(5000), prevented: fc.nat(5000), failed: fc.nat(5000), wrong: fc.nat(3) }).map((c): NoteCounters => c);
const stored = (o: Parameters<typeof aNote>[0] = {}, quarantined = false) => ({ note: aNote(o), file: '', quarantined });

describe("a note's worth", () => {
  it('is 1 without evidence, however often the note was looked up', () => fc.assert(fc.property(fc.nat(), fc.nat(), (retrieved, shown) => worthFactor(counters({ retrieved, shown })) === 1)));
  it('lies within its bounds', () => fc.assert(fc.property(anyCounters, (c) => worthFactor(c) >= LEAST_WORTH && worthFactor(c) <= MOST_WORTH)));
  it('grows with every failure prevented, and falls with every one in vain', () =>
    fc.assert(
      fc.property(anyCounters, (c) => {
        const now = worthFactor(c);
        return worthFactor({ ...c, prevented: c.prevented + 1 }) > now && worthFactor({ ...c, failed: c.failed + 1 }) < now;
      }),
    ));
  it('is halved by what the user says, and given back when that is taken back', () =>
    fc.assert(fc.property(anyCounters, (c) => worthFactor({ ...c, wrong: 1 }) === worthFactor({ ...c, wrong: 0 }) / 2)));
  it('sinks faster than it rises', () => fc.assert(fc.property(fc.integer({ min: 1, max: 5000 }), (n) => 1 - worthFactor(counters({ failed: n })) > worthFactor(counters({ prevented: n })) - 1)));

  it('moves a note in the ranking: of two alike, the one that failed in vain comes second', async () => {
    const store = new MemoryStore([aNote({ id: 'a-fails' }), aNote({ id: 'b-helps' })]);
    const worth: Record<string, number> = {};
    const notebook = new Notebook({ store, hash: (text) => text, worth: () => (id) => worth[id] ?? 1, log: SILENT });
    const ranking = async () => {
      const { note } = (await store.load()).notes[0]!;
      const query = { language: 'python', task: 'Find a user by name', code: note.erroneousCode, apis: ['db.execute'], ownApis: [], draftCwes: [] };
      const { security } = await notebook.retrieve(query, {}, { model: '', limit: { security: 5, function: 0 }, minSimilarity: 0.2 });
      // The gate asks what a note is about, not what it was good for.
      assert.deepEqual(security.map((n) => n.passesGate), [true, true]);
      return security.map((n) => n.item.note.id);
    };
    assert.deepEqual(await ranking(), ['a-fails', 'b-helps']);
    worth['a-fails'] = worthFactor(counters({ failed: 1 }));
    assert.deepEqual(await ranking(), ['b-helps', 'a-fails']);
    worth['b-helps'] = worthFactor(counters({ wrong: 1 }));
    assert.deepEqual(await ranking(), ['a-fails', 'b-helps']);
  });
});

describe('retirement', () => {
  it('is proposed for a note that prevents nothing', () => assert.match(retirementReason(stored(), counters({ shown: 3, failed: 3 })) ?? '', /3 prompts it prevented nothing/));
  it('is proposed for a note that fails far more than it helps', () => assert.match(retirementReason(stored(), counters({ failed: 4, prevented: 1 })) ?? '', /4 times.*only once/));
  it('is proposed for a note that the user called wrong', () => assert.match(retirementReason(stored(), counters({ prevented: 9, wrong: 1 })) ?? '', /you said/));
  it('is proposed for a note that is found again and again and never chosen', () => assert.match(retirementReason(stored(), counters({ retrieved: 25 })) ?? '', /never chosen/));
  it('is not proposed without evidence, for a note that helps, or for one that is out of use already', () => {
    assert.equal(retirementReason(stored(), NO_COUNTERS), undefined);
    assert.equal(retirementReason(stored(), counters({ failed: 2 })), undefined);
    assert.equal(retirementReason(stored(), counters({ failed: 3, prevented: 2 })), undefined);
    assert.equal(retirementReason(stored({ status: 'muted' }), counters({ failed: 9 })), undefined);
    assert.equal(retirementReason(stored({ pinned: true }), counters({ failed: 9 })), undefined);
    assert.equal(retirementReason(stored({}, true), counters({ failed: 9 })), undefined);
  });
  it('never touches a note that prevented more than half of what it was judged by, unless the user spoke', () =>
    fc.assert(fc.property(fc.integer({ min: 1, max: 500 }), fc.nat(500), (p, f) => retirementReason(stored(), counters({ prevented: p + f, failed: f, shown: p + 2 * f, retrieved: p + 2 * f })) === undefined)));
});

describe('the list of notes by worth', () => {
  it('begins with what helps and ends with what is wrong', () => {
    const totals: ActivityTotals = { days: {}, notes: { helps: counters({ retrieved: 5, shown: 5, prevented: 4 }), fails: counters({ retrieved: 3, shown: 3, failed: 3 }), wrong: counters({ wrong: 1 }) } };
    const list = notesByWorth(['wrong', 'fails', 'new', 'helps'].map((id) => stored({ id })), totals);
    assert.deepEqual(list.map((n) => [n.stored.note.id, n.standing]), [['helps', 'helps'], ['new', 'untried'], ['fails', 'fails'], ['wrong', 'wrong']]);
    assert.deepEqual(list.filter((n) => n.retire).map((n) => n.stored.note.id), ['fails', 'wrong']);
  });
  it('knows no counters of a note called like a method of objects', () => assert.equal(notesByWorth([stored({ id: 'constructor' })], { notes: {}, days: {} })[0]?.factor, 1));
  it('says it in words', () => {
    assert.equal(describeWorth(NO_COUNTERS), '');
    assert.equal(describeWorth(counters({ retrieved: 3 })), 'found 3 times, in no prompt yet');
    assert.equal(describeWorth(counters({ retrieved: 9, shown: 6, prevented: 4, failed: 1, wrong: 1 })), 'you said it is wrong, prevented 4, failed in spite of it 1, in 6 prompts');
    assert.equal(standingOf(counters({ prevented: 1, failed: 1 })), 'mixed');
  });
});

describe('past completions', () => {
  const completion = (id: string, at: string): CompletionEvent => ({ type: 'completion', id, at, language: 'python', model: 'm', mode: 'safenote', notes: [], knowledge: [], attempts: [], shown: 0, analyzers: [], learned: [], tokens: { prompt: 0, completion: 0 }, timings: { retrieveMs: 0, generateMs: 0, verifyMs: 0, totalMs: 0 } });
  it('come latest first, with what was taken over of them', () => {
    const events: ActivityEvent[] = [
      completion('a', '2026-01-01T00:00:00Z'),
      completion('b', '2026-01-02T00:00:00Z'),
      { type: 'accepted', at: '2026-01-02T00:01:00Z', of: 'a', how: 'whole' },
      { type: 'accepted', at: '2026-01-02T00:02:00Z', of: 'a', how: 'part' },
    ];
    assert.deepEqual(pastCompletions(events).map((p) => [p.event.id, p.accepted]), [['b', undefined], ['a', 'whole']]);
  });
});
