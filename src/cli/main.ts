import { Command, CommanderError } from 'commander';
import { errorOutput, type Output } from './output.ts';
import type { GlobalOptions } from './session.ts';
import { build as buildNotebook, type BuildOptions } from './verbs/build.ts';
import { complete, type CompleteOptions } from './verbs/complete.ts';
import { doctor } from './verbs/doctor.ts';
import { withEval } from './verbs/eval.ts';
import * as knowledge from './verbs/knowledge.ts';
import * as marks from './verbs/marks.ts';
import * as notebook from './verbs/notebook.ts';
import * as sharing from './verbs/notebook-sharing.ts';
import * as transfer from './verbs/notebook-transfer.ts';
import { retrieve, type RetrieveOptions } from './verbs/retrieve.ts';
import { verify, type VerifyOptions } from './verbs/verify.ts';

declare const SAFENOTE_VERSION: string;

/** Runs a verb, prints what it says, sets the exit code. A reader that goes away (`| head`) is no fault. */
async function run(options: GlobalOptions, work: () => Promise<Output>): Promise<void> {
  let output: Output;
  try {
    output = await work();
  } catch (error) {
    output = errorOutput(error);
    if (options.verbose && error instanceof Error) process.stderr.write(`${error.stack ?? ''}\n`);
  }
  const failed = output.exitCode === 2 && typeof output.json === 'object' && output.json !== null && 'error' in output.json;
  process.exitCode = output.exitCode;
  if (options.json) process.stdout.write(`${JSON.stringify(output.json, null, 2)}\n`);
  else (failed ? process.stderr : process.stdout).write(output.text);
}

/** Options that every verb has. */
function withGlobals(command: Command): Command {
  return command
    .option('--json', 'print the result as JSON on stdout')
    .option('--workspace <dir>', 'whose notebook (default: the current folder)')
    .option('--verbose', 'say on stderr what happens');
}

