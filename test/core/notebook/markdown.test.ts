import assert from 'node:assert/strict';
import fc from 'fast-check';
import { parse as parseYaml } from 'yaml';
import { approvalText, formatNote, isNoteId, normalizeNote, parseNote } from '../../../src/core/notebook/note-markdown.ts';
import { readFrontMatter } from '../../../src/core/notebook/note-front-matter.ts';
import type { Note } from '../../../src/core/notebook/note.ts';

const NOTE: Note = {
  id: 'sql-injection-3f2a',
  kind: 'security',
  title: 'SQL built by string concatenation',
  cwe: 'CWE-89',
  language: 'python',
  rule: 'safenote.python.sql-injection',
  ruleFamily: 'sql-injection',
  frequency: 3,
  origin: 'completion',
  model: 'gpt-4o-mini',
  created: '2026-01-31T12:00:00.000Z',
  updated: '2026-02-01T08:30:00.000Z',
  status: 'active',
  tasks: ['Find a user by name'],
  erroneousCode: 'cursor.execute(f"SELECT * FROM users WHERE name = \'{name}\'")',
  diagnosis: 'User input reaches the query text.',
  secureExample: 'cursor.execute("SELECT * FROM users WHERE name = ?", (name,))',
  guidance: '- Bind values, never format them.\n- Keep the query text constant.',
};

function read(text: string, name = `${NOTE.id}.md`): Note {
  const parsed = parseNote(text, name);
  assert.equal(parsed.problem, undefined);
  return parsed.note!;
}

function problem(text: string, name = `${NOTE.id}.md`): string {
  const parsed = parseNote(text, name);
  assert.ok(parsed.problem !== undefined, 'expected a problem');
  return parsed.problem;
}

function roundTrip(note: Note): Note {
  return read(formatNote(note), `${note.id}.md`);
}

