import assert from 'node:assert/strict';
import fc from 'fast-check';
import { fence, fillTemplate, quote } from '../../../src/core/prompting/template.ts';

describe('prompt templates', () => {
  const prompts = { t: '# system\nBe {{how}}.\n\n# user\n{{#extra}}\nExtra: {{extra}}\n\n{{/extra}}\nDo {{what}}.\n' };
  it('are filled and split into roles', () => {
    assert.deepEqual(fillTemplate(prompts, 't', { how: 'brief', what: 'it', extra: '' }), [
      { role: 'system', content: 'Be brief.' },
      { role: 'user', content: 'Do it.' },
    ]);
  });
  it('keep a section that has a value', () => assert.equal(fillTemplate(prompts, 't', { how: 'a', what: 'b', extra: 'c' })[1]?.content, 'Extra: c\n\nDo b.'));
  it('never read values as templates', () => assert.equal(fillTemplate(prompts, 't', { how: '{{what}}', what: '{{#extra}}x{{/extra}} $& $1', extra: '' })[1]?.content, 'Do {{#extra}}x{{/extra}} $& $1.'));
  it('say which value is missing', () => assert.throws(() => fillTemplate(prompts, 't', { what: 'x' }), /"how"/));
  it('say which template is missing', () => assert.throws(() => fillTemplate(prompts, 'u', {}), /"u"/));
});

describe('a fence', () => {
  it('cannot be closed by its content', () => {
    fc.assert(
      fc.property(fc.string({ unit: fc.constantFrom('`', '~', '\n', 'a', ' '), maxLength: 60 }), (text) => {
        const lines = fence(text, 'c').split('\n');
        const ticks = /^`+/.exec(lines[0] ?? '')?.[0] ?? '';
        assert.ok(lines.slice(1, -1).every((line) => !line.includes(ticks)));
        assert.equal(lines.at(-1), ticks);
      }),
    );
  });
});

describe('a quotation', () => {
  it('leaves no line outside it', () => {
    fc.assert(fc.property(fc.string({ unit: fc.constantFrom('\n', '\r', '\u2028', '#', '`', 'x', ' '), maxLength: 60 }), (text) => assert.ok(quote(text).split(/\r\n|[\n\r\u2028\u2029\u0085\v\f]/).every((line) => line.startsWith('>')))));
  });
});
