import assert from 'node:assert/strict';
import fc from 'fast-check';
import { frame, FrameReader } from '../../../../src/node/analyzers/semgrep/framing.ts';
import { parseSemgrepJson } from '../../../../src/node/analyzers/semgrep/output.ts';
import { PreparedText } from '../../../../src/node/analyzers/semgrep/prepared-text.ts';

const RESULT = { check_id: 'a.b', path: 'x.py', start: { line: 2, col: 3, offset: 9 }, end: { line: 2, col: 8, offset: 14 }, extra: { message: 'm', severity: 'ERROR' } };
const output = (...results: unknown[]) => JSON.stringify({ version: '1.182.0', results, errors: [] });

describe('the JSON of Semgrep', () => {
  it('becomes matches', () => {
    assert.deepEqual(parseSemgrepJson(output(RESULT)), {
      version: '1.182.0', problems: [], matches: [{ ruleId: 'a.b', path: 'x.py', message: 'm', startLine: 2, startColumn: 3, endLine: 2, endColumn: 8 }],
    });
  });
  it('carries fix and trace', () => {
    const at = (line: number) => ({ path: 'x.py', start: { line, col: 1, offset: 0 }, end: { line, col: 4, offset: 0 } });
    const extra = { message: 'm', fix: 'g()', dataflow_trace: { taint_source: ['CliLoc', [at(1), 'x']], intermediate_vars: [{ location: at(2), content: 'x' }], taint_sink: ['CliLoc', [at(3), 'x']] } };
    const parsed = parseSemgrepJson(output({ ...RESULT, extra }));
    assert.ok(typeof parsed !== 'string');
    assert.equal(parsed.matches[0]?.fix, 'g()');
    assert.deepEqual(parsed.matches[0]?.trace?.map((s) => s.startLine), [1, 2, 3]);
  });
  it('keeps a result whose trace has an unknown form', () => {
    const parsed = parseSemgrepJson(output({ ...RESULT, extra: { message: 'm', dataflow_trace: { taint_source: ['CliCall', [[], [], []]] } } }));
    assert.ok(typeof parsed !== 'string' && parsed.matches.length === 1 && parsed.matches[0]?.trace === undefined);
  });
  it('names what could not be parsed', () => {
    const parsed = parseSemgrepJson(JSON.stringify({ version: '1', results: [], errors: [{ type: ['PartialParsing', [{}]], message: 'Syntax error' }, { type: 'Timeout', message: 't', rule_id: 'r' }, 5] }));
    assert.ok(typeof parsed !== 'string');
    assert.deepEqual(parsed.problems.map((p) => [p.type, p.ruleId]), [['PartialParsing', undefined], ['Timeout', 'r'], ['unknown', undefined]]);
  });
  it('is no answer when it is anything else', () => {
    for (const text of ['', '  \n', 'Traceback (most recent call last):', '[]', '{}', '{"results": 5}', output({ ...RESULT, start: 7 }), output(null)]) assert.equal(typeof parseSemgrepJson(text), 'string', text);
  });
  it('never throws, whatever it is', () => {
    fc.assert(fc.property(fc.string(), (text) => void parseSemgrepJson(text)));
    fc.assert(fc.property(fc.json(), (text) => void parseSemgrepJson(text)));
    const odd = fc.oneof(fc.jsonValue(), fc.constant(RESULT.start), fc.constant(RESULT.extra));
    const result = fc.record({ check_id: odd, path: odd, start: odd, end: odd, extra: odd }, { requiredKeys: [] });
    fc.assert(
      fc.property(fc.array(fc.oneof(result, fc.constant(RESULT))), odd, odd, (results, errors, version) => {
        const parsed = parseSemgrepJson(JSON.stringify({ version, results, errors }));
        // All of it or nothing: half an answer would look cleaner than it is.
        if (typeof parsed !== 'string') assert.equal(parsed.matches.length, results.length);
      }),
    );
  });
});

