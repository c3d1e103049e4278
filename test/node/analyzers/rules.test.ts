import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { AnalysisWorker } from '../../../src/node/analysis/client.ts';
import { type Engine, type Fixture, type Hit, ownRules, readFixtures, type RuleMetadata, runBuiltin, runSemgrep } from './rule-bench.ts';
import { realSemgrep } from './semgrep/real.ts';

const never = new AbortController().signal;
const root = path.resolve('.');
const dist = path.join(root, 'dist');

/** What docs/architecture.md says of rule fixtures, for every rule of both engines. */
describe('every rule', function () {
  this.timeout(300_000);
  const hits: Partial<Record<Engine, Map<string, Hit[]>>> = {};
  let fixtures: Fixture[];
  let metadata: RuleMetadata;
  before(async () => {
    fixtures = await readFixtures(root);
    metadata = JSON.parse(await readFile(path.join(dist, 'rules/metadata.json'), 'utf8')) as RuleMetadata;
  });

  it('of the built-in engine can be used', async () => {
    const worker = new AnalysisWorker({ assetsRoot: dist, timeoutMs: 120_000 });
    try {
      hits.builtin = await runBuiltin(worker, fixtures, never);
    } finally {
      await worker.dispose();
    }
  });
  it('of Semgrep can be used', async function () {
    const launch = await realSemgrep(this);
    const { hits: found, broken } = await runSemgrep(launch, path.join(dist, 'rules/semgrep.yml'), fixtures, never);
    assert.deepEqual(broken, []);
    hits.semgrep = found;
  });

  for (const engine of ['builtin', 'semgrep'] as const) {
    describe(`(${engine})`, () => {
      beforeEach(function () {
        if (!hits[engine]) this.skip();
      });
      const of = (file: Fixture) => hits[engine]?.get(file.name) ?? [];
      const families = () => [...new Set(fixtures.map((f) => f.name.split('/').slice(0, 2).join('/')))];
      const inFamily = (name: string, side: Fixture['side']) => fixtures.filter((f) => f.name.startsWith(`${name}/`) && f.side === side);

      it('fires on a vulnerable file of its family', () => {
        const silent: string[] = [];
        for (const [id, { family, language }] of Object.entries(metadata)) {
          if (!ownRules(metadata, engine, language, family).includes(id)) continue;
          if (!inFamily(`${language}/${family}`, 'vulnerable').some((file) => of(file).some((hit) => hit.ruleId === id))) silent.push(id);
        }
        assert.deepEqual(silent, []);
      });
      it('family flags each of its vulnerable files', () => {
        const missed: string[] = [];
        for (const name of families()) {
          const [language = '', family = ''] = name.split('/');
          if (ownRules(metadata, engine, language, family).length === 0) continue;
          missed.push(...inFamily(name, 'vulnerable').filter((file) => !of(file).some((hit) => metadata[hit.ruleId]?.family === family)).map((file) => file.name));
        }
        assert.deepEqual(missed, []);
      });
      it('is silent on every secure file', () => {
        const alarms = families().flatMap((name) => inFamily(name, 'secure').flatMap((file) => of(file).map((hit) => `${file.name}:${hit.line} ${hit.ruleId}`)));
        assert.deepEqual(alarms, []);
      });
    });
  }

  it('has fixtures of its family on both sides', () => {
    const missing: string[] = [];
    for (const [id, { family, language, engines }] of Object.entries(metadata)) {
      if (!engines.some((engine) => ownRules(metadata, engine, language, family).includes(id))) continue;
      for (const side of ['vulnerable', 'secure']) if (!fixtures.some((f) => f.name.startsWith(`${language}/${family}/`) && f.side === side)) missing.push(`${language}/${family}: no ${side} file`);
    }
    assert.deepEqual([...new Set(missing)], []);
  });
});
