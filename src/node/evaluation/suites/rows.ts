import * as z from 'zod';
import { normalizeCwe } from '../../../core/cwe.ts';
import type { EvalTask, TaskProblem } from '../../../core/evaluation/suite.ts';
import { canonicalLanguage } from '../../../core/language.ts';
import { readRows } from './files.ts';

/** Reads the rows of a suite's file; one that does not fit is named and left out. */
export async function typedRows<T extends z.ZodType>(file: string, schema: T): Promise<{ rows: z.infer<T>[]; problems: TaskProblem[] }> {
  const { rows, problems } = await readRows(file);
  const good: z.infer<T>[] = [];
  const bad = [...problems];
  const taken = new Set<string>();
  for (const { line, value } of rows) {
    const parsed = schema.safeParse(value);
    const named = z.object({ task_id: z.string() }).safeParse(value);
    const id = named.success ? named.data.task_id : `line ${line}`;
    if (!parsed.success) bad.push({ id, reason: parsed.error.issues.slice(0, 3).map((i) => `${i.path.join('.')}: ${i.message}`).join('; ') });
    else if (taken.has(id)) bad.push({ id, reason: 'there is another task of this name' });
    else {
      taken.add(id);
      good.push(parsed.data);
    }
  }
  return { rows: good, problems: bad };
}

/** A task that is one file: a stub to go on with, or nothing but words. */
export function fileTask(o: { id: string; language: string; cwe?: string | undefined; target: string; stub: string; prompt?: string }): EvalTask {
  const language = canonicalLanguage(o.language);
  const cwe = o.cwe === undefined ? undefined : normalizeCwe(o.cwe);
  // An editor closes what it opens: the brace of an open function stands after the caret.
  const closing = language !== 'python' && /\{\s*$/.test(o.stub) ? '\n}\n' : '';
  const before = o.stub.replace(/\s*$/, '\n');
  return {
    id: o.id, language, target: o.target, workspace: {}, ownTests: false,
    text: o.stub.trim() === '' ? '' : `${before}${language === 'python' ? indentAfter(before) : ''}${closing}`,
    offset: o.stub.trim() === '' ? 0 : before.length + (language === 'python' ? indentAfter(before).length : 0),
    ...(cwe === undefined ? {} : { cwe }),
    ...(o.prompt === undefined ? {} : { prompt: o.prompt }),
  };
}

/** Where the caret stands after a Python stub: inside the function that it opened last. */
function indentAfter(stub: string): string {
  const lines = stub.split('\n').filter((line) => line.trim());
  const last = lines.at(-1) ?? '';
  const own = /^\s*/.exec(last)?.[0] ?? '';
  return /:\s*(?:#.*)?$/.test(last) ? `${own}    ` : own;
}
