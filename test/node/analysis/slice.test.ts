import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import fc from 'fast-check';
import type { KnowledgeBase } from '../../../src/core/knowledge/knowledge.ts';
import { changedRows } from '../../../src/node/analysis/changed-lines.ts';
import { AnalysisWorker } from '../../../src/node/analysis/client.ts';

const DIST = path.resolve('dist');
const signal = new AbortController().signal;

interface Golden {
  readonly language: string;
  readonly vulnerable: string;
  readonly secure: string;
  readonly slice: string;
}
/** The line that starts with `?` is the one that differs, `-` lines are left out of the slice. */
function golden(language: string, vulnerable: string, marked: string): Golden {
  const lines = marked.split('\n');
  const plain = (line: string) => line.slice(2);
  return {
    language,
    secure: lines.map(plain).join('\n'),
    vulnerable: lines.map((line) => (line.startsWith('?') ? (/^\s*/.exec(plain(line))?.[0] ?? '') + vulnerable : plain(line))).join('\n'),
    slice: lines.filter((line) => !line.startsWith('-')).map(plain).join('\n'),
  };
}

const GOLDEN: readonly Golden[] = [
  golden('python', 'db.execute("DELETE FROM t WHERE k = \'" + key + "\'")', [
    '- import logging', '- ', '  def drop(db, row, audit):', '-     """Drop one row."""', '-     audit.begin()', '      key = row["key"]', '-     label = row["label"]', '      if key:', '?         db.execute("DELETE FROM t WHERE k = ?", (key,))', '-     else:', '-         audit.skip()', '-     logging.info("done")',
  ].join('\n')),
  golden('javascript', 'exec("ping " + host);', [
    '  function ping(host, log) {', '-   const started = Date.now();', '?   const child = execFile("ping", [host]);', '-   log(started);', '    return child.stdout;', '  }',
  ].join('\n')),
  golden('typescript', 'element.innerHTML = text;', [
    '  export function show(element: HTMLElement, raw: string): void {', '-   count += 1;', '    const text: string = raw.trim();', '?   element.textContent = text;', '-   render();', '  }',
  ].join('\n')),
  golden('c', 'strcpy(out, name);', [
    '  int copy(char *out, size_t size, const char *name) {', '-     int other = 1;', '      size_t length = strlen(name);', '?     if (length >= size) return -1;', '-     log_it(other);', '-     return 0;', '  }',
  ].join('\n')),
  golden('cpp', 'return items[at];', [
    '  int pick(const std::vector<int>& items, std::size_t base) {', '-     std::cout << "pick";', '      const std::size_t at = base + 1;', '?     return items.at(at);', '  }',
  ].join('\n')),
  golden('go', 'path := filepath.Join(root, name)', [
    '- package files', '- ', '  func read(root, name string) ([]byte, error) {', '- \tlog.Println("read")', '? \tpath := filepath.Join(root, filepath.Base(name))', '  \tdata, err := os.ReadFile(path)', '  \tif err != nil {', '  \t\treturn nil, err', '  \t}', '- \tcount++', '  \treturn data, nil', '  }',
  ].join('\n')),
  golden('java', 'Statement found = db.createStatement();', [
    '  class Users {', '-     private int count;', '      void find(Connection db, String name) throws SQLException {', '-         count++;', '?         PreparedStatement found = db.prepareStatement("SELECT 1 FROM u WHERE n = ?");', '          found.setString(1, name);', '-         log.info("asked");', '      }', '  }',
  ].join('\n')),
];

describe('security-focused slices', () => {
  let worker: AnalysisWorker;
  before(function () {
    if (!existsSync(path.join(DIST, 'analysis-worker.js'))) this.skip();
    worker = new AnalysisWorker({ assetsRoot: DIST });
  });
  after(() => worker?.dispose());
  const slice = (language: string, secure: string, vulnerable: string) => worker.slice({ path: '', language, text: secure }, vulnerable, signal);
  const squeeze = (text: string) => text.split('\n').filter((line) => line.trim()).join('\n');

  for (const example of GOLDEN) {
    it(`keeps what a ${example.language} function needs to be secure`, async () => {
      assert.equal(squeeze((await slice(example.language, example.secure, example.vulnerable)) ?? ''), squeeze(example.slice));
    });
  }

  it('of every sample of the library parses and is not longer than the sample', async function () {
    this.timeout(60_000);
    const { samples } = JSON.parse(readFileSync(path.join(DIST, 'knowledge.json'), 'utf8')) as KnowledgeBase;
    let made = 0;
    for (const sample of samples) {
      const found = await slice(sample.language, sample.secure, sample.vulnerable);
      if (found === undefined) continue;
      made++;
      assert.ok(found.length < sample.secure.length, sample.id);
      // Go wants its last line ended.
      const { errors } = await worker.outline({ path: '', language: sample.language, text: `${found}\n` }, signal);
      assert.deepEqual(errors, [], sample.id);
    }
    assert.ok(made > samples.length * 0.8, `${made} of ${samples.length}`);
  });

  it('is none where the sides are the same, where the code does not parse, and for other languages', async () => {
    assert.equal(await slice('python', 'x = 1\ny = 2\n', 'x = 1\ny = 2\n'), undefined);
    assert.equal(await slice('python', 'def f(:\n  x = 1\n  y = 2\n', 'def f(:\n  x = 1\n'), undefined);
    assert.equal(await slice('ruby', 'x = 1\ny = 2\n', 'x = 1\n'), undefined);
  });

  it('puts pass where a Python body would be empty', async () => {
    const secure = 'def f(a):\n    if check(a):\n        log(a)\n        log(a)\n        log(a)\n        log(a)\n        log(a)\n        log(a)\n        log(a)\n    return 1\n';
    assert.equal(await slice('python', secure, secure.replace('check(a)', 'a')), 'def f(a):\n    if check(a):\n        pass');
  });

  it('copes with a function that calls itself through its own variables, and with 100 kB', async function () {
    this.timeout(30_000);
    const cyclic = 'def f(a, b):\n    while a:\n        a = b\n        b = safe(a)\n        other()\n    return b\n';
    assert.match((await slice('python', cyclic, cyclic.replace('safe(a)', 'a'))) ?? '', /a = b\n {8}b = safe\(a\)/);
    const lines = Array.from({ length: 3000 }, (_, n) => `    value_${n} = call_${n}(${n === 1500 ? 'safe(a)' : `value_${n - 1}`}, 'text')`);
    const huge = `def f(a):\n${lines.join('\n')}\n    return 1\n`;
    const found = await slice('python', huge, huge.replace('safe(a)', 'a'));
    assert.ok(found !== undefined && found.length < huge.length);
  });

  it('finds the rows that were added, whatever was added', () =>
    fc.assert(
      fc.property(fc.array(fc.constantFrom('a', 'b', 'c', 'd'), { maxLength: 12 }), fc.nat(12), fc.array(fc.constantFrom('x', 'y'), { minLength: 1, maxLength: 3 }), (lines, at, added) => {
        const place = Math.min(at, lines.length);
        const rows = changedRows(lines.join('\n'), [...lines.slice(0, place), ...added, ...lines.slice(place)].join('\n'));
        assert.deepEqual([...rows].sort((a, b) => a - b), added.map((_, n) => place + n));
      }),
      { numRuns: 300 },
    ));
});
