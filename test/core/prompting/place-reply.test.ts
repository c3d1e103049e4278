import assert from 'node:assert/strict';
import fc from 'fast-check';
import { ModelError } from '../../../src/core/llm/model.ts';
import { placeReply } from '../../../src/core/prompting/place-reply.ts';
import { applyEdits } from '../../../src/core/source.ts';
import { EMPTY_OUTLINE, type SyntaxOutline } from '../../../src/core/syntax/outline.ts';

/** An outline with one function, found by its header, and the import lines given. */
function outlineOf(text: string, name: string, header: string, imports: string[] = []): SyntaxOutline {
  const start = text.indexOf(header);
  assert.ok(start >= 0, 'header not in text');
  const range = { start, end: text.length };
  return {
    ...EMPTY_OUTLINE,
    supported: true,
    functions: [{ name, range, header: { start, end: start + header.length }, body: { start: start + header.length, end: text.length }, documentation: '' }],
    imports: imports.map((line) => {
      const at = text.indexOf(line);
      return { range: { start: at, end: at + line.length }, module: /(?:from|import|^)\s*['"]?([\w./]+)/.exec(line)?.[1] ?? '', names: [line.split(/\s+/).at(-1) ?? ''] };
    }),
  };
}

/** Places a reply at `|` and gives the whole document afterwards. */
function complete(marked: string, reply: string, language: string, o: { name?: string; header?: string; imports?: string[] } = {}): string {
  const caret = marked.indexOf('|');
  const text = marked.replace('|', '');
  const outline = o.header ? outlineOf(text, o.name ?? 'f', o.header, o.imports) : { ...EMPTY_OUTLINE, imports: outlineImports(text, o.imports ?? []) };
  const { edit, importEdits } = placeReply(text, caret, reply, language, outline);
  return applyEdits(text, [edit, ...importEdits]);
}

function outlineImports(text: string, lines: string[]) {
  return lines.map((line) => ({ range: { start: text.indexOf(line), end: text.indexOf(line) + line.length }, module: '', names: [] }));
}

const FIND = 'import sqlite3\n\ndef find(db, name):\n    """Find a user by name."""\n    |\n';
const FIND_HEADER = { name: 'find', header: 'def find(db, name):', imports: ['import sqlite3'] };
const BODY = 'cur = db.cursor()\n    cur.execute("SELECT 1 WHERE n = ?", (name,))\n    return cur.fetchone()';
const FOUND = `import sqlite3\n\ndef find(db, name):\n    """Find a user by name."""\n    ${BODY}\n`;

describe('a reply put into its place', () => {
  it('takes the code for the marker as it is', () => {
    assert.equal(complete(FIND, `    ${BODY}`, 'python', FIND_HEADER), FOUND);
  });
  it('indents an answer that begins at column one', () => {
    assert.equal(complete(FIND, BODY.replace(/\n {4}/g, '\n'), 'python', FIND_HEADER), FOUND);
  });
  it('indents a first line that alone lacks its indentation', () => {
    assert.equal(complete(FIND, BODY, 'python', FIND_HEADER), FOUND);
  });
  it('tells the two apart where the first line opens a block', () => {
    const marked = 'def f(a):\n    |\n';
    const header = { header: 'def f(a):' };
    const want = 'def f(a):\n    if a:\n        return 1\n    return 2\n';
    assert.equal(complete(marked, 'if a:\n        return 1\n    return 2', 'python', header), want);
    assert.equal(complete(marked, 'if a:\n    return 1\nreturn 2', 'python', header), want);
  });
  it('drops a repeated signature and docstring', () => {
    assert.equal(complete(FIND, `def find(db, name):\n    """Find a user by name."""\n    ${BODY}`, 'python', FIND_HEADER), FOUND);
  });
  it('drops a repeated signature whose docstring was left away', () => {
    assert.equal(complete(FIND, `def find(db, name):\n    ${BODY}`, 'python', FIND_HEADER), FOUND);
  });
  it('drops a repeated signature that was wrapped otherwise', () => {
    assert.equal(complete(FIND, `def find(\n    db, name\n):\n    """Find a user by name."""\n    ${BODY}`, 'python', FIND_HEADER), FOUND);
  });
  it('drops the whole file repeated', () => {
    assert.equal(complete(FIND, FOUND, 'python', FIND_HEADER), FOUND);
  });
  it('drops repeated code after the caret', () => {
    const marked = 'def a():\n    |\n\ndef b():\n    return compute()\n';
    assert.equal(complete(marked, 'return 1\n\ndef b():\n    return compute()', 'python', { name: 'a', header: 'def a():' }), 'def a():\n    return 1\n\ndef b():\n    return compute()\n');
  });
  it('refuses a changed signature', () => {
    assert.throws(() => complete(FIND, `def find(db, name, limit=10):\n    ${BODY}`, 'python', FIND_HEADER), (e: unknown) => e instanceof ModelError && e.code === 'model-changed-code');
  });
  it('refuses changed code before the caret', () => {
    const marked = 'def f(db):\n    cur = db.cursor()\n    |\n';
    assert.throws(() => complete(marked, 'def f(db):\n    cur = db.other()\n    return cur', 'python', { header: 'def f(db):' }), (e: unknown) => e instanceof ModelError && e.code === 'model-changed-code');
  });
  it('takes a recursive call for what it is', () => {
    const marked = 'int fact(int n) {\n  |\n}\n';
    assert.equal(complete(marked, 'if (n < 2) return 1;\n  return n * fact(n - 1);', 'c', { name: 'fact', header: 'int fact(int n)' }), 'int fact(int n) {\n  if (n < 2) return 1;\n  return n * fact(n - 1);\n}\n');
  });
  it('says so when nothing but given code came back', () => {
    assert.throws(() => complete(FIND, 'def find(db, name):\n    """Find a user by name."""', 'python', FIND_HEADER), (e: unknown) => e instanceof ModelError && e.code === 'model-empty');
  });
  it('begins a new line after a docstring, a header or a comment', () => {
    const header = { header: 'def f(a):' };
    assert.equal(complete('def f(a):|\n', 'return a', 'python', header), 'def f(a):\n    return a\n');
    assert.equal(complete('def f(a):\n    """Doc."""|\n', 'return a', 'python', header), 'def f(a):\n    """Doc."""\n    return a\n');
    assert.equal(complete('def f(a):\n    # give it back|\n', 'return a', 'python', header), 'def f(a):\n    # give it back\n    return a\n');
  });
  it('goes on in the middle of a line', () => {
    assert.equal(complete('def f(a):\n    return |\n', 'a + 1', 'python', { header: 'def f(a):' }), 'def f(a):\n    return a + 1\n');
    assert.equal(complete('def f(a):\n    return |\n', '    return a + 1', 'python', { header: 'def f(a):' }), 'def f(a):\n    return a + 1\n');
  });
  it('does not close an auto-closed bracket again', () => {
    assert.equal(complete('x = foo(|)\n', 'a, b)', 'python'), 'x = foo(a, b)\n');
    assert.equal(complete('x = foo(|)\n', 'bar(a)', 'python'), 'x = foo(bar(a))\n');
  });
  it('does not close the function again', () => {
    const header = { name: 'f', header: 'function f(a)' };
    assert.equal(complete('function f(a) {\n  |\n}\n', 'return a;\n}', 'javascript', header), 'function f(a) {\n  return a;\n}\n');
    assert.equal(complete('function f(a) {|}\n', 'return a;\n}', 'javascript', header), 'function f(a) {\n  return a;\n}\n'.replace('  return', '    return'));
    assert.equal(complete('function f(a) {\n  |\n}\n', 'if (a) {\n    g();\n  }', 'javascript', header), 'function f(a) {\n  if (a) {\n    g();\n  }\n}\n');
  });
  it('moves new imports to the imports and drops known ones', () => {
    assert.equal(complete(FIND, `import sqlite3\nimport re\n\n    ${BODY}`, 'python', FIND_HEADER), FOUND.replace('import sqlite3\n', 'import sqlite3\nimport re\n'));
    assert.equal(
      complete('#include <stdio.h>\n\nvoid f(char *a) {\n  |\n}\n', '#include <string.h>\n\nputs(a + strlen(a));', 'c', { header: 'void f(char *a)', imports: ['#include <stdio.h>'] }),
      '#include <stdio.h>\n#include <string.h>\n\nvoid f(char *a) {\n  puts(a + strlen(a));\n}\n',
    );
  });
  it('moves imports over several lines as they stand', () => {
    assert.equal(complete(FIND, `from os import (\n    path,\n    sep,\n)\n\n    ${BODY}`, 'python', FIND_HEADER), FOUND.replace('import sqlite3\n', 'import sqlite3\nfrom os import (\n    path,\n    sep,\n)\n'));
    assert.equal(
      complete("import a from 'a';\n\nfunction f(x) {\n  |\n}\n", "import {\n  b,\n  c,\n} from 'b';\nconst {\n  d,\n} = require('d');\n\nreturn b(c, d, x);", 'javascript', { header: 'function f(x)', imports: ["import a from 'a';"] }),
      "import a from 'a';\nimport {\n  b,\n  c,\n} from 'b';\nconst {\n  d,\n} = require('d');\n\nfunction f(x) {\n  return b(c, d, x);\n}\n",
    );
  });
  it('moves them with their comments away, and never other code', () => {
    assert.equal(complete(FIND, `# For the pattern.\nimport re\n# Now the body.\n    ${BODY}`, 'python', FIND_HEADER), FOUND.replace('import sqlite3\n', 'import sqlite3\nimport re\n').replace('    cur = db', '    # Now the body.\n    cur = db'));
  });
  it('puts imports of Go into the block that is there, and beside a single one', () => {
    const header = { header: 'func f(w W)', imports: ['"net/http"'] };
    const reply = 'package main\n\nimport (\n\t"net/http"\n\t"os"\n\n\tp "path/filepath"\n)\n\nfunc f(w W) {\n\tos.Exit(1)\n}';
    assert.equal(complete('package main\n\nimport (\n\t"net/http"\n)\n\nfunc f(w W) {\n\t|\n}\n', reply, 'go', header), 'package main\n\nimport (\n\t"net/http"\n\t"os"\n\tp "path/filepath"\n)\n\nfunc f(w W) {\n\tos.Exit(1)\n}\n');
    assert.equal(complete('package main\n\nimport "net/http"\n\nfunc f(w W) {\n\t|\n}\n', 'import "os"\n\nos.Exit(1)', 'go', { header: 'func f(w W)', imports: ['import "net/http"'] }), 'package main\n\nimport "net/http"\nimport "os"\n\nfunc f(w W) {\n\tos.Exit(1)\n}\n');
    assert.equal(complete('package main\n\nfunc f(w W) {\n\t|\n}\n', 'import "os"\n\nos.Exit(1)', 'go', { header: 'func f(w W)' }), 'package main\n\nimport "os"\nfunc f(w W) {\n\tos.Exit(1)\n}\n');
  });
  it('leaves imports where they are outside any function', () => {
    assert.equal(complete('|', 'import os\n\nprint(os.name)', 'python'), 'import os\n\nprint(os.name)');
  });
  it('keeps CRLF and tabs', () => {
    assert.equal(complete('def f(a):\r\n\t|\r\n', 'if a:\n    return 1\nreturn 2', 'python', { header: 'def f(a):' }), 'def f(a):\r\n\tif a:\r\n\t\treturn 1\r\n\treturn 2\r\n');
  });
  it('indents a body when the caret stands at column one', () => {
    assert.equal(complete('def f(a):\n|\n', 'return a', 'python', { header: 'def f(a):' }), 'def f(a):\n    return a\n');
  });
  it('drops the marker when the model gives it back', () => {
    assert.equal(complete(FIND, `<<<COMPLETE HERE>>>${BODY.replace(/\n {4}/g, '\n')}`, 'python', FIND_HEADER), FOUND);
  });
  it('never throws anything but a model error and never touches what is given', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 300 }), fc.constantFrom('python', 'javascript', 'c', 'go', 'java', 'plaintext'), fc.boolean(), (reply, language, crlf) => {
        const text = (crlf ? FIND.replace(/\n/g, '\r\n') : FIND).replace('|', '');
        const caret = text.indexOf('"""') + '"""Find a user by name."""'.length + (crlf ? 2 : 1) + 4;
        try {
          const { edit, importEdits } = placeReply(text, caret, reply, language, EMPTY_OUTLINE);
          assert.equal(edit.start, caret);
          assert.equal(edit.end, caret);
          for (const e of importEdits) assert.equal(e.start, e.end);
        } catch (error) {
          assert.ok(error instanceof ModelError, String(error));
        }
      }),
      { numRuns: 300 },
    );
  });
});
