import assert from 'node:assert/strict';
import fc from 'fast-check';
import type { Finding } from '../../../src/core/verification/finding.ts';
import { type Change, FindingsStore, type NewFinding, shift } from '../../../src/vscode/findings/findings-store.ts';

const URI = 'file:///a.py';
const placeIn = (text: string) => (offset: number) => {
  const before = text.slice(0, offset).split('\n');
  return { line: before.length - 1, character: before.at(-1)?.length ?? 0 };
};
const finding = (o: Partial<Finding> = {}): Finding => ({ ruleId: 'r', ruleFamily: 'family', cwe: ['CWE-89'], severity: 'error', message: 'bad', analyzer: 'builtin', startLine: 1, startColumn: 1, endLine: 1, endColumn: 2, ...o });
const found = (text: string, part: string, o: Partial<Finding> = {}): NewFinding => {
  const start = text.indexOf(part);
  return { finding: finding(o), start, end: start + part.length };
};
const apply = (text: string, change: Change) => text.slice(0, change.offset) + change.text + text.slice(change.offset + change.length);

describe('The findings store', () => {
  const text = 'one\nevil(x)\ntwo\nevil(y)\n';

  it('places findings and tells who asks', () => {
    const store = new FindingsStore();
    const news: string[][] = [];
    store.onDidChange((uris) => news.push([...uris]));
    store.put(URI, { kind: 'file' }, [found(text, 'evil(x)')], placeIn(text));
    assert.deepEqual(store.of(URI).map((f) => [f.from, f.to]), [[{ line: 1, character: 0 }, { line: 1, character: 7 }]]);
    assert.deepEqual(news, [[URI]]);
    assert.equal(store.count, 1);
  });

  it('replaces the findings of one origin and keeps those of others', () => {
    const store = new FindingsStore();
    store.put(URI, { kind: 'completion', sessionId: 1 }, [found(text, 'evil(x)')], placeIn(text));
    store.put(URI, { kind: 'completion', sessionId: 2 }, [found(text, 'evil(y)')], placeIn(text));
    store.put(URI, { kind: 'completion', sessionId: 1 }, [], placeIn(text));
    assert.deepEqual(store.of(URI).map((f) => f.from.line), [3]);
  });

  it('says nothing twice', () => {
    const store = new FindingsStore();
    store.put(URI, { kind: 'completion', sessionId: 1 }, [found(text, 'evil(x)')], placeIn(text));
    store.put(URI, { kind: 'file' }, [found(text, 'evil(x)', { ruleId: 'other rule, same family', analyzer: 'semgrep' })], placeIn(text));
    assert.equal(store.count, 1);
  });

  it('moves findings with the text around them', () => {
    const store = new FindingsStore();
    store.put(URI, { kind: 'file' }, [found(text, 'evil(y)')], placeIn(text));
    const change = { offset: 0, length: 0, text: 'new\nlines\n' };
    store.edit(URI, [change], placeIn(apply(text, change)));
    assert.equal(store.of(URI)[0]?.from.line, 5);
  });

  it('drops a finding whose text was deleted', () => {
    const store = new FindingsStore();
    store.put(URI, { kind: 'file' }, [found(text, 'evil(x)')], placeIn(text));
    const change = { offset: 3, length: 9, text: '' };
    store.edit(URI, [change], placeIn(apply(text, change)));
    assert.equal(store.count, 0);
    assert.deepEqual(store.uris, []);
  });

  it('keeps of a completion only what a new check still finds', () => {
    const store = new FindingsStore();
    store.put(URI, { kind: 'completion', sessionId: 1 }, [found(text, 'evil(x)'), found(text, 'evil(y)')], placeIn(text));
    store.reconcile(URI, [found(text, 'evil(y)'), found(text, 'one')], new Set(), placeIn(text));
    assert.deepEqual(store.of(URI).map((f) => f.from.line), [3], 'the new one elsewhere is not of this completion');
  });

  it('takes over everything that a new check of a whole file finds', () => {
    const store = new FindingsStore();
    store.put(URI, { kind: 'file' }, [found(text, 'evil(x)')], placeIn(text));
    store.reconcile(URI, [found(text, 'evil(y)')], new Set(), placeIn(text));
    assert.deepEqual(store.of(URI).map((f) => f.from.line), [3]);
  });

  it('keeps what an analyzer found that did not run this time', () => {
    const store = new FindingsStore();
    store.put(URI, { kind: 'completion', sessionId: 1 }, [found(text, 'evil(x)', { analyzer: 'semgrep' })], placeIn(text));
    store.reconcile(URI, [], new Set(['semgrep']), placeIn(text));
    assert.equal(store.count, 1);
  });

  it('gives a finding the same id as long as it lives', () => {
    const store = new FindingsStore();
    store.put(URI, { kind: 'completion', sessionId: 1 }, [found(text, 'evil(x)')], placeIn(text));
    const id = store.of(URI)[0]?.id ?? '';
    store.edit(URI, [{ offset: 0, length: 0, text: '\n' }], placeIn(`\n${text}`));
    store.reconcile(URI, [found(`\n${text}`, 'evil(x)')], new Set(), placeIn(`\n${text}`));
    assert.equal(store.byId(id)?.from.line, 2);
  });

  it('is the one source: whoever follows its news sees what it holds (property)', () => {
    const uris = ['file:///a', 'file:///b'];
    const step = fc.oneof(
      fc.record({ do: fc.constant('put' as const), uri: fc.constantFrom(...uris), session: fc.nat(2), places: fc.uniqueArray(fc.nat(20), { maxLength: 3 }) }),
      fc.record({ do: fc.constant('edit' as const), uri: fc.constantFrom(...uris), offset: fc.nat(60), length: fc.nat(6), text: fc.string({ maxLength: 5 }) }),
      fc.record({ do: fc.constant('reconcile' as const), uri: fc.constantFrom(...uris), places: fc.uniqueArray(fc.nat(20), { maxLength: 3 }) }),
      fc.record({ do: fc.constant('clear' as const), uri: fc.constantFrom(...uris, undefined) }),
    );
    fc.assert(
      fc.property(fc.array(step, { maxLength: 20 }), (steps) => {
        const store = new FindingsStore();
        const mirror = new Map<string, string[]>();
        store.onDidChange((changed) => changed.forEach((uri) => mirror.set(uri, store.of(uri).map((f) => `${f.id}@${f.from.character}`))));
        const place = (offset: number) => ({ line: 0, character: offset });
        const many = (places: readonly number[]) => places.map((p) => ({ finding: finding({ ruleId: `r${p}`, ruleFamily: `f${p}` }), start: p * 3, end: p * 3 + 2 }));
        for (const s of steps) {
          if (s.do === 'put') store.put(s.uri, { kind: 'completion', sessionId: s.session }, many(s.places), place);
          else if (s.do === 'edit') store.edit(s.uri, [s], place);
          else if (s.do === 'reconcile') store.reconcile(s.uri, many(s.places), new Set(), place);
          else store.clear(s.uri);
        }
        for (const uri of uris) assert.deepEqual(mirror.get(uri) ?? [], store.of(uri).map((f) => `${f.id}@${f.from.character}`));
        assert.equal(store.count, uris.reduce((sum, uri) => sum + store.of(uri).length, 0));
      }),
    );
  });
});

