import assert from 'node:assert/strict';
import path from 'node:path';
import type { SgNode } from '@ast-grep/wasm';
import { GrammarHost } from '../../../src/node/analysis/grammar-host.ts';
import { grammarFor } from '../../../src/node/analysis/grammars.ts';
import { readBuiltinRules } from '../../../src/node/analysis/rules.ts';
import { RuleSet } from '../../../src/node/analysis/rule-set.ts';
import { readFixtures } from '../analyzers/rule-bench.ts';

describe('rules that are asked together', function () {
  this.timeout(240_000);

  it('find what each finds alone, as it is written', async () => {
    const dist = path.resolve('dist');
    const host = new GrammarHost(dist);
    const { rules } = await readBuiltinRules(dist);
    const fixtures = (await readFixtures(path.resolve('.'))).filter((f) => f.side === 'vulnerable');
    const different: string[] = [];
    let compared = 0;
    for (const fixture of fixtures) {
      const grammar = grammarFor(fixture.language, fixture.name);
      if (!grammar) continue;
      await host.load(grammar);
      const own = rules.filter((rule) => rule.language === grammar.name);
      host.withParsed(grammar, fixture.text, ({ root }) => {
        const node: SgNode = root.root();
        const together = new RuleSet(own).scan(node, fixture.text);
        for (const rule of own.filter((r) => r.metadata.family === fixture.family)) {
          const { rule: matcher, constraints, utils } = rule;
          const alone = node.findAll({ rule: matcher, ...(constraints ? { constraints } : {}), ...(utils ? { utils } : {}) }).length;
          const found = together.filter((f) => f.ruleId === rule.id).length;
          compared += alone;
          if (alone !== found) different.push(`${rule.id} in ${fixture.name}: ${alone} alone, ${found} together`);
        }
      });
    }
    assert.deepEqual(different, []);
    assert.ok(compared > 100, `${compared} findings compared`);
  });
});
