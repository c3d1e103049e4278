// prompts/*.md → prompts.json (name → template).
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { filesBelow } from './files.mjs';

/** Returns `{prompts, problems}`. */
export async function readPrompts(root) {
  const prompts = {};
  const problems = [];
  for (const file of await filesBelow(path.join(root, 'prompts'), '.md')) {
    const text = (await readFile(path.join(root, 'prompts', file), 'utf8')).replaceAll('\r\n', '\n');
    if (!text.trim()) problems.push(`prompts/${file}: the template is empty.`);
    else prompts[file.slice(0, -'.md'.length)] = text;
  }
  return { prompts, problems };
}
