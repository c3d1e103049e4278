import assert from 'node:assert/strict';
import fc from 'fast-check';
import type { SecurityVerdict } from '../../../src/core/verification/verdict.ts';
import { escapeInline, escapeMarkdown } from '../../../src/vscode/common/escape-markdown.ts';
import { redactPaths } from '../../../src/vscode/common/redact-paths.ts';
import { Decisions } from '../../../src/vscode/completion/decisions.ts';
import { Run } from '../../../src/vscode/completion/run.ts';
import { lookOf, overallLook, shortTests, shortVerdict, spokenTests, spokenVerdict } from '../../../src/vscode/completion/verdict-text.ts';
import { Insertions } from '../../../src/vscode/guard/insertions.ts';

describe('Paths in a log', () => {
  const folders = [{ path: '/home/ann', name: '~' }, { path: '/home/ann/work/shop', name: '<shop>' }];

  it('are shortened to the name of their folder, the closest first', () => {
    assert.equal(redactPaths('read /home/ann/work/shop/a.py and /home/ann/.cache', folders), 'read <shop>/a.py and ~/.cache');
  });

  it('are not cut inside a longer name', () => {
    assert.equal(redactPaths('/data/shops/x', [{ path: '/data/shop', name: '<shop>' }]), '/data/shops/x');
  });

  it('never tell another user of the machine', () => {
    assert.equal(redactPaths('at /home/bob/x.ts and /Users/eve/y', []), 'at /home/~/x.ts and /Users/~/y');
  });

  it('are found in Windows spelling and in URIs', () => {
    const windows = [{ path: 'C:\\Users\\ann\\shop', name: '<shop>' }];
    assert.equal(redactPaths('c:\\users\\ann\\shop\\a.py C:/Users/ann/shop/b.py', windows), '<shop>\\a.py <shop>/b.py');
    assert.equal(redactPaths('file:///home/ann/my%20shop/a', [{ path: '/home/ann/my shop', name: '<s>' }]), 'file://<s>/a');
  });

  it('leave no trace of the folder, whatever surrounds them (property)', () => {
    fc.assert(fc.property(fc.string(), fc.string(), (a, b) => assert.ok(!redactPaths(`${a} /home/ann/work/shop/x ${b}`, folders).includes('/home/ann/work/shop/x'))));
  });
});

