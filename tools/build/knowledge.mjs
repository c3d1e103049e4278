// knowledge/CWE-NNN/*.md → knowledge.json, read by the product's own parser so that there is one definition of the format.
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { tsImport } from 'tsx/esm/api';
import { filesBelow } from './files.mjs';

/**
 * Returns `{knowledge: {guidelines, samples}, problems, undescribed}`; a file that does not parse is a problem, never left out
 * in silence. `undescribed` are CWEs that have samples but no guideline yet: they work, less well.
 */
export async function readKnowledge(root) {
  const { parseGuideline, parseSample } = await tsImport('../../src/core/knowledge/parse.ts', import.meta.url);
  const guidelines = [];
  const samples = [];
  const problems = [];
  for (const file of await filesBelow(path.join(root, 'knowledge'), '.md')) {
    const name = `knowledge/${file}`;
    if (!/^CWE-\d+\/[^/]+$/.test(file)) {
      if (file.toLowerCase() !== 'readme.md') problems.push(`${name}: knowledge lies in knowledge/CWE-NNN/.`);
      continue;
    }
    const text = await readFile(path.join(root, 'knowledge', file), 'utf8');
    try {
      if (file.endsWith('/guideline.md')) {
        const guideline = parseGuideline(text, name);
        const number = Number(/^CWE-(\d+)\//.exec(file)[1]);
        if (guideline.cwe !== `CWE-${number}`) problems.push(`${name}: "cwe" is ${guideline.cwe}, the folder says CWE-${number}.`);
        else guidelines.push(guideline);
      } else {
        samples.push(parseSample(text, name));
      }
    } catch (error) {
      problems.push(error.message);
    }
  }
  const described = new Set(guidelines.map((g) => g.cwe));
  const undescribed = [...new Set(samples.map((s) => s.cwe))].filter((cwe) => !described.has(cwe));
  return { knowledge: { guidelines, samples }, problems, undescribed };
}
