import assert from 'node:assert/strict';
import { soak } from '../../../bench/soak.ts';
import { realSemgrep } from '../analyzers/semgrep/real.ts';

describe('A long session', () => {
  // 2,000 edits with their memory: npm run bench -- soak.
  it('of edits leaves the right findings and no process', async function () {
    this.timeout(120_000);
    await realSemgrep(this);
    const { errors, open, wanted, orphans, checked } = await soak(120);
    assert.deepEqual([errors, open, orphans], [[], wanted, 0]);
    assert.ok(checked > 10 && checked < 120, `${checked} checks`);
  });
});
