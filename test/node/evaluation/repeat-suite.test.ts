import assert from 'node:assert/strict';
import path from 'node:path';
import { checkControls } from '../../../src/core/evaluation/suite.ts';
import { SuiteContext } from '../../../src/node/evaluation/suites/context.ts';
import { loadRepeatSuite } from '../../../src/node/evaluation/suites/repeat-suite.ts';
import { Toolbox } from '../../../src/node/evaluation/toolbox.ts';
import { onPath, Sandbox } from '../../../src/node/sandbox/box.ts';
import { warmGo } from '../runners/warm-go.ts';

describe('repeat suite', function () {
  this.timeout(240_000);
  const box = new Sandbox();
  const context = new SuiteContext({ box, toolbox: new Toolbox(process.env), env: process.env });
  const folder = path.join(import.meta.dirname, '../../../evaluation/repeat');

  it('is well formed', async () => {
    const suite = await loadRepeatSuite(folder, context);
    assert.deepEqual(suite.problems, []);
    for (const task of suite.tasks) {
      assert.notEqual(task.language, 'plaintext', task.id);
      assert.deepEqual(suite.controls(task).map((c) => c.name), ['reference', 'obvious']);
    }
  });

  it('has a reference that passes and an obvious solution that fails for every task', async function () {
    const state = await box.state();
    if (!state.available) return this.skip();
    if (await onPath('go', process.env)) await warmGo();
    const suite = await loadRepeatSuite(folder, context);
    const results = await checkControls(suite, { signal: new AbortController().signal, jobs: 2 });
    const wrong = results.filter((r) => r.status === 'broken').map((r) => `${r.task} ${r.control}: ${r.reason ?? ''}`);
    assert.deepEqual(wrong, []);
    const missing = results.filter((r) => r.status === 'unavailable');
    if (missing.length === results.length) this.skip();
  });
});
