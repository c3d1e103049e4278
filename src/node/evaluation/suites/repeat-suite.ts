import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { parse } from 'yaml';
import * as z from 'zod';
import { normalizeCwe } from '../../../core/cwe.ts';
import { ExpectedError, messageOf } from '../../../core/errors.ts';
import type { Control, EvalTask, Suite, TaskProblem } from '../../../core/evaluation/suite.ts';
import { languageOfPath } from '../../../core/language.ts';
import type { SuiteContext } from './context.ts';
import { completed, judgeByTests } from './folder-suite.ts';
import { filesBelow, foldersIn, withoutMarker } from './files.ts';

const FamilyFile = z.strictObject({
  title: z.string(),
  /** What the model cannot see from the file. */
  trap: z.enum(['api', 'rule', 'test']),
  cwe: z.string().optional(),
});

/**
 * The repeat suite: families of similar tasks in one workspace with a trap that the completed file does not show. A family is
 * a folder with `family.yml` (`title`, `trap: api|rule|test`, `cwe`), `workspace/` (its API, house rules, whatever its tasks
 * share), and `tasks/t1`, `t2`, … in order. A task has `prompt.<ext>` (the file to complete, with the marker), `target` (one
 * line: the path of that file in the workspace), `tests/` (the judge: `function.*`, and `security.*` where there is something
 * to say), `own/` (files that the workspace has for this task, its own tests among them: the teacher), and `reference.<ext>` and
 * `obvious.<ext>`, code for the marker's place of which the first passes and the second fails.
 */
export async function loadRepeatSuite(folder: string, context: SuiteContext): Promise<Suite> {
  const families = await foldersIn(folder);
  if (families.length === 0) throw new ExpectedError('no-data', `There are no families in ${folder}.`, 'Name the folder of the repeat suite with --data DIR.');
  const tasks: EvalTask[] = [];
  const judging = new Map<string, { tests: Record<string, string>; controls: Control[] }>();
  const problems: TaskProblem[] = [];
  for (const family of families) {
    const at = path.join(folder, family);
    try {
      const about = FamilyFile.parse(parse(await readFile(path.join(at, 'family.yml'), 'utf8').catch(() => { throw new Error('it has no family.yml'); })));
      const shared = await filesBelow(path.join(at, 'workspace'));
      const names = await foldersIn(path.join(at, 'tasks'));
      if (names.length < 2) throw new Error('a family needs at least two tasks');
      for (const name of names) {
        const id = `${family}/${name}`;
        try {
          const { task, tests, controls } = await readTask(path.join(at, 'tasks', name), id, family, shared, about.cwe === undefined ? undefined : normalizeCwe(about.cwe));
          tasks.push(task);
          judging.set(id, { tests, controls });
        } catch (error) {
          problems.push({ id, reason: messageOf(error) });
        }
      }
    } catch (error) {
      problems.push({ id: family, reason: messageOf(error).split('\n')[0] ?? '' });
    }
  }
  return {
    name: 'repeat',
    title: 'Repeat suite',
    words: {
      function: "the tests tests/function.* of each task, executed in the sandbox; they are not the workspace's own tests, which teach",
      security: 'the tests tests/security.* of each task where it has some',
      caveat: 'A measure of this project: nobody else publishes it. The first task of a family is attempted with an empty notebook.',
    },
    tasks,
    problems,
    judge: (task, program, signal) => judgeByTests(task, program, judging.get(task.id), context, signal),
    controls: (task) => judging.get(task.id)?.controls ?? [],
  };
}

async function readTask(folder: string, id: string, group: string, shared: Readonly<Record<string, string>>, cwe: string | undefined): Promise<{ task: EvalTask; tests: Record<string, string>; controls: Control[] }> {
  const files = await filesBelow(folder);
  const target = files['target']?.trim();
  if (!target) throw new Error('it has no file "target" with the path of the file to complete');
  const extension = path.extname(target);
  const prompt = files[`prompt${extension}`];
  if (prompt === undefined) throw new Error(`it has no prompt${extension}`);
  const below = (name: string) => Object.fromEntries(Object.entries(files).flatMap(([file, text]) => (file.startsWith(`${name}/`) ? [[file.slice(name.length + 1), text]] : [])));
  const tests = below('tests');
  if (!Object.keys(tests).some((f) => /^function(?:_test)?\.\w+$/.test(f))) throw new Error('it has no tests/function.*');
  const place = withoutMarker(prompt);
  const own = below('own');
  const workspace = { ...shared, ...own, [target]: place.text };
  const ownTests = Object.keys(workspace).some((f) => /(?:^|\/)(?:test_[^/]*\.py|[^/]*_test\.(?:py|go)|[^/]*\.(?:test|spec)\.[cm]?[jt]s|tests?\/[^/]+\.[cm]?js|test[^/]*\.c)$/.test(f));
  const task: EvalTask = { id, group, language: languageOfPath(target), target, workspace, ...place, ownTests, ...(cwe === undefined ? {} : { cwe }) };
  const controls: Control[] = [];
  for (const [name, passes] of [['reference', true], ['obvious', false]] as const) {
    const code = files[`${name}${extension}`];
    if (code === undefined) throw new Error(`it has no ${name}${extension}`);
    const secured = Object.keys(tests).some((f) => f.startsWith('security'));
    controls.push({ name, program: completed(task, code), expect: passes ? { function: 'pass', ...(secured ? { security: 'pass' as const } : {}) } : { fails: true } });
  }
  return { task, tests, controls };
}