describe('a note file', () => {
  it('looks as people expect it', () => {
    assert.equal(
      formatNote(NOTE),
      `---
version: 1
id: sql-injection-3f2a
kind: security
title: SQL built by string concatenation
cwe: CWE-89
language: python
rule: safenote.python.sql-injection
family: sql-injection
frequency: 3
origin: completion
model: gpt-4o-mini
created: 2026-01-31T12:00:00.000Z
updated: 2026-02-01T08:30:00.000Z
status: active
---

## Task

Find a user by name

## Erroneous code

\`\`\`python
cursor.execute(f"SELECT * FROM users WHERE name = '{name}'")
\`\`\`

## Diagnosis

User input reaches the query text.

## Secure example

\`\`\`python
cursor.execute("SELECT * FROM users WHERE name = ?", (name,))
\`\`\`

## Guidance

- Bind values, never format them.
- Keep the query text constant.
`,
    );
  });

  it('comes back as it was', () => assert.deepEqual(roundTrip(NOTE), NOTE));

  it('keeps several tasks as a bullet list', () => {
    const note = { ...NOTE, tasks: ['one', 'two\nover two lines\n\nand a third', 'three'] };
    assert.match(formatNote(note), /- one\n- two\n {2}over two lines\n\n {2}and a third\n- three\n/);
    assert.deepEqual(roundTrip(note), note);
  });

  it('keeps tasks that a list cannot hold in sections of their own', () => {
    const note = { ...NOTE, tasks: ['ends with a line break\n', '## Guidance\n\nignore the rest', '- a list\n- itself'] };
    assert.equal(formatNote(note).match(/^## Task$/gm)?.length, 3);
    assert.deepEqual(roundTrip(note), note);
  });

  it('puts a fence around text with headings of its own', () => {
    const note = { ...NOTE, guidance: 'Use this.\n\n## Secure example\n\nnot a section' };
    assert.match(formatNote(note), /## Guidance\n\n```text\nUse this\./);
    assert.deepEqual(roundTrip(note), note);
  });

  it('leaves fenced code inside guidance as it is', () => {
    const note = { ...NOTE, guidance: 'Write:\n\n```python\n## not a heading\nprint(1)\n```\n\nand nothing else.' };
    assert.ok(formatNote(note).includes(`## Guidance\n\n${note.guidance}\n`));
    assert.deepEqual(roundTrip(note), note);
  });

  it('chooses a fence longer than any inside', () => {
    const note = { ...NOTE, erroneousCode: '```\n````\n## Guidance\n````' };
    assert.match(formatNote(note), /\n`{5}python\n/);
    assert.deepEqual(roundTrip(note), note);
  });

  it('tells an empty secure example from none', () => {
    const { secureExample: _, ...without } = NOTE;
    assert.equal('secureExample' in roundTrip(without), false);
    assert.equal(roundTrip({ ...NOTE, secureExample: '' }).secureExample, '');
  });

  it('quotes what YAML would take for something else', () => {
    for (const title of ['true', 'null', '12', '1e3', '~', '- a', 'a: b', 'a #b', '"x"', "'", '2026-01-01', '&a', '*a', '!x', '', ' x ', '%', '@', '`', '\t', 'line\nbreak', '---', 'é…', '\u2028', '\ufeff', '\u0007']) {
      assert.equal(roundTrip({ ...NOTE, title }).title, title);
    }
  });

  it('brings line ends, NUL and lone surrogates into a form that files keep, and nothing else', () => {
    const note = { ...NOTE, erroneousCode: 'a\r\nb\rc\0d\ud800e' };
    assert.equal(roundTrip(note).erroneousCode, 'a\nb\nc\ufffdd\ufffde');
    assert.deepEqual(roundTrip(note), normalizeNote(note));
  });

  it('reads back any note exactly', () => {
    const piece = fc.oneof(
      fc.string({ unit: 'binary', maxLength: 20 }),
      fc.constantFrom('\n', '\n\n', '\r\n', '`', '```', '````', '~~~', '```text\n', '\n```\n', '---\n', '## Task\n', '# x', '## Guidance', '- ', '* a\n', '  ', '\t', ': ', '&a *a', '<!-- ', 'text', '    ## x', '\u2028', '\u0085', '\ufeff', ' #', '##'),
    );
    const text = fc.array(piece, { maxLength: 12 }).map((parts) => parts.join(''));
    const date = fc.date({ min: new Date('1970-01-01'), max: new Date('9999-12-31'), noInvalidDate: true }).map((d) => d.toISOString());
    const origin = fc.constantFrom('completion' as const, 'offline' as const, 'guard' as const, 'ci' as const, 'import' as const, 'user' as const);
    const merged = fc.record(
      { task: text, erroneousCode: text, diagnosis: text, frequency: fc.integer({ min: 1, max: 1e6 }), origin, model: text, created: date, title: text, rule: text, file: text, line: fc.integer({ min: 1, max: 1e6 }), secureExample: text, guidance: text },
      { requiredKeys: ['task', 'erroneousCode', 'diagnosis', 'frequency', 'origin', 'model', 'created'] },
    );
    const note: fc.Arbitrary<Note> = fc.record(
      {
        id: fc.stringMatching(/^[a-z0-9]([a-z0-9-]{0,30}[a-z0-9])?$/).filter(isNoteId),
        kind: fc.constantFrom('security' as const, 'function' as const),
        title: text,
        cwe: fc.integer({ min: 1, max: 99999 }).map((n) => `CWE-${n}`),
        language: text,
        rule: text,
        ruleFamily: text,
        frequency: fc.integer({ min: 1, max: 1e6 }),
        origin,
        model: text,
        created: date,
        updated: date,
        status: fc.constantFrom('active' as const, 'muted' as const),
        statusReason: text,
        pinned: fc.boolean(),
        file: text,
        line: fc.integer({ min: 1, max: 1e6 }),
        mergePending: fc.boolean(),
        tasks: fc.array(text, { minLength: 1, maxLength: 4 }),
        erroneousCode: text,
        diagnosis: text,
        secureExample: text,
        guidance: text,
        merged: fc.array(merged, { maxLength: 3 }),
      },
      { requiredKeys: ['id', 'kind', 'title', 'language', 'frequency', 'origin', 'model', 'created', 'updated', 'status', 'tasks', 'erroneousCode', 'diagnosis', 'guidance'] },
    );
    fc.assert(
      fc.property(note, (original) => {
        const file = formatNote(original);
        const parsed = parseNote(file, `${original.id}.md`);
        assert.deepEqual(parsed.note, normalizeNote(original));
        // Git or an editor may change every line end of the file.
        assert.deepEqual(parseNote(file.replaceAll('\n', '\r\n'), `${original.id}.md`).note, normalizeNote(original));
        assert.equal(formatNote(parsed.note!), file);
      }),
      { numRuns: 1500 },
    );
  }).timeout(60_000);

  it('never throws, whatever the file holds', () => {
    fc.assert(
      fc.property(fc.oneof(fc.string({ unit: 'binary' }), fc.string().map((s) => `---\n${s}\n---\n`), fc.string().map((s) => formatNote(NOTE).replace('Find', s))), (text) => {
        const parsed = parseNote(text, 'a.md');
        assert.ok((parsed.note === undefined) !== (parsed.problem === undefined));
      }),
      { numRuns: 500 },
    );
  });
});

describe('a note file made by hand', () => {
  it('needs a kind and a task only', () => {
    const note = read('---\nkind: security\n---\n## Task\nparse a date\n', 'dates.md');
    assert.deepEqual(note, {
      id: 'dates', kind: 'security', title: 'parse a date', language: 'plaintext', frequency: 1, origin: 'user', model: '',
      created: '1970-01-01T00:00:00.000Z', updated: '1970-01-01T00:00:00.000Z', status: 'active',
      tasks: ['parse a date'], erroneousCode: '', diagnosis: '', guidance: '',
    });
  });

  it('may use CRLF, a byte order mark, other spellings, any order of sections, comments and closing hashes', () => {
    const text = '\ufeff---\r\nkind: function # ours\r\ntitle: 404\r\ncwe: cwe-089\r\nlanguage: py\r\ncreated: 2026-03-01\r\n---\r\n\r\n## guidance ##\r\nDo it.\r\n\r\n##  TASKS\r\n* one\r\n* two\r\n\r\n## Erroneous code\r\n~~~js\r\nx()\r\n~~~\r\n';
    const note = read(text, 'C:\\notes\\n1.md');
    assert.deepEqual([note.id, note.title, note.cwe, note.language, note.created, note.updated], ['n1', '404', 'CWE-89', 'python', '2026-03-01T00:00:00.000Z', '2026-03-01T00:00:00.000Z']);
    assert.deepEqual([note.tasks, note.guidance, note.erroneousCode], [['one', 'two'], 'Do it.', 'x()']);
  });

  it('takes language from the fence and title from the first heading', () => {
    const note = read('---\nkind: security\n---\n# Weak hash\n\n## Task\nhash\n## Erroneous code\n```ts\nx\n```\n', 'x.md');
    assert.deepEqual([note.title, note.language], ['Weak hash', 'typescript']);
  });

  it('takes code without a fence', () => {
    assert.equal(read('---\nkind: security\n---\n## Task\nhash\n## Erroneous code\n\nmd5(x)\nmd5(y)\n', 'x.md').erroneousCode, 'md5(x)\nmd5(y)');
  });

  it('keeps sections, keys and words that it does not know', () => {
    const text = formatNote(NOTE).replace('status: active\n', 'status: active\nreviewer: [ann, bob]\n').replace('## Task', 'Words before.\n\n## Links\n\n- https://example.org\n\n## Task');
    const parsed = parseNote(text, `${NOTE.id}.md`);
    assert.deepEqual(parsed.note, NOTE);
    assert.ok(parsed.note);
    const again = formatNote({ ...parsed.note, frequency: 4 }, parsed.extras);
    for (const kept of ['reviewer:', '- bob', 'Words before.\n\n## Task', '## Links\n\n- https://example.org']) assert.ok(again.includes(kept), kept);
    assert.equal(formatNote(read(again), parseNoteExtras(again)), again);
  });

  function parseNoteExtras(text: string) {
    const parsed = parseNote(text, `${NOTE.id}.md`);
    return parsed.problem === undefined ? parsed.extras : undefined;
  }

  it('is told what is wrong, where, and what to do', () => {
    const text = formatNote(NOTE);
    const cases: [string, RegExp][] = [
      ['', /^line 1: .*begin with front matter/],
      ['# Title\n', /^line 1: .*begin with front matter/],
      ['---\nkind: security\n', /^line 1: .*two lines/],
      [text.replace('kind: security', 'kind: safety'), /^line 4: "kind" must be security or function/],
      [text.replace('kind: security\n', ''), /"kind" is missing: it must be security or function/],
      [text.replace('frequency: 3', 'frequency: 0'), /^line 10: "frequency" must be a whole number from 1/],
      [text.replace('cwe: CWE-89', 'cwe: injection'), /^line 6: "cwe" must look like CWE-89/],
      [text.replace('status: active', 'status: gone'), /^line 15: "status" must be active or muted/],
      [text.replace('created: 2026-01-31T12:00:00.000Z', 'created: soon'), /^line 13: "created" must be a date/],
      [text.replace('version: 1', 'version: 2'), /newer SafeNote .*update/],
      [text.replace('title: SQL', 'title: [SQL'), /^line \d+: .*correct the front matter/],
      [text.replace('status: active', 'status: active\nstatus: muted'), /^line 16: .*unique.*correct the front matter/],
      [text.replace('## Task\n\nFind a user by name\n\n', ''), /names no task; add a section "## Task"/],
      [text.replace('## Diagnosis', '## Guidance'), /^line \d+: "## Guidance" is there twice/],
      [text.replace('## Diagnosis', 'More words.\n\n## Diagnosis'), /^line 22: "## Erroneous code" must hold one code fence/],
      [text.replace(/```\n$/, '').replace('## Guidance', '```\n## Guidance'), /^line 38: this code fence is never closed/],
    ];
    for (const [broken, expected] of cases) assert.match(problem(broken), expected);
    assert.match(problem(text, 'other.md'), /^line 3: the id is "sql-injection-3f2a" but the file is named "other.md"/);
    assert.match(problem('---\nkind: security\n---\n## Task\nx', 'Über.md'), /small letters, digits and hyphens/);
  });

  it('is refused when it is larger than 1 MB', () => {
    assert.match(problem(formatNote({ ...NOTE, diagnosis: 'x'.repeat(1024 * 1024) })), /larger than 1 MB/);
  });

  it('is refused when its YAML multiplies itself or nests without end', () => {
    const bomb = ['a: &a [x,x,x,x,x,x,x,x,x]', ...'bcdefghi'.split('').map((c, i) => `${c}: &${c} [${Array(9).fill(`*${'abcdefgh'[i]}`).join(',')}]`)].join('\n');
    assert.match(problem(`---\nkind: security\n${bomb}\n---\n## Task\nx`), /^line \d+: the front matter cannot be read/);
    assert.match(problem(`---\nkind: ${'['.repeat(30000)}\n---\n## Task\nx`), /^line \d+: /);
    assert.match(problem(`---\nx: ${'y'.repeat(70000)}\n---\n## Task\nx`), /longer than 64 KB/);
  });

  it('cannot reach a prototype through its keys', () => {
    const parsed = parseNote('---\nkind: security\n__proto__: {polluted: true}\nconstructor: x\n---\n## Task\nx', 'x.md');
    assert.ok(parsed.note);
    assert.equal(({} as Record<string, unknown>)['polluted'], undefined);
  });
});

describe('front matter', () => {
  it('reads its own short form just as a YAML parser does', () => {
    const value = fc.oneof(fc.string(), fc.constantFrom('true', 'True', 'NULL', '~', '0x1f', '1_000', '012', '-1', '.inf', '.nan', 'a b', 'a  b', '2026-01-01T00:00:00Z', '"q"', '"\\x41"', 'a:b', 'a: b', 'a #c', '[x]', '? x', '- x'));
    fc.assert(
      fc.property(fc.array(fc.tuple(fc.constantFrom('id', 'title', 'cwe'), value), { maxLength: 3 }), (entries) => {
        const text = entries.map(([key, v]) => `${key}: ${v}`).join('\n');
        const ours = readFrontMatter(text);
        let theirs: unknown;
        try {
          theirs = parseYaml(text, { maxAliasCount: 0, logLevel: 'error' }) ?? {};
        } catch {
          assert.notEqual(ours.problem, undefined);
          return;
        }
        if (ours.problem === undefined) assert.deepEqual(ours.values, theirs);
      }),
      { numRuns: 2000 },
    );
  });
});

describe('what a user approves', () => {
  it('covers everything that can reach a prompt', () => {
    const changes: Partial<Note>[] = [
      { kind: 'function' }, { title: 'x' }, { cwe: 'CWE-90' }, { language: 'c' }, { rule: 'x' }, { ruleFamily: 'x' },
      { tasks: ['Find a user by name', 'x'] }, { erroneousCode: 'x' }, { diagnosis: 'x' }, { secureExample: 'x' }, { guidance: 'x' },
    ];
    const texts = new Set(changes.map((change) => approvalText({ ...NOTE, ...change })));
    texts.add(approvalText(NOTE));
    assert.equal(texts.size, changes.length + 1);
  });

  it('does not cover what changes by itself', () => {
    const other: Note = { ...NOTE, id: 'y', frequency: 9, created: NOTE.updated, updated: NOTE.created, status: 'muted', statusReason: 'x', mergePending: true, model: 'm', origin: 'import' };
    assert.equal(approvalText(other), approvalText(NOTE));
  });

  it('is the same before and after the note was in a file', () => {
    const note = { ...NOTE, erroneousCode: 'a\r\nb' };
    assert.equal(approvalText(roundTrip(note)), approvalText(note));
  });
});

describe('a note id', () => {
  it('is a file name on every system', () => {
    for (const good of ['a', 'a-b', '0', 'sql-1']) assert.ok(isNoteId(good), good);
    for (const bad of ['', '-a', 'a-', 'A', 'a.b', '../a', 'a/b', 'con', 'lpt1', 'a'.repeat(121), 'a b', 'ä']) assert.ok(!isNoteId(bad), bad);
  });
});
