import assert from 'node:assert/strict';
import path from 'node:path';
import fc from 'fast-check';
import { enclosingFunction, type SyntaxOutline } from '../../../src/core/syntax/outline.ts';
import { AnalysisWorker } from '../../../src/node/analysis/client.ts';

const never = new AbortController().signal;

describe('the outline', () => {
  let worker: AnalysisWorker;
  before(() => (worker = new AnalysisWorker({ assetsRoot: path.resolve('dist') })));
  after(() => worker.dispose());

  const of = (language: string, text: string, file = 'a') => worker.outline({ path: file, language, text }, never);
  const named = (outline: SyntaxOutline) => outline.functions.map((f) => f.name);
  const imported = (outline: SyntaxOutline) => outline.imports.map((i) => [i.module, ...i.names]);
  const called = (outline: SyntaxOutline) => outline.calls.map((c) => c.name);

  it('lists types, functions without a body and constants of the module, with what is said of them', async () => {
    const declared = async (language: string, text: string) => (await of(language, text)).declarations.map((d) => [d.kind, d.name, d.documentation].filter(Boolean).join(' '));
    assert.deepEqual(await declared('python', '@data\nclass A(B):\n    """Cents."""\n    x = 1\n    def f(self): pass\n# At most.\nLIMIT: int = 3\nf = lambda: 1\ndef g():\n    y = 2\n'), ['type A Cents.', 'constant LIMIT At most.']);
    assert.deepEqual(await declared('javascript', "const fs = require('fs');\nconst { a: b } = require('x');\n/** Q. */\nexport class Q {}\nexport const MAX = 3, f = () => { const inner = 1; };\n"), ['type Q Q.', 'constant MAX']);
    assert.deepEqual(await declared('typescript', 'export interface R {\n  /** S. */\n  save(x: number): void;\n}\nabstract class K { abstract m(): void; n() {} }\ntype T = 1;\nenum E { A }\nfunction over(a: string): void;\nfunction over(a: any) {}\n'), ['type R', 'function save S.', 'type K', 'function m', 'type T', 'type E', 'function over']);
    assert.deepEqual(await declared('c', '#define MAX 3\n#define SQ(x) ((x)*(x))\nstruct ring { int a; };\ntypedef struct { int x; } pt;\n/* Check it. */\nint *push(struct ring *r);\nint x;\nint (*cb)(int);\n'), ['constant MAX', 'function SQ', 'type ring', 'type pt', 'function push Check it.']);
    assert.deepEqual(await declared('cpp', 'class Ring { public: Ring(int n); void push(int v); virtual void z() = 0; int size() { return 1; } int a_; };\ntemplate<class T> T id(T x);\n'), ['type Ring', 'function Ring', 'function push', 'function z', 'function id']);
    assert.deepEqual(await declared('go', 'package a\n\n// S is.\ntype S struct{}\ntype I interface { Put(k string) error }\nconst Max = 3\nfunc f() { const inner = 1 }\n'), ['type S S is.', 'type I', 'function Put', 'constant Max']);
    assert.deepEqual(await declared('java', '/** L. */\ninterface L { void post(int a); }\nabstract class Q { abstract int z(); int y() { return 1; } }\nrecord R(int a) {}\nenum E { A }\n'), ['type L L.', 'function post', 'type Q', 'function z', 'type R', 'type E']);
  });
  it('tells the names of imports apart from those that a module calls its own', async () => {
    const renamed = async (language: string, text: string) => (await of(language, text)).imports.map((i) => i.renamed ?? {});
    assert.deepEqual(await renamed('python', 'from a import b as c, d\nimport e as f\n'), [{ c: 'b' }, {}]);
    assert.deepEqual(await renamed('javascript', "import x, { y as z, q } from 'm';\nconst { a: b, c } = require('n');\n"), [{ x: 'default', z: 'y' }, { b: 'a' }]);
  });

  describe('of Python', () => {
    it('finds every form of function', async () => {
      const text = 'def a(): pass\nasync def b(): pass\nclass C:\n    @property\n    def d(self): return 1\n    async def e(self):\n        def f(): pass\ng = lambda x: x\n';
      assert.deepEqual(named(await of('python', text)), ['a', 'b', 'd', 'e', 'f', 'g']);
    });
    it('takes decorators into the range, not into the header', async () => {
      const text = '@app.route("/x")\n@login\ndef f(a,\n      b) -> int:\n    return 1\n';
      const [f] = (await of('python', text)).functions;
      assert.ok(f);
      assert.equal(f.range.start, 0);
      assert.equal(text.slice(f.header.start, f.header.end).trimEnd(), 'def f(a,\n      b) -> int:');
      assert.equal(text.slice(f.body.start, f.body.end), 'return 1');
    });
    it('reads the docstring, dedented', async () => {
      const text = 'def f():\n    """Find a user.\n\n    By:\n        name.\n    """\n    return 1\n';
      assert.equal((await of('python', text)).functions[0]?.documentation, 'Find a user.\n\nBy:\n    name.');
    });
    it('reads a comment before a function or at the beginning of its body', async () => {
      const text = '# One.\n# Two.\ndef f():\n    pass\n\nx = 1  # not this\ndef g():\n    # Query the user.\n    ';
      assert.deepEqual((await of('python', text)).functions.map((f) => f.documentation), ['One.\nTwo.', 'Query the user.']);
    });
    it('holds the caret in a body that is still to be written', async () => {
      for (const body of ['\n    ', '\n    """Doc."""\n    ', '\n    """Doc."""\n\n    ', '\n    x = 1\n    # now\n    ', '\r\n    """Doc."""\r\n    ']) {
        const text = `import os\n\ndef before(): pass\n\nclass A:\n    pass\n\ndef f(a):${body}`;
        assert.equal(enclosingFunction(await of('python', text), text.length)?.name, 'f', JSON.stringify(body));
      }
    });
    it('does not hold what is outside', async () => {
      const text = 'def f():\n    return 1\n\n# About g.\ndef g():\n    return 2\n\nx = 1\n';
      const outline = await of('python', text);
      assert.equal(enclosingFunction(outline, text.indexOf('# About')), undefined);
      assert.equal(enclosingFunction(outline, text.indexOf('x = 1')), undefined);
    });
    it('puts an empty body behind its colon', async () => {
      const text = 'class A:\n    def f(self):\n        \n\n    def g(self):\n        return 1\n';
      const [f] = (await of('python', text)).functions;
      assert.equal(f && text.slice(f.header.start, f.header.end), 'def f(self):');
      assert.equal(f && text.slice(f.body.start, f.body.end), '\n        ');
    });
    it('reads imports with the names they bind', async () => {
      const text = 'import os.path, sys as s\nfrom . import x as y, z\nfrom ..db import *\nfrom a.b import (c,\n  d)\n';
      assert.deepEqual(imported(await of('python', text)), [['os.path', 'os'], ['sys', 's'], ['.', 'y', 'z'], ['..db'], ['a.b', 'c', 'd']]);
    });
    it('names calls as written', async () => {
      const text = 'a.b.c(1)\ndb.cursor().execute(q)\n"".join(x)\nrows[0].get(1)\nawait s.post(u)\nf()()\n';
      assert.deepEqual(called(await of('python', text)), ['a.b.c', 'db.cursor.execute', 'db.cursor', 'join', 'rows.get', 's.post', 'f', 'f']);
    });
  });

  describe('of JavaScript and TypeScript', () => {
    it('finds every form of function', async () => {
      const text = `function a() {}
async function* b() {}
export const c = async (x) => { x; };
export default function () { 1; }
class D { static e = () => { 1; }; async f() {} get g() { return 1; } #h() {} }
module.exports.i = function (x) {};
const o = { j: function () {}, k() {}, 'l-m': () => { 1; } };
app.get('/', (req, res) => { res.end(); });
const n = memo(() => { 1; });
list.map((x) => x + 1);
`;
      assert.deepEqual(named(await of('javascript', text)), ['a', 'b', 'c', '', 'e', 'f', 'g', '#h', 'i', 'j', 'k', 'l-m', '', 'n']);
    });
    it('takes export and declaration into the range', async () => {
      const text = '/** Adds. */\nexport const add = (a, b) => {\n  return a + b;\n};\n';
      const [f] = (await of('javascript', text)).functions;
      assert.equal(f && text.slice(f.range.start, f.range.end), 'export const add = (a, b) => {\n  return a + b;\n};');
      assert.equal(f && text.slice(f.header.start, f.header.end), 'export const add = (a, b) => ');
      assert.equal(f?.documentation, 'Adds.');
    });
    it('describes a handler by the comment before its statement', async () => {
      const text = "// Shows a user.\napp.get('/u', (req, res) => {\n  \n});\n";
      const outline = await of('javascript', text);
      assert.equal(outline.functions[0]?.documentation, 'Shows a user.');
      assert.equal(enclosingFunction(outline, text.indexOf('\n});'))?.documentation, 'Shows a user.');
    });
    it('holds the caret in a body without its closing brace', async () => {
      for (const head of ['function f(a) {', 'const f = (a) => {', 'export async function f(a) {', 'class A { f() {']) {
        const text = `const x = 1;\n${head}\n  // do it\n  `;
        assert.equal(enclosingFunction(await of('javascript', text), text.length)?.name, 'f', head);
      }
    });
    it('holds the caret when the class around it is open too', async () => {
      for (const [language, head] of [
        ['javascript', 'class A {\n  g() { return 1; }\n  async f(a) {\n    const x = 1;\n    '],
        ['typescript', 'export class A {\n  constructor(private x: X) {}\n  async f(a: string): Promise<void> {\n    '],
        ['java', 'class A {\n  void f(String s) throws E {\n    if (x) {\n      '],
        ['cpp', 'class A {\n public:\n  int f(int a) {\n    '],
        ['c', 'int f(int a) {\n  if (a) {\n    '],
        ['go', 'package m\nfunc f(a string) error {\n\tif a == "" {\n\t\t'],
      ] as const) {
        assert.equal(enclosingFunction(await of(language, head), head.length)?.name, 'f', language);
      }
      const handler = '// Shows one.\napp.get("/", (req, res) => {\n  const id = req.query.id;\n  ';
      assert.equal(enclosingFunction(await of('javascript', handler), handler.length)?.name, '');
    });
    it('reads imports and requires', async () => {
      const text = `import e, { g as h } from 'm';
import * as ns from "n";
import 'side';
export { k } from './l';
const { a, b: c, d = 1 } = require('fs');
const y = require('x').y;
const lazy = await import('z');
`;
      assert.deepEqual(imported(await of('javascript', text)), [['m', 'e', 'h'], ['n', 'ns'], ['side'], ['./l'], ['fs', 'a', 'c', 'd'], ['x', 'y'], ['z', 'lazy']]);
    });
    it('reads the imports of TypeScript', async () => {
      const text = "import type { T } from 't';\nimport fs = require('fs');\n";
      assert.deepEqual(imported(await of('typescript', text)), [['t', 'T'], ['fs', 'fs']]);
    });
    it('reads decorated and typed methods, not signatures', async () => {
      const text = 'abstract class A { @Dec() public async m(a: string): Promise<void> { } abstract z(): void; private f = (x: number): void => { x; } }\nfunction over(a: string): void;\nfunction over(a: any) { f<T>(a); }\n';
      const outline = await of('typescript', text);
      assert.deepEqual(named(outline), ['m', 'f', 'over']);
      assert.equal(text.slice(outline.functions[0]?.range.start).startsWith('@Dec()'), true);
      assert.equal(text.slice(outline.functions[0]?.header.start).startsWith('public async m'), true);
    });
    it('reads JSX in .tsx and not in .ts', async () => {
      const text = 'const X = () => <div onClick={() => { go(); }}>hi</div>;\n';
      assert.deepEqual((await of('typescript', text, 'a.tsx')).errors, []);
      assert.notDeepEqual((await of('typescript', text, 'a.ts')).errors, []);
      assert.deepEqual((await of('javascript', text)).errors, []);
    });
    it('names calls as written', async () => {
      const text = 'a?.b.c(1); new Foo.Bar(x); this.x(); sql`q`; get().then(f); (await g()).h();';
      assert.deepEqual(called(await of('javascript', text)), ['a.b.c', 'Foo.Bar', 'this.x', 'sql', 'get.then', 'get', 'g.h', 'g']);
    });
  });

  describe('of C and C++', () => {
    it('finds functions by their declarators', async () => {
      const text = 'static char *a(int x)\n{\n  return 0;\n}\nint b(void);\nvoid (*c(int x))(int) { return 0; }\n';
      assert.deepEqual(named(await of('c', text)), ['a', 'c']);
    });
    it('finds methods, templates, operators and lambdas', async () => {
      const text = 'class A { public: A(): b(1) {} ~A() {} void f() const { g(); } A& operator=(const A&) { return *this; } A(const A&) = delete; };\ntemplate <class T> T *A::g(T a) { auto l = [&](int q) { return q; }; return 0; }\n';
      assert.deepEqual(named(await of('cpp', text)), ['A', '~A', 'f', 'operator=', 'A::g', 'l']);
    });
    it('reads includes, comments and calls', async () => {
      const text = '#include <stdio.h>\n#include "my/a.h"\n/*\n * Copies a name.\n */\nvoid copy(char *d, const char *s) { strcpy(d, s); h->x.f(1); std::move(d); }\n';
      const outline = await of('cpp', text);
      assert.deepEqual(imported(outline), [['stdio.h'], ['my/a.h']]);
      assert.equal(outline.functions[0]?.documentation, 'Copies a name.');
      assert.deepEqual(called(outline), ['strcpy', 'h.x.f', 'std::move']);
    });
    it('holds the caret in a body without its closing brace', async () => {
      const text = '#include <string.h>\nint f(int a)\n{\n  int x;\n  ';
      assert.equal(enclosingFunction(await of('c', text), text.length)?.name, 'f');
    });
  });

  describe('of Go', () => {
    it('finds functions, methods and literals', async () => {
      const text = 'package m\n\n// F does.\nfunc (s *S) F(a int) error {\n\tg := func() { x.y(1) }\n\tgo func() {}()\n\treturn nil\n}\nfunc G[T any](a T) {}\n';
      const outline = await of('go', text);
      assert.deepEqual(named(outline), ['F', 'g', '', 'G']);
      assert.equal(outline.functions[0]?.documentation, 'F does.');
    });
    it('reads imports', async () => {
      const text = 'package m\nimport (\n\tf "fmt"\n\t_ "net/http/pprof"\n\t. "x/y"\n\t"github.com/a/b/v2"\n)\nimport "os"\n';
      assert.deepEqual(imported(await of('go', text)), [['fmt', 'f'], ['net/http/pprof'], ['x/y'], ['github.com/a/b/v2', 'b'], ['os', 'os']]);
    });
    it('holds the caret in a body without its closing brace', async () => {
      const text = 'package m\n\nfunc A() {}\n\nfunc G(id string) error {\n\t';
      assert.equal(enclosingFunction(await of('go', text), text.length)?.name, 'G');
    });
  });

  describe('of Java', () => {
    it('finds methods, constructors and lambdas', async () => {
      const text = 'class A {\n  /** Doc. */\n  @Override public String f(int a) throws E { Runnable r = () -> { q(); }; return ""; }\n  A() { super(); }\n  void g();\n}\n';
      const outline = await of('java', text);
      assert.deepEqual(named(outline), ['f', 'r', 'A']);
      assert.equal(outline.functions[0]?.documentation, 'Doc.');
    });
    it('reads imports and calls', async () => {
      const text = 'import java.sql.*;\nimport static a.b.C.d;\nimport x.Y;\nclass A { void f() { new Foo(1).bar(); this.x.y(2); z(); } }\n';
      const outline = await of('java', text);
      assert.deepEqual(imported(outline), [['java.sql'], ['a.b.C.d', 'd'], ['x.Y', 'Y']]);
      assert.deepEqual(called(outline), ['Foo.bar', 'Foo', 'this.x.y', 'z']);
    });
  });

  it('counts in UTF-16 units, whatever stands before and whatever ends the lines', async () => {
    for (const [language, text, what] of [
      ['python', '# 😀 é 漢\r\nx = "😀😀"; os.system("é" + y)\r\n', 'os.system("é" + y)'],
      ['javascript', '/* 😀 */ const é = "😀";\r\nrun("漢" + é);\r\n', 'run("漢" + é)'],
      ['c', '/* 😀 */ char *s = "😀";\r\nvoid f(void) { puts("é"); }\r\n', 'puts("é")'],
      ['go', 'package m // 😀\r\nfunc f() { g("😀", "é") }\r\n', 'g("😀", "é")'],
    ] as const) {
      const { calls } = await of(language, text);
      assert.deepEqual(calls.map((c) => text.slice(c.range.start, c.range.end)), [what], language);
    }
  });

  it('names the places that cannot be read', async () => {
    const text = 'x = 1\ndef f(:\n    pass\ny = = 2\n';
    const { errors } = await of('python', text);
    assert.ok(errors.length >= 2);
    assert.ok(errors.every((e) => e.start >= text.indexOf('def') && e.end <= text.length));
    assert.deepEqual((await of('python', 'x = 1\n')).errors, []);
  });

  it('says that a language has no grammar', async () => assert.equal((await of('ruby', 'puts 1')).supported, false));

  it('of what has no text is empty', async () => {
    for (const language of ['python', 'javascript', 'typescript', 'c', 'cpp', 'go', 'java']) {
      const outline = await of(language, '');
      assert.deepEqual([outline.supported, outline.functions, outline.imports, outline.calls], [true, [], [], []]);
    }
  });

  it('survives deep nesting', async () => {
    const outline = await of('javascript', `${'f('.repeat(3000)}1${')'.repeat(3000)}`);
    assert.equal(outline.calls.length, 3000);
  });

  it('stays within the text and in order, whatever the text', async function () {
    this.timeout(60_000);
    const pieces = fc.constantFrom('def f(', '):\n', '    ', '\t', '\r\n', '\n', '"""', "'", '{', '}', '(', ')', 'class A', 'function g', '=>', 'import ', 'from ', '#include <', '😀', '\u0000', '\ud83d', '\ufeff', '//', '/*', '*/', '# ', 'lambda x: ', 'return ', ';', 'func F() {', 'x = 1', '@', 'é', '<div>', '`${', 'template <');
    const text = fc.array(fc.oneof(pieces, fc.string({ unit: 'binary', maxLength: 5 })), { maxLength: 40 }).map((parts) => parts.join(''));
    const language = fc.constantFrom('python', 'javascript', 'typescript', 'c', 'cpp', 'go', 'java');
    await fc.assert(
      fc.asyncProperty(language, text, async (lang, source) => {
        const outline = await of(lang, source);
        const inside = (r: { start: number; end: number }) => assert.ok(r.start >= 0 && r.start <= r.end && r.end <= source.length, JSON.stringify(r));
        outline.errors.forEach(inside);
        outline.imports.forEach((i) => inside(i.range));
        outline.calls.forEach((c) => inside(c.range));
        let last = 0;
        for (const f of outline.functions) {
          [f.range, f.header, f.body].forEach(inside);
          assert.ok(f.range.start >= last && f.header.start >= f.range.start && f.body.end <= f.range.end && f.header.end === f.body.start);
          last = f.range.start;
        }
      }),
      { numRuns: 400 },
    );
  });
});