describe('Text of others in Markdown', () => {
  it('makes no link, image, emphasis or HTML', () => {
    assert.equal(escapeMarkdown('[x](command:y) **b** <img> `c`'), '\\[x\\]\\(command\\:y\\) \\*\\*b\\*\\* &lt;img&gt; \\`c\\`');
  });

  it('leaves no mark of Markdown without a backslash (property)', () => {
    fc.assert(fc.property(fc.string(), (text) => assert.doesNotMatch(escapeMarkdown(text).replace(/\\[^\n]/g, '').replace(/&(?:lt|gt|amp);/g, ''), /[\\`*_[\]()#<>|~!\n]/)));
  });
});

describe('Markdown inside of a line', () => {
  it('shows the text: no emphasis, link, image, code or HTML (property)', () => {
    fc.assert(fc.property(fc.string(), (text) => assert.doesNotMatch(escapeInline(text).replace(/\\[^\n]/g, '').replace(/&(?:lt|gt|amp);/g, ''), /[\\`*_[\]#<>|~\n]/)));
  });
  it('makes no link of an address, and leaves ordinary words readable', () => {
    assert.doesNotMatch(escapeInline('see https://evil.example and mailto:a@b.c'), /https:\/\/|mailto:a|a@b/);
    assert.equal(escapeInline('CWE-89: not run (no test), 1.5 s'), 'CWE-89: not run (no test), 1.5 s');
  });
});

describe('Why No Suggestion?', () => {
  it('remembers the last 50 requests, latest first', () => {
    const decisions = new Decisions();
    for (let n = 0; n < 60; n++) decisions.add({ where: `a.py:${n}`, trigger: 'command', result: 'nothing', reason: 'because' });
    assert.equal(decisions.latest.length, 50);
    assert.equal(decisions.latest[0]?.where, 'a.py:59');
  });

  it('is a table that text cannot break', () => {
    const decisions = new Decisions();
    decisions.add({ where: 'a|b.py:1', trigger: 'invoked', result: 'failed', reason: 'line\nbreak | bar' });
    const row = decisions.toMarkdown('onInvoke').split('\n').find((line) => line.startsWith('|') && line.includes('a\\|b.py'));
    assert.ok(row?.includes('line break \\| bar'));
  });

  it('says so when it was never asked', () => {
    assert.match(new Decisions().toMarkdown('off'), /has not been asked/);
  });
});

describe('A verdict in words', () => {
  const verdict = (o: Partial<SecurityVerdict>): SecurityVerdict => ({ status: 'pass', findings: [], pending: [], reports: [], ...o });
  const finding = { ruleId: 'r', ruleFamily: 'f', cwe: ['CWE-89'], severity: 'error', message: 'SQL is built from text.', analyzer: 'builtin', startLine: 1, startColumn: 1, endLine: 1, endColumn: 2 } as const;

  it('is pending, never pass, as long as an analyzer may still object', () => {
    assert.equal(lookOf(verdict({ pending: ['semgrep'] })), 'pending');
    assert.equal(shortVerdict(verdict({ pending: ['semgrep'] })).text, 'Semgrep pending');
  });

  it('is fail even while others are pending', () => {
    assert.equal(lookOf(verdict({ status: 'fail', findings: [finding], pending: ['semgrep'] })), 'fail');
    assert.equal(shortVerdict(verdict({ status: 'fail', findings: [finding] })).text, 'fails CWE-89');
  });

  it('says why it is unavailable', () => {
    assert.match(spokenVerdict(verdict({ status: 'unavailable', reason: 'no grammar for cobol' })), /not checked: no grammar for cobol/);
  });

  it('never speaks of passing unless it passed', () => {
    for (const status of ['fail', 'unavailable'] as const) assert.doesNotMatch(spokenVerdict(verdict({ status, findings: status === 'fail' ? [finding] : [] })), /no new findings/);
  });

  it('puts the tests beside the security verdict', () => {
    assert.equal(overallLook({ security: verdict({}), function: { status: 'fail' } }), 'fail');
    assert.equal(overallLook({ security: verdict({ pending: ['semgrep'] }), function: { status: 'pass' } }), 'pending');
    assert.deepEqual([shortTests({ status: 'pass' }, false), shortTests({ status: 'fail' }, false), shortTests({ status: 'unavailable' }, false)], ['tests pass', 'tests fail', '']);
    assert.equal(spokenTests({ status: 'unavailable', reason: 'no tests' }), '', 'what did not run is not spoken of as run');
    assert.match(spokenTests({ status: 'fail', reason: 'test_a: 1 != 2' }), /fails: test_a: 1 != 2/);
  });
});

describe('Text from elsewhere', () => {
  const code = 'cursor.execute("SELECT * FROM t WHERE a = " + request.args["a"])\n';
  const taken = (insertions: Insertions, text: string) => insertions.worthChecking(text).map((p) => text.slice(p.start, p.end));

  it('is a line or more that arrives at once', () => {
    const insertions = new Insertions();
    insertions.add([{ offset: 4, length: 0, text: code }], false);
    assert.deepEqual(taken(insertions, `abc\n${code}`), [code]);
  });

  it('is not what is typed, a bracket with its mate included', () => {
    const insertions = new Insertions();
    let text = '';
    for (const char of code) {
      insertions.add([{ offset: text.length, length: 0, text: char === '(' ? '()' : char }], false);
      text += char;
    }
    assert.ok(insertions.empty);
  });

  it('is put together from pieces that stream in', () => {
    const insertions = new Insertions();
    const half = Math.floor(code.length / 2);
    insertions.add([{ offset: 0, length: 0, text: code.slice(0, half) }], false);
    insertions.add([{ offset: half, length: 0, text: code.slice(half) }], false);
    assert.deepEqual(taken(insertions, code), [code]);
  });

  it('is not what a formatter rewrites', () => {
    const insertions = new Insertions();
    insertions.add([{ offset: 0, length: code.length, text: code.replaceAll(' ', '  ') }], false);
    assert.ok(insertions.empty);
  });

  it('is a paste over a selection of the same size', () => {
    const insertions = new Insertions();
    insertions.add([{ offset: 0, length: code.length, text: code }], true);
    assert.deepEqual(taken(insertions, code), [code]);
    assert.ok(insertions.pasted);
  });

  it('moves with what is typed before it', () => {
    const insertions = new Insertions();
    insertions.add([{ offset: 0, length: 0, text: code }], false);
    insertions.add([{ offset: 0, length: 0, text: '#' }], false);
    assert.deepEqual(taken(insertions, `#${code}`), [code]);
  });

  it('is nothing when it was undone', () => {
    const insertions = new Insertions();
    insertions.add([{ offset: 0, length: 0, text: code }], false);
    insertions.add([{ offset: 0, length: code.length, text: '' }], false, false);
    assert.ok(insertions.empty);
  });
});

describe('A running request', () => {
  const place = { uri: 'file:///a', offset: 0 };

  it('serves all who wait for it', async () => {
    const run = new Run('k', place, () => Promise.resolve(7));
    assert.deepEqual(await Promise.all([run.wait(new AbortController().signal), run.wait(new AbortController().signal)]), [7, 7]);
  });

  it('goes on while somebody still waits, and is cancelled when the last has gone', async () => {
    let cancelled = false;
    const run = new Run<number>('k', place, (signal) => new Promise((_, reject) => signal.addEventListener('abort', () => ((cancelled = true), reject(signal.reason as Error)))));
    const [a, b] = [new AbortController(), new AbortController()];
    const waits = [run.wait(a.signal), run.wait(b.signal)].map((w) => w.catch((e: Error) => e.name));
    a.abort();
    assert.equal(await waits[0], 'AbortError');
    assert.equal(cancelled, false);
    b.abort();
    assert.equal(await waits[1], 'AbortError');
    await new Promise((resolve) => setTimeout(resolve, 300));
    assert.equal(cancelled, true);
    assert.ok(run.aborted);
  });
});
