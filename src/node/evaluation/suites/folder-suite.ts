import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { parse } from 'yaml';
import * as z from 'zod';
import { normalizeCwe } from '../../../core/cwe.ts';
import { ExpectedError, messageOf } from '../../../core/errors.ts';
import type { Control, EvalTask, Judgement, JudgeWords, Said, Suite, TaskProblem } from '../../../core/evaluation/suite.ts';
import { canonicalLanguage, extensionFor, languageOfPath } from '../../../core/language.ts';
import { applyEdits } from '../../../core/source.ts';
import { JUDGE, runTestProgram, WORKSPACE } from '../programs.ts';
import type { SuiteContext } from './context.ts';
import { filesBelow, foldersIn, withoutMarker } from './files.ts';

const TaskFile = z.strictObject({
  target: z.string(),
  language: z.string().optional(),
  cwe: z.string().optional(),
  prompt: z.string().optional(),
  ownTests: z.boolean().default(false),
  timeoutSeconds: z.number().min(1).max(600).optional(),
});

interface Judging {
  readonly tests: Readonly<Record<string, string>>;
  readonly controls: readonly Control[];
  readonly timeMs?: number;
}

const WORDS: JudgeWords = {
  function: 'the tests tests/function.* of each task, executed in the sandbox',
  security: 'the tests tests/security.* of each task, executed in the sandbox',
};

/**
 * A folder of tasks with tests: the user's own suite, and the smoke set. Each task is a folder with `task.yml` (`target`, and
 * where wanted `language`, `cwe`, `prompt`, `ownTests`, `timeoutSeconds`), `workspace/` (the target has the marker),
 * `tests/function.*` and `tests/security.*` (see `runTestProgram`), and, to try the judge, `secure.*` and `insecure.*`:
 * code for the marker's place.
 */
export async function loadFolderSuite(folder: string, context: SuiteContext, about: { name: string; title: string } = { name: 'folder', title: path.basename(folder) }): Promise<Suite> {
  const names = await foldersIn(folder);
  if (names.length === 0) throw new ExpectedError('no-data', `There are no tasks in ${folder}.`, 'Name a folder that has one folder for each task with --data DIR; docs/evaluation.md shows one.');
  const tasks: EvalTask[] = [];
  const judging = new Map<string, Judging>();
  const problems: TaskProblem[] = [];
  for (const name of names) {
    try {
      const { task, judge } = await readTask(path.join(folder, name), name);
      tasks.push(task);
      judging.set(name, judge);
    } catch (error) {
      problems.push({ id: name, reason: messageOf(error).split('\n')[0] ?? '' });
    }
  }
  return {
    ...about,
    words: WORDS,
    tasks,
    problems,
    judge: (task, program, signal) => judgeByTests(task, program, judging.get(task.id), context, signal),
    controls: (task) => judging.get(task.id)?.controls ?? [],
  };
}

/** Runs a task's `function.*` and `security.*` on its workspace with the program in it. */
export async function judgeByTests(task: EvalTask, program: string, judging: Judging | undefined, context: SuiteContext, signal: AbortSignal): Promise<Judgement> {
  const tests = judging?.tests ?? {};
  const files = {
    ...Object.fromEntries(Object.entries({ ...task.workspace, [task.target]: program }).map(([name, text]) => [`${WORKSPACE}/${name}`, text])),
    ...Object.fromEntries(Object.entries(tests).map(([name, text]) => [`${JUDGE}/${name}`, text])),
  };
  const facet = async (name: string): Promise<Said> => {
    const file = Object.keys(tests).find((f) => new RegExp(`^${name}(?:_test)?\\.\\w+$`).test(f));
    if (!file) return { status: 'unavailable', reason: `the task has no tests/${name}.*` };
    return runTestProgram(file, files, { ...context, signal, ...(judging?.timeMs === undefined ? {} : { timeMs: judging.timeMs }) });
  };
  return { function: await facet('function'), security: await facet('security') };
}

async function readTask(folder: string, id: string): Promise<{ task: EvalTask; judge: Judging }> {
  const text = await readFile(path.join(folder, 'task.yml'), 'utf8').catch(() => {
    throw new Error('it has no task.yml');
  });
  const parsed = TaskFile.safeParse(parse(text));
  if (!parsed.success) throw new Error(`task.yml: ${parsed.error.issues.map((i) => `${i.path.join('.')}: ${i.message}`).join('; ')}`);
  const about = parsed.data;
  const workspace = await filesBelow(path.join(folder, 'workspace'));
  const document = workspace[about.target];
  if (document === undefined) throw new Error(`workspace/${about.target} is not there`);
  const place = withoutMarker(document);
  const tests = await filesBelow(path.join(folder, 'tests'));
  if (!Object.keys(tests).some((f) => /^(?:function|security)(?:_test)?\.\w+$/.test(f))) throw new Error('it has neither tests/function.* nor tests/security.*');
  const language = about.language ? canonicalLanguage(about.language) : languageOfPath(about.target);
  const cwe = about.cwe === undefined ? undefined : normalizeCwe(about.cwe);
  if (about.cwe !== undefined && cwe === undefined) throw new Error(`"${about.cwe}" is no CWE id`);
  const task: EvalTask = {
    id, language, target: about.target, workspace: { ...workspace, [about.target]: place.text }, ...place, ownTests: about.ownTests,
    ...(cwe === undefined ? {} : { cwe }),
    ...(about.prompt === undefined ? {} : { prompt: about.prompt }),
  };
  const controls: Control[] = [];
  for (const [name, security] of [['secure', 'pass'], ['insecure', 'fail']] as const) {
    const code = await readFile(path.join(folder, `${name}.${extensionFor(language, about.target)}`), 'utf8').catch(() => undefined);
    if (code !== undefined) controls.push({ name, program: completed(task, code), expect: { function: 'pass', security } });
  }
  return { task, judge: { tests, controls, ...(about.timeoutSeconds === undefined ? {} : { timeMs: about.timeoutSeconds * 1000 }) } };
}

/** The document with code in the marker's place. */
export function completed(task: Pick<EvalTask, 'text' | 'offset'>, code: string): string {
  return applyEdits(task.text, [{ start: task.offset, end: task.offset, text: code.replace(/\n$/, '') }]);
}
