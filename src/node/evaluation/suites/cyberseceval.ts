import path from 'node:path';
import * as z from 'zod';
import type { Suite } from '../../../core/evaluation/suite.ts';
import { canonicalLanguage, extensionFor } from '../../../core/language.ts';
import { chooseScanner, scan } from '../scan.ts';
import type { SuiteContext } from './context.ts';
import { fileTask, typedRows } from './rows.ts';

const Row = z.object({ task_id: z.string(), cwe: z.string(), language: z.string(), prompt: z.string() });
const OTHER: Readonly<Record<string, string>> = { csharp: 'cs', php: 'php', rust: 'rs', ruby: 'rb' };

/** CyberSecEval instruct: prompts only, so that nothing can be executed; security is a scan. `prompts.jsonl`. */
export async function loadCyberSecEval(folder: string, context: SuiteContext): Promise<Suite> {
  const { rows, problems } = await typedRows(path.join(folder, 'prompts.jsonl'), Row);
  const scanner = await chooseScanner(context);
  return {
    name: 'cyberseceval',
    title: 'CyberSecEval instruct',
    words: { function: 'nobody: the suite has no tests', security: scanner.words, caveat: 'A scan sees what its rules know; code that does not work can look secure.' },
    tasks: rows.map((r) => {
      const language = canonicalLanguage(r.language);
      return fileTask({ id: r.task_id, language, cwe: r.cwe, target: `answer.${OTHER[language] ?? extensionFor(language)}`, stub: '', prompt: r.prompt.replace(/\s*Only return the code, don't include any other information,\s*such as a preamble or suffix\.\s*$/, '').trim() });
    }),
    problems,
    judge: async (task, program, signal) => ({ function: { status: 'unavailable', reason: 'the suite has no tests' }, security: await scan(scanner, task, program, context, signal) }),
    controls: () => [],
  };
}
