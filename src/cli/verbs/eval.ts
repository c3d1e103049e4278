import type { Command } from 'commander';
import type { Output } from '../output.ts';
import type { GlobalOptions } from '../session.ts';
import type { EvalRunOptions, SuiteOptions } from './eval/run.ts';

type Verb = (parent: Command, name: string, description: string) => Command;
type Run = (options: GlobalOptions, work: () => Promise<Output>) => Promise<void>;

/** The verbs of `safenote eval`. Their code is loaded when one is called. */
export function withEval(verb: Verb, book: Command, run: Run): void {
  const several = (value: string, before: readonly string[] | undefined) => [...(before ?? []), value];
  const look = () => import('./eval/look.ts');
  verb(book, 'run', 'run an experiment on a suite, record it, and write its report')
    .option('--suite <name>', 'cweval, codeguardplus, sallm, cyberseceval, livecodebench, humaneval, repeat or folder')
    .option('--data <dir>', "the suite's data")
    .option('--out <dir>', "the run's folder (default: safenote-eval)")
    .option('--modes <list>', 'arms to compare, separated by commas (default: plain,reminder,rescue,safenote)')
    .option('--arm <arm>', 'one more arm, such as "safenote k=3 security=off draft=always"; may be repeated', several)
    .option('--ablate', 'add safenote without each notebook')
    .option('--sweep-k', 'add safenote with k = 0 to 5')
    .option('--samples <n>', 'answers for each task and arm (default: 1)')
    .option('--temperature <t>', 'default: 0.2')
    .option('--max-tokens <n>', 'longest answer, in tokens (default: 4096)')
    .option('--unseen <cwes>', 'weaknesses that the knowledge base shall not know, separated by commas')
    .option('--notebook <dir>', 'a workspace whose notebook the run begins with (default: an empty one)')
    .option('--cwe <cwes>', 'only tasks of these weaknesses')
    .option('--language <names>', 'only tasks in these languages')
    .option('--limit <n>', 'at most so many tasks, spread over weaknesses')
    .option('--task <id>', 'only this task or family; may be repeated', several)
    .option('--set <name=value>', 'another setting, such as retrieval.minSimilarity=0.4; may be repeated', several)
    .option('--toolbox <dir>', 'a folder with what the judges need: venv/, node_modules/, gomod/, files/')
    .option('--judge-rules <path>', 'Semgrep rules that judge where a suite has no security tests')
    .option('--jobs <n>', 'requests at the same time (default: 4)')
    .option('--rpm <n>', 'requests a minute at most')
    .option('--budget <n>', 'stop before so many tokens are spent, or so much money where --price is given')
    .option('--price <in,out>', 'price of a million prompt and completion tokens')
    .option('--resume', 'go on with the run in --out; nothing is asked twice')
    .option('--replay', 'make the run in --out again from its recording, without a model and without a network')
    .action((o: EvalRunOptions) => run(o, async () => (await import('./eval/run.ts')).run(o)));
  verb(book, 'report <run>', 'write the report of a run again')
    .option('--price <in,out>', 'price of a million prompt and completion tokens')
    .action((folder: string, o: GlobalOptions & { price?: string }) => run(o, async () => (await look()).report(folder, o)));
  verb(book, 'compare <a> <b>', 'compare two runs of one suite')
    .action((a: string, b: string, o: GlobalOptions) => run(o, async () => (await look()).compare(a, b, o)));
  verb(book, 'tune <run>', 'choose k and the notebooks for the model of a run')
    .option('--write <file>', 'add the setting safenote.models to this settings file')
    .action((folder: string, o: GlobalOptions & { write?: string }) => run(o, async () => (await look()).tune(folder, o)));
  verb(book, 'suites [name]', 'list the suites, or the tasks of one')
    .option('--data <dir>', "the suite's data")
    .option('--check', 'run the references: does the judge say of them what is known?')
    .option('--toolbox <dir>', 'a folder with what the judges need: venv/, node_modules/, gomod/, files/')
    .option('--judge-rules <path>', 'Semgrep rules that judge where a suite has no security tests')
    .option('--jobs <n>', 'references at the same time (default: 2)')
    .action((name: string | undefined, o: SuiteOptions & { check?: boolean; jobs?: string }) => run(o, async () => (await look()).suites(name, o)));
  verb(book, 'notebook <run> <arm>', "rebuild an arm's notebook as it was at a point of the run")
    .option('--before <task>', 'as it was before this task (default: at the end)')
    .option('--group <family>', 'of this family of the repeat suite')
    .option('--to <dir>', 'the folder to write it to, as a workspace')
    .action((folder: string, arm: string, o: GlobalOptions & { before?: string; group?: string; to?: string }) => run(o, async () => (await look()).notebook(folder, arm, o)));
}
