import assert from 'node:assert/strict';
import { ModelError } from '../../../src/core/llm/model.ts';
import { extractCode } from '../../../src/core/prompting/extract-code.ts';

const code = (reply: string, language = 'python') => extractCode(reply, language);
const refuses = (reply: string, want: string, language = 'python') => assert.throws(() => extractCode(reply, language), (e: unknown) => e instanceof ModelError && e.code === want && e.hint.length > 10);

describe('the code of a reply', () => {
  it('is its fenced block', () => assert.equal(code('```python\nreturn 1\n```'), 'return 1'));
  it('is found between sentences', () => assert.equal(code('Here is the code:\n\n```python\nreturn 1\n```\nThis returns one.'), 'return 1'));
  it('is the block in the language asked for', () => assert.equal(code('```bash\npip install something-long-enough\n```\n```py\nreturn 1\n```'), 'return 1'));
  it('is the longest of several', () => assert.equal(code('```python\na\n```\n```python\nbb = 1\n```'), 'bb = 1'));
  it('has the imports that stand in a block of their own', () => assert.equal(code('First:\n```python\nimport os\n```\nThen:\n```python\nreturn os.getcwd()\n```'), 'import os\nreturn os.getcwd()'));
  it('may hold a shorter fence', () => assert.equal(code('````python\ns = """\n```\n"""\n````'), 's = """\n```\n"""'));
  it('may use tildes', () => assert.equal(code('~~~python\nreturn 1\n~~~'), 'return 1'));
  it('comes after thinking', () => assert.equal(code('<think>\n```python\nbad\n```\n</think>\n```python\ngood\n```'), 'good'));
  it('may come without a fence', () => assert.equal(code('    cur = db.cursor()\n    return cur.fetchall()'), '    cur = db.cursor()\n    return cur.fetchall()'));
  it('keeps indentation', () => assert.equal(code('```python\n    return 1\n```'), '    return 1'));
  it('reads CRLF', () => assert.equal(code('```python\r\nreturn 1\r\n```'), 'return 1'));
  it('is missing in an empty reply', () => refuses(' \n', 'model-empty'));
  it('is missing in prose', () => refuses('I am sorry, but I cannot help with that request.', 'model-no-code'));
  it('is missing in prose of several lines', () => refuses('You should use parameters.\nThis is safer than string building.', 'model-no-code'));
  it('is cut when the fence never closes', () => refuses('```python\nreturn cur.exec', 'model-cut'));
});
