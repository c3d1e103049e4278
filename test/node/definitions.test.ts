import assert from 'node:assert/strict';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { renderDefinitions } from '../../src/core/completion/definitions.ts';
import { ownModules, renderOutlines } from '../../src/core/completion/outlines.ts';
import { languageOfPath } from '../../src/core/language.ts';
import type { TestCase } from '../../src/core/verification/test-runner.ts';
import { AnalysisWorker } from '../../src/node/analysis/client.ts';
import { realPath } from '../../src/node/sandbox/box.ts';
import { FolderFiles } from '../../src/node/workspace-files.ts';

const never = new AbortController().signal;

describe('the definitions that failing code depends on', () => {
  const parser = new AnalysisWorker({ assetsRoot: path.resolve(import.meta.dirname, '../../dist') });
  let root: string;
  before(async () => (root = realPath(await mkdtemp(path.join(os.tmpdir(), 'safenote-definitions-')))));
  after(async () => {
    await parser.dispose();
    await rm(root, { recursive: true, force: true });
  });

  interface Asked {
    readonly files: Readonly<Record<string, string>>;
    /** The completed file; `«…»` is the completion. */
    readonly of: string;
    readonly failure?: (folder: string) => string;
    readonly budget?: number;
    readonly ownFile?: boolean;
  }

  let n = 0;
  async function reach({ files, of }: Asked) {
    const folder = path.join(root, String(++n));
    for (const [name, text] of Object.entries(files)) {
      await mkdir(path.dirname(path.join(folder, name)), { recursive: true });
      await writeFile(path.join(folder, name), text);
    }
    const marked = files[of] ?? '';
    const text = marked.replace(/[«»]/g, '');
    const document = { path: path.join(folder, of), language: languageOfPath(of), text };
    const outline = await parser.outline(document, never);
    const workspace = new FolderFiles(folder);
    const within = { start: marked.indexOf('«'), end: marked.indexOf('»') - 1 };
    return { folder, document, outline, within, workspace, modules: await ownModules(document, outline, workspace, parser, never) };
  }

  async function definitions(asked: Asked): Promise<string> {
    const { folder, document, outline, within, workspace, modules } = await reach(asked);
    const failures: TestCase[] = asked.failure ? [{ id: 't', name: 't', status: 'failed', details: asked.failure(folder) }] : [];
    return renderDefinitions({ document, outline, within, modules, failures, ownFile: asked.ownFile ?? true }, workspace, parser, asked.budget ?? 1500, never);
  }

  it('are found in Python: a function under another name, with what it promises', async () => {
    const text = await definitions({
      files: {
        'shop/money.py': '# Never rounds.\ndef to_cents(amount):\n    """Takes a Decimal, gives whole cents; raises ValueError for a float."""\n    return 1\n\n\ndef other():\n    return 2\n',
        'shop/cart.py': 'from .money import to_cents as cents\n\n\ndef total(amount):\n    «return cents(amount)»\n',
      },
      of: 'shop/cart.py',
    });
    assert.match(text, /`shop\/money\.py`:[\s\S]*# Never rounds\.\ndef to_cents[\s\S]*raises ValueError for a float/);
    assert.doesNotMatch(text, /other/);
  });

  it('are found in Python through an __init__.py: the class, how it is made, and the method that is called', async () => {
    const asked: Asked = {
      files: {
        'bank/__init__.py': 'from .core import Ledger\n',
        'bank/core.py': 'class Ledger:\n    """Amounts are in cents."""\n\n    def __init__(self, owner):\n        self.owner = owner\n\n    def post(self, amount):\n        """Must be called inside `with ledger.open():`."""\n        return amount\n\n    def close(self):\n        return 0\n',
        'app.py': 'from bank import Ledger\n\n\ndef pay(amount):\n    «ledger = Ledger("me")\n    return ledger.post(amount)»\n',
      },
      of: 'app.py',
    };
    const text = await definitions(asked);
    assert.match(text, /class Ledger[\s\S]*Amounts are in cents[\s\S]*__init__[\s\S]*inside `with ledger\.open\(\):`/);
    assert.doesNotMatch(text, /def close/);
    assert.match(renderOutlines((await reach(asked)).modules, 1000), /class Ledger[\s\S]*def post\(self, amount\)/, 'a prompt names the members of an imported class');
  });

  it('are found in Python for `import package` and a package\'s submodule', async () => {
    const files = { 'bank/__init__.py': 'from .core import *\n', 'bank/core.py': 'def open_it(name):\n    """Give it a full name."""\n', 'bank/audit.py': 'def record(x):\n    """Wants a dict."""\n' };
    assert.match(await definitions({ files: { ...files, 'a.py': 'import bank\n\n\ndef f():\n    «return bank.open_it("x")»\n' }, of: 'a.py' }), /Give it a full name/);
    assert.match(await definitions({ files: { ...files, 'a.py': 'from bank import audit as log\n\n\ndef f():\n    «return log.record(1)»\n' }, of: 'a.py' }), /Wants a dict/);
  });

  it('come first where the traceback passed through, and are shown by their signature where they do not fit', async () => {
    const asked: Asked = {
      files: {
        'lib.py': `def entry(x):\n    """Calls the check."""\n    return deep(x)\n${'\n'.repeat(3)}def long(x):\n    """Long, and says so."""\n${'    x += 1\n'.repeat(1200)}    return x\n`,
        'deep/rules.py': 'def check(x):\n    # Only even numbers.\n    if x % 2:\n        raise ValueError("odd")\n',
        'tests/test_a.py': 'from app import f\n\n\ndef test_f():\n    assert f() == 2\n',
        'app.py': 'from lib import entry, long\n\n\ndef f():\n    «return entry(long(1))»\n',
      },
      of: 'app.py',
      failure: (folder) => `Traceback (most recent call last):\n  File "${folder}/tests/test_a.py", line 5, in test_f\n    assert f() == 2\n  File "${folder}/app.py", line 5, in f\n  File "${folder}/deep/rules.py", line 4, in check\n    raise ValueError("odd")\nValueError: odd`,
    };
    const text = await definitions(asked);
    assert.ok(text.indexOf('Only even numbers') >= 0 && text.indexOf('Only even numbers') < text.indexOf('def entry'), text);
    assert.match(text, /def long\(x\)\n +# Long, and says so\./);
    assert.doesNotMatch(text, /x \+= 1|test_f|def f\(/);
    assert.match(await definitions({ ...asked, failure: () => 'tests/test_a.py:5: in test_f\n    assert f() == 2\ndeep/rules.py:4: ValueError' }), /Only even numbers/, 'as pytest writes it');
    assert.ok((await definitions({ ...asked, budget: 60 })).length < 400);
  });

  it('are found in JavaScript: renamed requires, methods of classes, re-exports', async () => {
    const files = {
      'lib/index.js': "export { Queue } from './queue.js';\nexport * from './time.js';\n",
      'lib/queue.js': '/** Holds jobs. */\nexport class Queue {\n  /** `job` must have an id; gives a promise. */\n  push(job) {\n    return job;\n  }\n\n  size() {\n    return 0;\n  }\n}\n',
      'lib/time.js': '// Milliseconds, not seconds.\nexport const wait = (ms) => {\n  return ms;\n};\nexport const LIMIT = 30;\n',
    };
    const text = await definitions({ files: { ...files, 'a.js': "import { Queue as Q, wait, LIMIT } from './lib/index.js';\n\nexport function f(q = new Q()) {\n  «wait(LIMIT);\n  return q.push(1);»\n}\n" }, of: 'a.js' });
    assert.match(text, /must have an id[\s\S]*push\(job\)/);
    assert.match(text, /Milliseconds, not seconds[\s\S]*wait/);
    assert.match(text, /LIMIT = 30/);
    assert.doesNotMatch(text, /size\(\)/);
    const required = await definitions({ files: { 'lib.js': '/** Wants cents. */\nfunction charge(cents) {\n  return cents;\n}\nmodule.exports = { charge };\n', 'b.js': "const { charge: pay } = require('./lib');\n\nfunction f() {\n  «return pay(1);»\n}\n" }, of: 'b.js', failure: (folder) => `Error: x\n    at charge (file://${folder}/lib.js:3:10)\n    at f (${folder}/b.js:4:3)\n    at node:internal/x:1:1` });
    assert.match(required, /Wants cents/);
  });

  it('are found in TypeScript: interfaces, types and abstract methods', async () => {
    const text = await definitions({
      files: {
        'src/store/index.ts': "export * from './store';\n",
        'src/store/store.ts': 'export interface Store {\n  /** Resolves to undefined for an unknown key. */\n  read(key: string): Promise<string | undefined>;\n}\n\nexport type Mode = "r" | "w";\n\nexport abstract class Base {\n  /** Call before anything else. */\n  abstract start(mode: Mode): void;\n}\n',
        'src/app.ts': "import type { Store, Base, Mode } from './store/index.js';\n\nexport async function f(store: Store, base: Base): Promise<string> {\n  «const mode: Mode = 'r';\n  base.start(mode);\n  return (await store.read('a'))!;»\n}\n",
      },
      of: 'src/app.ts',
    });
    assert.match(text, /undefined for an unknown key[\s\S]*read\(key: string\)/);
    assert.match(text, /Call before anything else[\s\S]*start\(mode: Mode\)/);
    assert.match(text, /type Mode = "r" \| "w"/);
  });

  it('are found in C: what the header promises, and its source', async () => {
    const text = await definitions({
      files: {
        'include/ring.h': '#define RING_MAX 8\n\nstruct ring { int n; };\n\n/* Returns -1 when the ring is full; the caller must check. */\nint ring_push(struct ring *r, int v);\n',
        'src/ring.c': '#include "ring.h"\n\nint ring_push(struct ring *r, int v)\n{\n    return r->n < RING_MAX ? v : -1;\n}\n\nint ring_unused(void)\n{\n    return 0;\n}\n',
        'src/main.c': '#include "ring.h"\n#include <stdio.h>\n\nint fill(struct ring *r)\n{\n    «for (int i = 0; i < RING_MAX; i++)\n        ring_push(r, i);\n    return 0;»\n}\n',
      },
      of: 'src/main.c',
    });
    assert.match(text, /the caller must check[\s\S]*int ring_push\(struct ring \*r, int v\);/);
    assert.match(text, /return r->n < RING_MAX \? v : -1;/);
    assert.match(text, /#define RING_MAX 8/);
    assert.doesNotMatch(text, /ring_unused/);
  });

  it('are found in C++: members declared in a header and written apart from it', async () => {
    const text = await definitions({
      files: {
        'ring.hpp': 'class Ring {\n public:\n  /// Throws std::out_of_range when empty.\n  int pop();\n  int size() const { return n_; }\n private:\n  int n_ = 0;\n};\n',
        'ring.cpp': '#include "ring.hpp"\n\nint Ring::pop()\n{\n    return n_--;\n}\n',
        'main.cpp': '#include "ring.hpp"\n\nint drain(Ring &r)\n{\n    «return r.pop();»\n}\n',
      },
      of: 'main.cpp',
    });
    assert.match(text, /Throws std::out_of_range when empty[\s\S]*int pop\(\);/);
    assert.match(text, /int Ring::pop\(\)/);
    assert.doesNotMatch(text, /int size/);
  });

  it('are found in Go: packages by the module path, methods of other packages, files of the same package', async () => {
    const text = await definitions({
      files: {
        'go.mod': 'module example.com/shop\n\ngo 1.22\n',
        'store/store.go': 'package store\n\n// Store keeps orders.\ntype Store struct{ n int }\n\n// Open wants a full path.\nfunc Open(path string) *Store { return &Store{} }\n',
        'store/put.go': 'package store\n\n// Put needs a lock held: call Lock first.\nfunc (s *Store) Put(k string) error { return nil }\n',
        'store/store_test.go': 'package store\n\nfunc Open2() {}\n',
        'orders/check.go': 'package orders\n\n// check refuses an empty id.\nfunc check(id string) error { return nil }\n',
        'orders/orders.go': 'package orders\n\nimport "example.com/shop/store"\n\nfunc Save(id string) error {\n\t«if err := check(id); err != nil {\n\t\treturn err\n\t}\n\treturn store.Open("a").Put(id)»\n}\n',
      },
      of: 'orders/orders.go',
    });
    assert.match(text, /Open wants a full path/);
    assert.match(text, /call Lock first[\s\S]*Put\(k string\)/);
    assert.match(text, /check refuses an empty id/);
  });

  it('are found in Java: imports, the same package, static imports, and the frames of an exception', async () => {
    const text = await definitions({
      files: {
        'src/main/java/com/acme/money/Money.java': 'package com.acme.money;\n\n/** Whole cents. */\npublic final class Money {\n    /** Never null; throws for negative cents. */\n    public static Money of(long cents) {\n        return new Money();\n    }\n\n    public long raw() {\n        return 1;\n    }\n}\n',
        'src/main/java/com/acme/money/Rates.java': 'package com.acme.money;\n\npublic class Rates {\n    /** The rate is in basis points. */\n    public static long rate(String country) {\n        return 1900;\n    }\n}\n',
        'src/main/java/com/acme/shop/Audit.java': 'package com.acme.shop;\n\ninterface Audit {\n    /** The name must be registered first. */\n    void record(String name);\n}\n',
        'src/main/java/com/acme/deep/Check.java': 'package com.acme.deep;\n\npublic class Check {\n    // Only upper case.\n    static void code(String c) {\n        throw new IllegalStateException(c);\n    }\n}\n',
        'src/main/java/com/acme/shop/Cart.java': 'package com.acme.shop;\n\nimport com.acme.money.Money;\nimport static com.acme.money.Rates.rate;\n\nclass Cart {\n    Money total(Audit audit, long cents) {\n        «audit.record("x");\n        return Money.of(cents * rate("de"));»\n    }\n}\n',
      },
      of: 'src/main/java/com/acme/shop/Cart.java',
      failure: () => 'java.lang.IllegalStateException: a\n\tat com.acme.deep.Check.code(Check.java:6)\n\tat com.acme.shop.Cart.total(Cart.java:8)\n',
    });
    assert.match(text, /Only upper case/);
    assert.match(text, /Whole cents[\s\S]*throws for negative cents[\s\S]*Money of\(long cents\)/);
    assert.match(text, /basis points/);
    assert.match(text, /registered first[\s\S]*void record/);
    assert.doesNotMatch(text, /raw\(\)/);
  });

  it('are never taken from secret or ignored files, from elsewhere, or from what only has the same name', async () => {
    const outside = path.join(root, 'outside.py');
    await writeFile(outside, 'def leak():\n    """Outside."""\n');
    const text = await definitions({
      files: {
        '.gitignore': 'hidden.py\n',
        'hidden.py': 'def secret(x):\n    """Ignored."""\n',
        '.env': 'def secret(x):\n    """Secret."""\n',
        'lib.py': 'def join(a):\n    """Not os.path."""\n',
        'app.py': 'import os\nfrom hidden import secret\nimport lib\n\n\ndef f():\n    «return os.path.join(secret(1))»\n',
      },
      of: 'app.py',
      failure: (folder) => `  File "${folder}/hidden.py", line 2, in secret\n  File "${outside}", line 1, in leak\n  File "${folder}/../outside.py", line 1, in leak\n  File "${folder}/.env", line 1, in secret\n`,
    });
    assert.equal(text, '');
  });

  it('of the same file count for a note, not for a prompt that shows the file', async () => {
    const files = { 'a.py': 'def helper(x):\n    """Wants a list."""\n    return x\n\n\ndef f():\n    «return helper(1)»\n' };
    assert.match(await definitions({ files, of: 'a.py' }), /Wants a list/);
    assert.equal(await definitions({ files, of: 'a.py', ownFile: false }), '');
  });
});
