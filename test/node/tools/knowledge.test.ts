import assert from 'node:assert/strict';
import { cp, mkdtemp, rename, rm, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { readKnowledge } from '../../../tools/build/knowledge.mjs';
import { root } from '../../../tools/setup/paths.mjs';

describe('reading the knowledge base for the build', () => {
  it('finds nothing wrong with the knowledge of the project', async () => {
    assert.deepEqual((await readKnowledge(root)).problems, []);
  });

  it('finds a guideline for every CWE that has samples', async () => {
    assert.deepEqual((await readKnowledge(root)).undescribed, []);
  });

  it('names a guideline in the folder of another CWE, and a file that does not parse', async () => {
    const folder = await mkdtemp(path.join(os.tmpdir(), 'safenote-knowledge-'));
    try {
      await cp(path.join(root, 'knowledge', 'CWE-089'), path.join(folder, 'knowledge', 'CWE-089'), { recursive: true });
      await rename(path.join(folder, 'knowledge', 'CWE-089'), path.join(folder, 'knowledge', 'CWE-090'));
      await writeFile(path.join(folder, 'knowledge', 'CWE-090', 'python-empty.md'), '');
      const { problems } = await readKnowledge(folder);
      assert.ok(problems.some((problem) => /CWE-090\/guideline\.md: "cwe" is CWE-89/.test(problem)), problems.join('\n'));
      assert.ok(problems.some((problem) => problem.startsWith('knowledge/CWE-090/python-empty.md:')), problems.join('\n'));
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
  });
});