function build(): Command {
  const program = new Command('safenote').description('Secure code completion that learns from its failures.').version(SAFENOTE_VERSION).exitOverride().configureOutput({ outputError: () => undefined });
  const verb = (parent: Command, name: string, description: string) => withGlobals(parent.command(name).description(description).exitOverride());

  verb(program, 'complete <file>', 'complete code at a place, checked before it is printed')
    .requiredOption('--line <n>', 'line, from 1')
    .requiredOption('--column <n>', 'column, from 1, in UTF-16 units')
    .option('--task <text>', 'what is to be written')
    .option('--mode <mode>', 'plain, rescue or safenote', 'safenote')
    .option('-k <n>', 'notes per notebook, 0 to 5')
    .option('--tests', "run the workspace's tests on the answer, in a sandbox")
    .option('--tests-command <command>', 'run this command instead of the runner that is found')
    .option('--edge-inputs', 'also try inputs that nobody thought of on typed functions (hypothesis, fast-check)')
    .option('--no-sandbox', 'run tests on a copy but outside of the sandbox: their code can do what you can')
    .option('--trust-notes', 'use notes and samples that nobody approved on this machine, as a build server does')
    .option('--dry-run', 'print what would be sent; needs no model')
    .action((file: string, options: CompleteOptions) => run(options, () => complete(file, options)));
  verb(program, 'verify <files...>', 'check whole files')
    .option('--analyzer <names>', 'builtin, semgrep, codeql, separated by commas; those named must run')
    .option('--tests', "also run the workspace's tests that reach each file, in a sandbox")
    .option('--tests-command <command>', 'run this command instead of the runner that is found')
    .option('--edge-inputs', 'also try inputs that nobody thought of on typed functions (hypothesis, fast-check)')
    .option('--no-sandbox', 'run tests on a copy but outside of the sandbox: their code can do what you can')
    .option('--trust-marks', 'count the false-positive marks of the workspace also where nobody approved them here')
    .option('--format <format>', 'text, json or sarif')
    .action((files: string[], options: VerifyOptions) => run({ ...options, json: options.json || (options.format !== undefined && options.format !== 'text') }, () => verify(files, options)));
  verb(program, 'retrieve', 'show what a request would retrieve, before the gate')
    .requiredOption('--language <language>', 'language of the code')
    .option('--task <text>', 'the task in words')
    .option('--code-file <file>', 'code to search with')
    .option('-k <n>', 'entries per list (default: 5)')
    .option('--trust-notes', 'use notes and samples that nobody approved on this machine, as a build server does')
    .action((options: RetrieveOptions) => run(options, () => retrieve(options)));

  const marked = program.command('marks').description('findings that are marked as false positives').exitOverride();
  verb(marked, 'list', 'list all marks').action((o: GlobalOptions) => run(o, () => marks.list(o)));
  verb(marked, 'approve [numbers...]', 'trust marks that came from elsewhere').option('--all', 'every mark').action((numbers: string[], o: GlobalOptions) => run(o, () => marks.approve(numbers, o)));
  verb(marked, 'remove [numbers...]', 'let the findings count again').option('--all', 'every mark').action((numbers: string[], o: GlobalOptions) => run(o, () => marks.remove(numbers, o)));

  const book = program.command('notebook').description('the notes of a workspace').exitOverride();
  verb(book, 'build', 'let the model solve the tasks of the knowledge base, and note what it gets wrong')
    .option('--cwe <ids>', 'only these weaknesses, separated by commas')
    .option('--language <names>', 'only these languages, separated by commas')
    .option('--limit <n>', 'at most so many tasks, spread over weaknesses and languages')
    .option('--jobs <n>', 'tasks at the same time (default: 4)')
    .option('--price <in,out>', 'price of a million prompt and completion tokens, for the estimate')
    .option('--estimate', 'say what it would ask for, and stop')
    .option('--fresh', 'forget what earlier builds of this model did')
    .option('--yes', 'begin without asking')
    .action((options: BuildOptions) => run(options, async () => buildNotebook(options)));
  verb(book, 'list', 'list all notes').action((o: GlobalOptions) => run(o, () => notebook.list(o)));
  verb(book, 'show <id>', 'show one note').option('--diff', 'only what changed since it was approved here').action((id: string, o: GlobalOptions & { diff?: boolean }) => run(o, () => notebook.show(id, o)));
  verb(book, 'mute <id>', 'keep a note but never use it').option('--reason <text>', 'why').option('--undo', 'use it again').action((id: string, o: GlobalOptions) => run(o, () => notebook.mute(id, o)));
  verb(book, 'approve [ids...]', 'trust notes that came from elsewhere').option('--all', 'every quarantined note').option('--author <who>', "every quarantined note that is this author's alone, as Git knows it").action((ids: string[], o: sharing.ApproveOptions) => run(o, () => sharing.approve(ids, o)));
  verb(book, 'import <source>', 'take in notes of a folder, a JSONL or a SARIF file; quarantined until approved').option('--format <format>', 'markdown, jsonl or sarif (default: by the name)').action((source: string, o: transfer.ImportOptions) => run(o, () => transfer.importInto(source, o)));
  verb(book, 'export [target]', 'write the notes in another form')
    .option('--format <format>', 'markdown, jsonl, pairs (training), preferences, agents (AGENTS.md) or copilot (default: by the name)')
    .option('--force', 'replace what is there')
    .action((target: string | undefined, o: transfer.ExportOptions) => run(o, () => transfer.exportFrom(target, o)));
  verb(book, 'share', 'put the notes under version control')
    .option('--merge-driver', 'also let Git merge notes by section (writes .git/config)')
    .option('--stop', 'take them out again')
    .option('--yes', 'begin without asking')
    .action((o: sharing.ShareOptions) => run(o, () => sharing.share(o)));
  verb(book, 'resolve [ids...]', 'put notes together that a merge left in two versions').option('--ours', 'where both changed the same, take our side').option('--theirs', 'take their side').action((ids: string[], o: sharing.ResolveOptions) => run(o, () => sharing.resolve(ids, o)));
  verb(book, 'merge-driver <base> <ours> <theirs> [path]', 'merge three versions of a note into the second file, as Git asks it').action((base: string, ours: string, theirs: string, name: string | undefined, o: GlobalOptions) => run(o, () => Promise.resolve(sharing.mergeDriver(base, ours, theirs, name ?? 'note.md'))));
  verb(book, 'split <id>', 'take tasks that were merged out of a note again, each into its own').option('--task <n...>', 'only these, counted from 1 as "notebook show" lists them').action((id: string, o: notebook.SplitOptions) => run(o, () => notebook.split(id, o)));
  verb(book, 'stats', 'count the notes, and say what became of each and what was done so far').action((o: GlobalOptions) => run(o, () => notebook.stats(o)));
  verb(book, 'check', 'check the note files and repair the index').action((o: GlobalOptions) => run(o, () => notebook.check(o)));

  const shelf = program.command('knowledge').description("the library, and the workspace's own shelf beside it").exitOverride();
  verb(shelf, 'import <file>', 'take pairs of vulnerable and secure code (JSONL) into the shelf').option('--describe', 'let the model describe pairs that have no description').action((file: string, o: GlobalOptions) => run(o, () => knowledge.importFile(file, o)));
  verb(shelf, 'list', 'list the shelf').option('--all', 'the library too').option('--cwe <id>', 'only this weakness').action((o: GlobalOptions) => run(o, () => knowledge.list(o)));
  verb(shelf, 'show <id>', 'show one sample').action((id: string, o: GlobalOptions) => run(o, () => knowledge.show(id, o)));
  verb(shelf, 'remove [ids...]', 'take samples off the shelf').option('--all', 'everything on it').action((ids: string[], o: GlobalOptions) => run(o, () => knowledge.remove(ids, o)));
  verb(shelf, 'approve [ids...]', 'trust samples that came from elsewhere').option('--all', 'every quarantined one').action((ids: string[], o: GlobalOptions) => run(o, () => knowledge.approve(ids, o)));
  withEval(verb, program.command('eval').description('does it help? experiments on suites of tasks, recorded and repeatable').exitOverride(), run);
  verb(program, 'doctor', 'say what is there and what is missing').action((o: GlobalOptions) => run(o, () => doctor(o)));
  return program;
}

async function main(argv: readonly string[]): Promise<void> {
  process.stdout.on('error', (error: NodeJS.ErrnoException) => process.exit(error.code === 'EPIPE' ? 0 : 2));
  try {
    await build().parseAsync([...argv]);
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error;
    if (error.exitCode === 0) return;
    process.exitCode = 2;
    const message = error.message.replace(/^error: /, '');
    if (argv.includes('--json')) process.stdout.write(`${JSON.stringify({ error: { code: 'usage', message, hint: 'See safenote --help.' } })}\n`);
    else process.stderr.write(`error: ${message}\nSee safenote --help.\n`);
  }
}

void main(process.argv);
