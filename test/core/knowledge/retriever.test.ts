import assert from 'node:assert/strict';
import { KnowledgeRetriever } from '../../../src/core/knowledge/knowledge-retriever.ts';
import type { Guideline, Sample } from '../../../src/core/knowledge/knowledge.ts';
import { KnowledgeError, parseGuideline, parseSample } from '../../../src/core/knowledge/parse.ts';
import type { RetrievalQuery } from '../../../src/core/retrieval/query.ts';

const guideline = (cwe: string, title: string, o: Partial<Guideline> = {}): Guideline => ({ cwe, title, detectable: true, apis: {}, keywords: [], causes: ['cause'], practices: ['do'], pitfalls: ['avoid'], ...o });
const sample = (id: string, description: string, code: string, o: Partial<Sample> = {}): Sample => ({ id, cwe: id.split('/')[0] ?? '', language: 'python', description, apis: [], causes: [], vulnerable: code, secure: code, slice: code, ...o });
const query = (o: Partial<RetrievalQuery>): RetrievalQuery => ({ language: 'python', task: '', code: '', apis: [], ownApis: [], draftCwes: [], ...o });
const base = {
  guidelines: [
    guideline('CWE-89', 'SQL injection', { apis: { python: ['cursor.execute'] }, keywords: ['database query'] }),
    guideline('CWE-22', 'Path traversal', { apis: { python: ['open', 'os.path.join'] }, keywords: ['uploaded file'] }),
    guideline('CWE-79', 'Cross-site scripting', { keywords: ['render page'] }),
  ],
  samples: [
    sample('CWE-89/python-a', 'Find orders of a customer in the database', 'cur.execute("SELECT")', { apis: ['cursor.execute'] }),
    sample('CWE-89/python-b', 'Count the rows of a table', 'cur.execute("COUNT")', { apis: ['cursor.execute'] }),
    sample('CWE-22/python-a', 'Read an uploaded file by its name', 'open(os.path.join(base, name))', { apis: ['open'] }),
    sample('CWE-79/javascript-a', 'Render a comment on the page', 'el.innerHTML = text', { language: 'javascript' }),
  ],
};

describe('knowledge retrieval', () => {
  const retriever = new KnowledgeRetriever(base);
  const ask = (o: Partial<RetrievalQuery>) => retriever.retrieve(query(o), {}, { limit: 5, minSimilarity: 0.35 });
  it('finds the CWE by API and the sample by task', () => {
    const [first] = ask({ task: 'find the orders of one customer', apis: ['cur.execute', 'db.cursor.execute'] });
    assert.equal(first?.item.guideline.cwe, 'CWE-89');
    assert.equal(first?.item.sample?.id, 'CWE-89/python-a');
    assert.equal(first?.passesGate, true);
  });
  it('lists a CWE once', () => {
    const cwes = ask({ task: 'database file page', apis: ['execute', 'open'] }).map((r) => r.item.guideline.cwe);
    assert.equal(new Set(cwes).size, cwes.length);
  });
  it('keeps samples of other languages out', () => assert.equal(ask({ task: 'render a comment on the page' }).find((r) => r.item.guideline.cwe === 'CWE-79')?.item.sample, undefined));
  it('lets nothing pass for an ordinary task', () => assert.ok(ask({ task: 'add two numbers', code: 'def add(a, b):', apis: [] }).every((r) => !r.passesGate)));
  it('lets what a rule saw in a draft decide where the task says little', () => {
    const [first] = ask({ task: 'render', draftCwes: ['CWE-22'] });
    assert.equal(first?.item.guideline.cwe, 'CWE-22');
    assert.equal(first?.passesGate, true);
  });
  it('answers for a language without samples', () => assert.equal(ask({ language: 'kotlin', task: 'query the database' })[0]?.item.guideline.cwe, 'CWE-89'));
});

describe('a guideline file', () => {
  const text = '---\ncwe: CWE-089\ntitle: SQL injection\napis:\n  python: [cursor.execute]\nkeywords: [query]\n---\n## Causes\n- Text is *joined*\n  into SQL.\n\n## Practices\n- Use `?`.\n\n## Pitfalls\n1. Escaping by hand.\n';
  it('is read', () => {
    const g = parseGuideline(text, 'x');
    assert.equal(g.cwe, 'CWE-89');
    assert.deepEqual(g.causes, ['Text is *joined* into SQL.']);
    assert.deepEqual(g.pitfalls, ['Escaping by hand.']);
  });
  for (const [name, bad, message] of [
    ['front matter is missing', '## Causes\n', /front matter/],
    ['a section is missing', text.replace('## Pitfalls', '## Other'), /Pitfalls/],
    ['a section is no list', text.replace('- Use `?`.', 'Use it.'), /Practices/],
    ['the CWE is no CWE', text.replace('CWE-089', 'SQL'), /CWE-89/],
    ['the YAML is broken', text.replace('[query]', '[query'), /YAML/],
  ] as const) {
    it(`says so when ${name}`, () => assert.throws(() => parseGuideline(bad, 'f.md'), (e: unknown) => e instanceof KnowledgeError && message.test(e.message) && e.message.startsWith('f.md')));
  }
});

describe('a sample file', () => {
  const text = '---\nlanguage: python\napis: [open]\ncauses: [a name is joined]\n---\n## Description\nRead a\nfile.\n\n## Vulnerable\n```python\nopen(x)\n```\n\n## Secure\n```python\nopen(y)\nclose()\n```\n\n## Slice\n```python\nopen(y)\n```\n';
  it('is read, its id made of folder and name', () => {
    const s = parseSample(text, '/k/CWE-022/python-read-file.md');
    assert.equal(s.id, 'CWE-22/python-read-file');
    assert.equal(s.description, 'Read a file.');
    assert.equal(s.vulnerable, 'open(x)');
    assert.equal(s.slice, 'open(y)');
  });
  it('has the secure side for a slice where it has none', () => assert.equal(parseSample(text.slice(0, text.indexOf('## Slice')), '/k/CWE-022/python-a.md').slice, 'open(y)\nclose()'));
  it('must be named as its language says', () => assert.throws(() => parseSample(text, '/k/CWE-022/c-a.md'), /language/));
  it('must lie in a CWE folder', () => assert.throws(() => parseSample(text, '/k/python-a.md'), /CWE-NNN/));
});
