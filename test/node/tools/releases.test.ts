import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { compareWith, describeComparison, previousRelease, saveRelease } from '../../../bench/releases.ts';

describe("figures of releases", () => {
  it('are compared with those of the last release before this one', () => {
    const folder = mkdtempSync(path.join(tmpdir(), 'safenote-releases-'));
    try {
      assert.equal(previousRelease('0.2.0', folder), undefined);
      const row = (name: string, value: number, unit = 'MB') => ({ suite: 'package', name, value, unit });
      saveRelease('0.1.0', [row('main.js', 9)], folder);
      saveRelease('0.9.0', [row('main.js', 1), row('safenote-0.9.0.vsix with the embedding model', 20), row('gone', 1)], folder);
      saveRelease('0.10.0', [row('main.js', 1)], folder);
      writeFileSync(path.join(folder, 'README.md'), 'not a record');
      const previous = previousRelease('0.10.0', folder);
      assert.equal(previous?.version, '0.9.0');
      assert.ok(previous);
      const compared = compareWith(previous, [row('main.js', 1.5), row('safenote-0.10.0.vsix with the embedding model', 10), row('new', 1), row('main.js', 5, 'ms')]);
      assert.deepEqual(compared.map((c) => [c.name, c.ratio]), [['main.js', 1.5], ['safenote-0.10.0.vsix with the embedding model', 0.5]]);
      assert.match(describeComparison(previous, compared), /Compared with 0\.9\.0[\s\S]*main\.js.*× 1\.50 {2}MORE/);
      assert.match(describeComparison({ ...previous, machine: 'a toaster' }, []), /another machine: a toaster[\s\S]*no figure is in both/);
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  });
});
