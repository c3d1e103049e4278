import assert from 'node:assert/strict';
import type { Note, StoredNote } from '../../../src/core/notebook/note.ts';
import { NoteRetriever } from '../../../src/core/retrieval/note-retriever.ts';
import { aNote } from '../doubles.ts';

const stored = (note: Partial<Note>): StoredNote => ({ note: aNote(note), file: `/notes/${note.id}.md`, quarantined: false });
const QUERY = { language: 'python', code: 'def find(cursor, name):\n    cursor.execute(', task: 'Find a customer by name', apis: ['cursor.execute'], ownApis: [], draftCwes: [] };

async function found(notes: StoredNote[], limit = 5, minSimilarity = 0.2): Promise<string[]> {
  const retriever = new NoteRetriever('security', undefined);
  retriever.sync(notes);
  return (await retriever.retrieve(QUERY, {}, { model: '', limit, minSimilarity })).filter((n) => n.passesGate).map((n) => n.item.note.id);
}

describe('a pinned note', () => {
  const near = stored({ id: 'near', tasks: ['Find a customer by name'], erroneousCode: 'def find(cursor, name):\n    cursor.execute("…" + name)', frequency: 9 });
  const further = { id: 'further', tasks: ['Find an order'], erroneousCode: 'def find(cursor, order):\n    cursor.execute("…" + order)' };
  const about = { id: 'elsewhere', tasks: ['Draw a circle'], erroneousCode: 'canvas.arc(x, y, r)' };

  it('comes before better ones where it is relevant', async () => {
    assert.deepEqual(await found([near, stored(further)]), ['near', 'further']);
    assert.deepEqual(await found([near, stored({ ...further, pinned: true })]), ['further', 'near']);
    assert.deepEqual(await found([near, stored({ ...further, pinned: true })], 1), ['further']);
  });

  it('takes no place where it is not', async () => {
    assert.deepEqual(await found([near, stored({ ...about, pinned: true })], 1), ['near']);
    assert.deepEqual(await found([near, stored({ ...further, pinned: true, language: 'go' })], 1), ['near']);
  });

  it('is looked at however far behind the rankings see it', async () => {
    const many = Array.from({ length: 80 }, (_, n) => stored({ id: `n${n}`, tasks: ['Find a customer by name'], erroneousCode: `def find(cursor, name):\n    cursor.execute("${n}" + name)` }));
    assert.equal((await found([...many, stored({ ...further, pinned: true })], 1))[0], 'further');
  });

  it('is like any other once it is unpinned', async () => {
    const retriever = new NoteRetriever('security', undefined);
    const first = async (notes: StoredNote[]) => {
      retriever.sync(notes);
      return (await retriever.retrieve(QUERY, {}, { model: '', limit: 1, minSimilarity: 0.2 }))[0]?.item.note.id;
    };
    assert.equal(await first([near, stored({ ...further, pinned: true })]), 'further');
    assert.equal(await first([near, stored(further)]), 'near');
  });
});
