import assert from 'node:assert/strict';
import fc from 'fast-check';
import { applyEdits, type TextEdit } from '../../../src/core/source.ts';
import { afterAcceptance, consumed, ghostText } from '../../../src/vscode/completion/ghost-text.ts';

/** `|` is the caret. */
const at = (marked: string) => ({ text: marked.replace('|', ''), caret: marked.indexOf('|') });

describe('Ghost text', () => {
  it('is the insertion at the caret', () => {
    const { text, caret } = at('def f():\n    |\n');
    assert.deepEqual(ghostText(text, caret, { start: caret, end: caret, text: 'return 1' }), { start: caret, end: caret, insertText: 'return 1', afterwards: [] });
  });

  it('replaces a closing bracket that the insertion has too', () => {
    const { text, caret } = at('print(|)\n');
    const ghost = ghostText(text, caret, { start: caret, end: caret + 1, text: '"a", b)' });
    assert.deepEqual(ghost, { start: caret, end: caret + 1, insertText: '"a", b)', afterwards: [] });
  });

  it('removes after acceptance what the insertion does not repeat, since the editor would drop such a range', () => {
    const { text, caret } = at('x = [|]\n');
    const ghost = ghostText(text, caret, { start: caret, end: caret + 1, text: '1' });
    assert.ok(ghost);
    assert.equal(ghost.end, caret);
    assert.equal(afterAcceptance(text, ghost), 'x = [1\n');
  });

  it('keeps to one line where a replacement spans several', () => {
    const { text, caret } = at('f(|\n)\n');
    const ghost = ghostText(text, caret, { start: caret, end: caret + 2, text: '1,\n  2\n)' });
    assert.ok(ghost);
    assert.deepEqual([ghost.start, ghost.end], [caret, caret]);
    assert.equal(afterAcceptance(text, ghost), 'f(1,\n  2\n)\n');
  });

  it('takes off what stands before the caret already', () => {
    const { text, caret } = at('    ret|\n');
    assert.equal(ghostText(text, caret, { start: 4, end: caret, text: 'return 1' })?.insertText, 'urn 1');
  });

  it('shows nothing where the text before the caret would have to change', () => {
    const { text, caret } = at('foo|\n');
    assert.equal(ghostText(text, caret, { start: 0, end: caret, text: 'bar()' }), undefined);
  });

  it('shows nothing where nothing is inserted', () => {
    assert.equal(ghostText('abc', 1, { start: 1, end: 2, text: '' }), undefined);
  });

  it('does imports after acceptance, wherever they stand', () => {
    const { text, caret } = at('import a\n\ndef f():\n    |\n# end\n');
    const imports = [{ start: 9, end: 9, text: 'import b\n' }];
    const ghost = ghostText(text, caret, { start: caret, end: caret, text: 'b.g()' }, imports);
    assert.ok(ghost);
    assert.equal(afterAcceptance(text, ghost), applyEdits(text, [{ start: caret, end: caret, text: 'b.g()' }, ...imports]));
  });

  it('comes to the same text as the edits, whatever they are (property)', () => {
    const chars = fc.string({ unit: fc.constantFrom('a', 'b', '(', ')', '\n', ' '), maxLength: 20 });
    fc.assert(
      fc.property(chars, chars, chars, fc.nat(3), fc.nat(8), (before, after, insert, extra, importAt) => {
        const text = before + after;
        const caret = before.length;
        const edit: TextEdit = { start: caret, end: Math.min(text.length, caret + extra), text: insert };
        // As imports do, these never lie inside the edit.
        const place = Math.min(importAt, caret);
        const others = place < caret ? [{ start: place, end: place, text: 'import z\n' }] : [];
        const ghost = ghostText(text, caret, edit, others);
        if (!ghost) return;
        assert.equal(afterAcceptance(text, ghost), applyEdits(text, [edit, ...others]));
        assert.ok(!text.slice(ghost.start, ghost.end).includes('\n'));
        assert.ok(ghost.start <= caret && caret <= ghost.end);
      }),
      { numRuns: 500 },
    );
  });
});

describe('How much of a completion was taken over', () => {
  const { text, caret } = at('f(|)\n');
  const ghost = { start: caret, end: caret + 1, insertText: 'alpha, beta)', afterwards: [] };
  const now = (middle: string) => text.slice(0, caret) + middle + text.slice(caret + 1);

  it('is nothing at first', () => assert.deepEqual(consumed(text, ghost, text), { kind: 'prefix', count: 0 }));
  it('is a word', () => assert.deepEqual(consumed(text, ghost, now('alpha,)')), { kind: 'prefix', count: 6 }));
  it('is all of it', () => assert.deepEqual(consumed(text, ghost, now('alpha, beta)')), { kind: 'whole' }));
  it('is something else when the user types something else', () => assert.deepEqual(consumed(text, ghost, now('alpine)')), { kind: 'other' }));
  it('is something else when the text before it changed', () => assert.deepEqual(consumed(text, ghost, `g${now('alpha,)').slice(1)}`), { kind: 'other' }));
  it('is something else when text was deleted', () => assert.deepEqual(consumed(text, ghost, 'f(\n'), { kind: 'other' }));

  it('is recognised for every part of every insertion (property)', () => {
    fc.assert(
      fc.property(fc.string(), fc.string(), fc.string({ minLength: 1 }), fc.nat(), (head, tail, insertText, part) => {
        const count = part % insertText.length;
        const shown = { start: head.length, end: head.length, insertText, afterwards: [] };
        assert.deepEqual(consumed(head + tail, shown, head + insertText.slice(0, count) + tail), { kind: 'prefix', count });
        assert.equal(consumed(head + tail, shown, head + insertText + tail).kind, 'whole');
      }),
    );
  });
});