describe('A range after changes', () => {
  it('is where its text is, as long as the change does not touch it (property)', () => {
    fc.assert(
      fc.property(fc.string({ minLength: 1 }), fc.string({ minLength: 1, unit: fc.constantFrom('#', '@') }), fc.string({ minLength: 1 }), fc.string(), fc.nat(), fc.nat(), fc.boolean(), (head, marked, tail, text, a, b, inHead) => {
        const before = head + marked + tail;
        const part = inHead ? head : tail;
        const base = inHead ? 0 : head.length + marked.length;
        const offset = a % (part.length + 1);
        const length = b % (part.length - offset + 1);
        const change = { offset: base + offset, length, text };
        const range = shift({ start: head.length, end: head.length + marked.length }, [change]);
        assert.equal(apply(before, change).slice(range?.start, range?.end), marked);
      }),
    );
  });

  it('takes several changes of one event by their places before it', () => {
    assert.deepEqual(shift({ start: 10, end: 12 }, [{ offset: 0, length: 0, text: 'aa' }, { offset: 5, length: 2, text: '' }]), { start: 10, end: 12 });
  });

  it('grows with text that is typed inside it', () => {
    assert.deepEqual(shift({ start: 2, end: 6 }, [{ offset: 4, length: 0, text: 'xx' }]), { start: 2, end: 8 });
  });
});