describe('messages of the server', () => {
  it('arrive whole, however the bytes are cut', () => {
    fc.assert(
      fc.property(fc.array(fc.jsonValue(), { maxLength: 5 }), fc.infiniteStream(fc.integer({ min: 1, max: 40 })), (messages, cuts) => {
        const bytes = Buffer.concat(messages.map(frame));
        const reader = new FrameReader();
        const read: unknown[] = [];
        let at = 0;
        for (const cut of cuts) {
          if (at >= bytes.length) break;
          read.push(...reader.push(bytes.subarray(at, at + cut)));
          at += cut;
        }
        assert.deepEqual(read, messages.map((m) => JSON.parse(JSON.stringify(m))));
      }),
    );
  });
  it('may have other headers', () => {
    const reader = new FrameReader();
    assert.deepEqual(reader.push(Buffer.from('Content-Length: 2\r\nContent-Type: application/vscode-jsonrpc; charset=utf-8\r\n\r\n{}Content-Length: 4\r\n\r\nnull')), [{}, null]);
  });
  it('that are none are refused at once', () => {
    for (const text of ['Traceback', '{"jsonrpc": "2.0"}', 'Content-Type: x\r\n\r\n{}', 'Content-Length: -5\r\n\r\n', 'Content-Length: 99999999999\r\n\r\n', 'Content-Length: 2\r\n\r\n{x', `Content-${'x'.repeat(5000)}`]) {
      assert.throws(() => new FrameReader().push(Buffer.from(text)), Error, text);
    }
  });
});

describe('a text as Semgrep gets it', () => {
  const canary = 'safenote-canary-00';

  it('has no byte order mark, plain line ends, and the canary in a comment', () => {
    assert.equal(new PreparedText('\uFEFFa = 1\r\nb = 2', 'python', canary).content, `a = 1\nb = 2\n# ${canary}\n`);
    assert.equal(new PreparedText('a();\n', 'javascript', canary).content, `a();\n// ${canary}\n`);
    assert.equal(new PreparedText('', 'go', canary).content, `// ${canary}\n`);
  });
  it('gives places back in UTF-16 units of the original', () => {
    const text = '\uFEFFé = "😀"; f(x)\r\n漢 = g(y)\r\n';
    const prepared = new PreparedText(text, 'python', canary);
    // `f(x)`: é is 2 bytes, the emoji 4 and two units.
    assert.deepEqual(prepared.toRange({ startLine: 1, startColumn: 14, endLine: 1, endColumn: 18 }), { startLine: 1, startColumn: 12, endLine: 1, endColumn: 16 });
    assert.equal(text.split('\r\n')[0]?.slice(11, 15), 'f(x)');
    assert.deepEqual(prepared.toRange({ startLine: 2, startColumn: 7, endLine: 2, endColumn: 11 }), { startLine: 2, startColumn: 5, endLine: 2, endColumn: 9 });
  });
  it('never places anything behind its end', () => {
    const prepared = new PreparedText('ab', 'python', canary);
    assert.deepEqual(prepared.toRange({ startLine: 2, startColumn: 1, endLine: 9, endColumn: 99 }), { startLine: 1, startColumn: 3, endLine: 1, endColumn: 3 });
    assert.deepEqual(prepared.toRange({ startLine: 1, startColumn: 2, endLine: 1, endColumn: 99 }), { startLine: 1, startColumn: 2, endLine: 1, endColumn: 3 });
  });
  it('maps every place of any line there and back', () => {
    fc.assert(
      fc.property(fc.array(fc.string({ unit: 'grapheme' }).map((s) => s.replace(/[\r\n\uFEFF]/g, '')), { minLength: 1, maxLength: 5 }), fc.constantFrom('\n', '\r\n'), fc.boolean(), (lines, eol, mark) => {
        const prepared = new PreparedText((mark ? '\uFEFF' : '') + lines.join(eol), 'python', canary);
        for (const [index, line] of lines.entries()) {
          for (let units = 0; units <= line.length; units++) {
            // Half a pair is no place.
            if (/[\uDC00-\uDFFF]/.test(line.charAt(units)) && /[\uD800-\uDBFF]/.test(line.charAt(units - 1))) continue;
            const column = Buffer.byteLength(line.slice(0, units)) + 1;
            const range = prepared.toRange({ startLine: index + 1, startColumn: column, endLine: index + 1, endColumn: column });
            assert.equal(range.startColumn, units + 1 + (mark && index === 0 ? 1 : 0));
          }
        }
      }),
    );
  });
});
