import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { ExpectedError } from '../../core/errors.ts';
import { canonicalLanguage } from '../../core/language.ts';
import { secretFileReason } from '../../core/secret-file.ts';
import { type Output, printable } from '../output.ts';
import { type GlobalOptions, withSession } from '../session.ts';
import { wholeNumber } from './complete.ts';

export interface RetrieveOptions extends GlobalOptions {
  readonly language: string;
  readonly task?: string;
  readonly codeFile?: string;
  readonly k?: string;
}

/** `retrieve --language L`: what a request like this would find, before the gate. */
export async function retrieve(options: RetrieveOptions): Promise<Output> {
  const limit = options.k === undefined ? 5 : wholeNumber('-k', options.k, 1, 1000);
  const language = canonicalLanguage(options.language);
  const code = options.codeFile === undefined ? '' : await readCode(options.codeFile);
  if (!code.trim() && !options.task?.trim()) throw new ExpectedError('empty-query', 'There is nothing to search for.', 'Give a task with --task, code with --code-file, or both.');
  return withSession(options, async ({ app, signal }) => {
    const found = await app.engine.retrieve({ language, code, limit, ...(options.task ? { task: options.task } : {}), ...(options.codeFile ? { path: path.resolve(options.codeFile) } : {}) }, signal);
    const note = (n: (typeof found.securityNotes)[number]) => ({ id: n.item.note.id, cwe: n.item.note.cwe ?? null, title: n.item.note.title, score: n.score, passesGate: n.passesGate });
    const json = {
      knowledge: found.knowledge.map((k) => ({ cwe: k.item.guideline.cwe, title: k.item.guideline.title, sample: k.item.sample?.id ?? null, score: k.score, passesGate: k.passesGate })),
      securityNotes: found.securityNotes.map(note),
      functionNotes: found.functionNotes.map(note),
      remarks: found.remarks,
    };
    const row = (e: { score: number; passesGate: boolean }, name: string) => `  ${e.passesGate ? '+' : '-'} ${e.score.toFixed(4)} ${printable(name)}`;
    const text = [
      'knowledge (+ passes the gate):',
      ...json.knowledge.map((k) => row(k, `${k.cwe} ${k.title}${k.sample ? ` (${k.sample})` : ''}`)),
      'security notes:',
      ...json.securityNotes.map((n) => row(n, `${n.id} ${n.title}`)),
      'function notes:',
      ...json.functionNotes.map((n) => row(n, `${n.id} ${n.title}`)),
      ...found.remarks,
    ];
    return { json, text: `${text.join('\n')}\n`, exitCode: 0 };
  });
}

async function readCode(file: string): Promise<string> {
  const secret = secretFileReason(file);
  if (secret) throw new ExpectedError('secret-file', secret, 'Choose another file.');
  return readFile(path.resolve(file), 'utf8').catch((error: Error) => {
    throw new ExpectedError('no-file', `${file} cannot be read: ${error.message}.`, '--code-file is relative to the current folder.');
  });
}
