import assert from 'node:assert/strict';
import { fromMarkdown } from 'mdast-util-from-markdown';
import { parseNote } from '../../../src/core/notebook/note-markdown.ts';
import type { Note } from '../../../src/core/notebook/note.ts';
import { MARKER } from '../../../src/core/prompting/marker.ts';
import { renderNote } from '../../../src/core/prompting/render.ts';
import { visibleText } from '../../../src/core/visible-text.ts';
import { HARMLESS, HOSTILE } from '../../fixtures/hostile-notes.ts';
import { house } from '../doubles.ts';

const TEXT = 'import db\n\ndef find(name):\n    """Find a user by name with db.execute."""\n    \n';
const signal = new AbortController().signal;

async function promptWith(note: Note): Promise<readonly { role: string; content: string }[]> {
  const { engine } = house({ notes: [{ ...note, language: 'python', tasks: [...HARMLESS.tasks, ...note.tasks] }], settings: { 'retrieval.minSimilarity': 0, 'retrieval.tokenBudget': 50_000 } });
  const { messages, context } = await engine.preview({ document: { path: '/w/app.py', language: 'python', text: TEXT }, offset: TEXT.length - 1, mode: 'safenote' }, { signal });
  assert.equal(context.securityNotes.length + context.functionNotes.length, 1, `${note.title.slice(0, 80)} is in the prompt`);
  return messages;
}

/** What a reader of Markdown sees between the data: every block, with its text where that is the prompt's own. */
function skeleton(content: string): string[] {
  return fromMarkdown(content).children.map((node) => {
    if (node.type === 'code') return 'code';
    if (node.type === 'blockquote') return 'quotation';
    const text = content.slice(node.position?.start.offset, node.position?.end.offset);
    // The one word of a note in the prompt's own text: its CWE or family, and how often.
    return `${node.type}: ${text.replace(/^## A mistake .*$/, '## A mistake')}`;
  });
}
const optional = (parts: string[]) => parts.filter((part) => !/^paragraph: (?:What to do instead|What worked there)/.test(part));

describe('a hostile note', function () {
  this.timeout(30_000);
  const read = HOSTILE.filter((hostile) => hostile.reads === 'note').map((hostile) => ({ ...hostile, parsed: parseNote(typeof hostile.content === 'string' ? hostile.content : new TextDecoder().decode(hostile.content), hostile.file) }));

  it('comes in more than fifty kinds', () => assert.ok(HOSTILE.length >= 50, String(HOSTILE.length)));

  for (const { name, file, content, reads } of HOSTILE) {
    it(`that ${name} ${reads === 'note' ? 'is read' : 'is refused with a reason'}`, () => {
      const parsed = parseNote(typeof content === 'string' ? content : new TextDecoder().decode(content), file);
      if (reads === 'note') assert.equal(parsed.problem, undefined);
      else assert.ok(parsed.problem && parsed.problem.length < 400, parsed.problem);
      assert.equal(({} as Record<string, unknown>)['polluted'], undefined);
    });
  }

  it('changes nothing in the structure of a prompt, whichever of its fields is hostile', async () => {
    const [system, harmless] = await promptWith(HARMLESS);
    const wanted = skeleton(harmless?.content ?? '');
    assert.ok(wanted.filter((part) => part === 'code').length >= 2 && wanted.filter((part) => part === 'quotation').length >= 3, 'the harmless one has its data');
    for (const { name, parsed } of read) {
      const messages = await promptWith({ ...parsed.note!, kind: 'security' });
      assert.deepEqual(messages.map((m) => m.role), ['system', 'user'], name);
      assert.equal(messages[0]?.content, system?.content, name);
      const content = messages[1]?.content ?? '';
      const { erroneousCode, diagnosis, guidance, secureExample } = parsed.note!;
      const found = skeleton(content);
      if (erroneousCode && diagnosis && guidance && secureExample) assert.deepEqual(found, wanted, name);
      else assert.ok(optional(found).every((part) => wanted.includes(part)), name);
      // A note in another language is never asked for; as such it is rendered all the same.
      assert.ok(optional(skeleton(renderNote({ note: { ...parsed.note!, kind: 'security' }, file: '', quarantined: false }))).every((part) => wanted.includes(part)), name);
      assert.equal(content.split(MARKER).length, (harmless?.content ?? '').split(MARKER).length, `${name}: one place to complete`);
      assert.doesNotMatch(content, /[\u202a-\u202e\u2066-\u2069\u200b\u2028\u2029]|[\u{e0000}-\u{e007f}]/u, `${name}: nothing unseen`);
    }
  });

  it('is data for a retry and for guidance too: templates take values as they are', async () => {
    const [, filled] = await promptWith({ ...HARMLESS, guidance: '{{code}}{{#task}}x{{/task}}' });
    assert.match(filled?.content ?? '', /^> \{\{code\}\}\{\{#task\}\}x\{\{\/task\}\}$/m);
  });

  it('reaches a terminal, a label or a tooltip only in letters that can be seen', () => {
    for (const { name, content } of HOSTILE) {
      const shown = visibleText(typeof content === 'string' ? content : new TextDecoder().decode(content));
      // eslint-disable-next-line no-control-regex
      assert.doesNotMatch(shown, /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\ufeff]|[\u{e0000}-\u{e0fff}]/u, name);
    }
    assert.equal(visibleText('a\u202eb\u001b[2J\r\nc\td 👩‍💻'), 'a⟨U+202E⟩b⟨U+001B⟩[2J\nc\td 👩‍💻');
  });
});
