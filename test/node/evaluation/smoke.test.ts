import assert from 'node:assert/strict';
import { cpSync, existsSync, mkdtempSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { type Arm, MAIN_ARMS, parseArm } from '../../../src/core/evaluation/arm.ts';
import { type SampleResult } from '../../../src/core/evaluation/results.ts';
import { checkControls, type Suite } from '../../../src/core/evaluation/suite.ts';
import { SILENT } from '../../../src/core/log.ts';
import { DEFAULT_SETTINGS } from '../../../src/core/settings.ts';
import { type EvaluationOptions, evaluate, rebuildNotebook } from '../../../src/node/evaluation/evaluation.ts';
import { readNotes } from '../../../src/node/evaluation/notebook-journal.ts';
import { readRun, writeReport } from '../../../src/node/evaluation/report-files.ts';
import { SuiteContext } from '../../../src/node/evaluation/suites/context.ts';
import { loadSuite } from '../../../src/node/evaluation/suites/index.ts';
import { Toolbox } from '../../../src/node/evaluation/toolbox.ts';
import { OpenAiModel } from '../../../src/node/llm/openai-model.ts';
import { onPath, Sandbox } from '../../../src/node/sandbox/box.ts';
import { type ScriptedServer, SCRIPTED_MODEL, startScriptedModel } from '../../model/scripted.ts';
import { SMOKE, smokeAnswers } from './smoke-model.ts';

const DIST = path.resolve('dist');
const signal = new AbortController().signal;

describe('smoke set of the evaluation', function () {
  this.timeout(300_000);
  let root: string;
  let server: ScriptedServer;
  let suite: Suite;
  // The teacher are the built-in rules alone: Semgrep would only take time here.
  const env = { ...process.env, SAFENOTE_SEMGREP: '/nonexistent/semgrep' };
  const run = () => path.join(root, 'run');
  const ARMS: readonly Arm[] = [...MAIN_ARMS, parseArm('safenote security=off')];
  const options = (o: Partial<EvaluationOptions> = {}): EvaluationOptions => ({
    assetsRoot: DIST, folder: run(), how: 'new', version: 'test', suite, data: SMOKE, tasks: suite.tasks, arms: ARMS, samples: 2, temperature: 0.2, maxTokens: 4096, unseen: ['CWE-22'],
    settings: DEFAULT_SETTINGS, changed: {}, model: new OpenAiModel({ endpoint: { baseUrl: server.url }, model: SCRIPTED_MODEL }), jobs: 4, env: { ...env, SAFENOTE_HOME: path.join(root, 'home') }, log: SILENT, signal, ...o,
  });

  before(async function () {
    const box = new Sandbox(env);
    const state = await box.state();
    const missing = (await Promise.all(['python3', 'node', 'gcc'].map(async (name) => ((await onPath(name, env)) ? [] : [name])))).flat();
    if (!state.available || missing.length > 0) {
      return this.skip();
    }
    root = mkdtempSync(path.join(tmpdir(), 'safenote-smoke-'));
    suite = await loadSuite('folder', SMOKE, new SuiteContext({ box, toolbox: new Toolbox(env), env }));
    // Every program is really judged, once in this file: the references and the runs have most of them in common.
    const { judge } = suite;
    const judged = new Map<string, ReturnType<typeof judge>>();
    suite = {
      ...suite,
      judge: (task, program, s) => {
        const key = `${task.id}\n${program}`;
        const known = judged.get(key) ?? judge(task, program, s);
        judged.set(key, known);
        return known;
      },
    };
    server = await startScriptedModel(smokeAnswers());
  });
  after(async () => {
    await server?.close();
    if (root) rmSync(root, { recursive: true, force: true });
  });

  it('has twelve tasks in three languages whose references hold; a verifier that is no verifier is caught', async () => {
    assert.deepEqual(suite.problems, []);
    assert.equal(suite.tasks.length, 12);
    assert.equal(new Set(suite.tasks.map((t) => t.language)).size, 3);
    const good = await checkControls(suite, { signal, jobs: 2 });
    assert.deepEqual(good.filter((r) => r.status !== 'holds').map((r) => `${r.task} ${r.control}: ${r.reason}`), []);
    assert.equal(good.length, 24);

    const pass = { status: 'pass' } as const;
    const yes = await checkControls({ ...suite, judge: () => Promise.resolve({ function: pass, security: pass }) }, { signal, jobs: 2 });
    assert.equal(yes.filter((r) => r.status === 'broken').length, 12, 'a judge that passes everything is caught by every insecure reference');
    const blind = await checkControls({ ...suite, judge: async (task, program, s) => ({ ...(await suite.judge(task, program, s)), security: pass }) }, { signal, jobs: 2 });
    assert.deepEqual(blind.filter((r) => r.status === 'broken').map((r) => r.control), Array.from({ length: 12 }, () => 'insecure'), 'so is one that is blind to security alone');
    const no = await checkControls({ ...suite, judge: () => Promise.resolve({ function: { status: 'fail' }, security: { status: 'fail' } }) }, { signal, jobs: 2 });
    assert.equal(no.filter((r) => r.status === 'broken').length, 24);
    const silent = await checkControls({ ...suite, judge: () => Promise.resolve({ function: { status: 'unavailable', reason: 'x' }, security: { status: 'unavailable', reason: 'x' } }) }, { signal, jobs: 2 });
    assert.ok(silent.every((r) => r.status === 'unavailable'), 'silence is no pass');
  });

  it('gives the numbers that were worked out by hand', async () => {
    const problems: string[] = [];
    const outcome = await evaluate(options({ onProblem: (where, what) => problems.push(`${where}: ${what}`) }));
    assert.deepEqual(problems, []);
    assert.equal(outcome.open, 0);
    assert.equal(outcome.stopped, undefined);
    const { summary, notes } = readRun(run());
    const value = (arm: string, metric: string, rows = summary.main) => {
      const of24 = (rows.find((r) => r.arm === arm)?.values.find((v) => v.metric === metric)?.value?.mean ?? Number.NaN) * 24;
      assert.ok(Math.abs(of24 - Math.round(of24)) < 1e-9, `${arm} ${metric}: ${of24} of 24`);
      return Math.round(of24);
    };
    // answers.yml, row by row, with two samples a task: 24 samples an arm. What works and is secure:
    // plain     0 0 1 0 2 0 0 0 2 0 0 1 = 6 (the prose of c-new-table and the broken c-log-line are neither)
    // reminder  2 1 2 0 2 0 2 1 2 2 0 2 = 16
    // rescue    0 0 2 1 2 1 2 0 2 2 0 2 = 14
    // safenote  the retry saves both of py-member-by-name, its note both of py-orders-by-city; js-run-report fails again: 14 + 4 = 18
    // security=off: the same by two retries
    assert.deepEqual(ARMS.map((a) => value(a.name, 'securePass@1')), [6, 16, 14, 18, 18]);
    // What works: all but two in plain (prose, broken), all but one where py-read-page is broken
    assert.deepEqual(ARMS.map((a) => value(a.name, 'pass@1')), [22, 24, 23, 23, 23]);
    // secure: as above, because what is broken here fails its security test too
    assert.deepEqual(ARMS.map((a) => value(a.name, 'secureRate')), [6, 16, 14, 18, 18]);
    // before any retry: guided answers, and for safenote the two that a note made right
    assert.deepEqual(ARMS.map((a) => value(a.name, 'securePass@1', summary.firstAnswers)), [6, 16, 14, 16, 14]);
    // given that it works: plain 1 of 2 in py-count-lines, 2 of 2 twice, 1 of 1 in c-log-line, else 0; c-new-table 0 of 1: 3.5 of 12
    assert.ok(Math.abs((summary.main[0]?.values.find((v) => v.metric === 'secureGivenPass@1')?.value?.mean ?? 0) - 3.5 / 12) < 1e-9);

    const difference = summary.differences.find((d) => d.from === 'plain' && d.to === 'safenote' && d.metric === 'securePass@1');
    assert.ok(difference && Math.abs(difference.value.mean - 12 / 24) < 1e-9 && difference.clear, JSON.stringify(difference));
    const same = summary.differences.find((d) => d.from === 'safenote security=off' && d.metric === 'securePass@1');
    assert.deepEqual([same?.value.mean, same?.clear], [0, false]);
    assert.equal(summary.unseen[0]?.values.length, 4);
    assert.equal(summary.counts[0]?.noProgram, 1);
    assert.ok(notes > 0);
    assert.equal(summary.hits.find((h) => h.arm === 'safenote')?.securityRight, 2 + 0, 'both samples of py-orders-by-city, and no other, have a note of their weakness');
    // Its own check passes what the judge fails: js-merge-options and c-new-table, and more in plain.
    const check = summary.agreement.find((a) => a.arm === 'plain' && a.facet === 'security');
    assert.ok(check && check.missed > 0 && check.bothFail > 0);
  });

  it('never shows a task what it has taught itself, and can rebuild the notebook of any point', async () => {
    const results = readResults();
    const first = results.filter((r) => r.arm === 'safenote' && r.task === 'py-member-by-name');
    assert.ok(first.every((r) => r.hits.securityNotes.length === 0 && r.attempts === 2));
    const at = async (before?: string) => {
      const to = path.join(root, `notebook-${before ?? 'end'}`);
      const notes = await rebuildNotebook(run(), 'safenote', { ...(before === undefined ? {} : { before }), to });
      return { notes, files: await readNotes(to) };
    };
    const order = suite.tasks.map((t) => t.id);
    const after = (id: string) => at(order[order.indexOf(id) + 1]);
    assert.equal((await at(order[0])).notes, 0);
    assert.equal((await at('js-run-report')).notes, 0);
    assert.equal((await after('js-run-report')).notes, 1, 'four failures of a kind are one note');
    const afterSql = await after('py-member-by-name');
    assert.equal(afterSql.notes, 2);
    const sql = Object.entries(afterSql.files).find(([name]) => name.includes('cwe-89'))?.[1] ?? '';
    assert.match(sql, /frequency: 2/);
    assert.match(sql, /## Secure example/);
    assert.deepEqual((await at()).files, await readNotes(path.join(run(), 'benches', 'safenote', 'workspace')));
    await assert.rejects(rebuildNotebook(run(), 'safenote', { before: 'nothing', to: root }), /no task "nothing"/);
  });

  it('replays without a model and says the same; a request that was not recorded stops it loudly', async () => {
    const before = readRun(run()).summary;
    const { model: _, ...rest } = options({ how: 'replay', arms: [parseArm('plain'), parseArm('safenote')] });
    const asked = server.requests.length;
    const again = await evaluate(rest);
    assert.equal(again.stopped, undefined);
    assert.equal(again.open, 0);
    assert.equal(server.requests.length, asked);
    const both = <T extends { readonly arm: string }>(rows: readonly T[]) => rows.filter((r) => r.arm === 'plain' || r.arm === 'safenote');
    assert.deepEqual(readRun(again.folder).summary.main, both(before.main));
    assert.deepEqual(readRun(again.folder).summary.hits, both(before.hits));

    const other = path.join(root, 'other');
    cpSync(run(), other, { recursive: true });
    const lines = readFileSync(path.join(other, 'answers.jsonl'), 'utf8').split('\n').filter(Boolean);
    writeFileSync(path.join(other, 'answers.jsonl'), lines.slice(3).join('\n'));
    const missed = await evaluate({ ...rest, folder: other, arms: MAIN_ARMS.slice(0, 1) });
    assert.equal(missed.stopped?.code, 'replay-miss');
    assert.ok(missed.open > 0);
  });

  it('resumes after a kill and asks nothing twice', async () => {
    const cut = path.join(root, 'cut');
    cpSync(run(), cut, { recursive: true });
    rmSync(path.join(cut, 'replay'), { recursive: true, force: true });
    // As a kill leaves it: half of the results gone, the last line torn, the notebook's journal short of its last tasks.
    const file = path.join(cut, 'results.jsonl');
    truncateSync(file, Math.floor(readFileSync(file).length / 2));
    const journal = path.join(cut, 'benches', 'safenote', 'journal.jsonl');
    const entries = readFileSync(journal, 'utf8').split('\n').filter(Boolean);
    writeFileSync(journal, `${entries.slice(0, 4).join('\n')}\n{"task": "torn`);
    const asked = server.requests.length;
    const outcome = await evaluate(options({ folder: cut, how: 'resume', arms: [parseArm('rescue'), parseArm('safenote')] }));
    assert.equal(outcome.open, 0);
    assert.equal(server.requests.length, asked, 'every answer was recorded');
    const resumed = (folder: string) => readRun(folder).summary.main.filter((r) => r.arm === 'rescue' || r.arm === 'safenote');
    assert.deepEqual(resumed(cut), resumed(run()));
    const undated = async (folder: string) => Object.entries(await readNotes(path.join(folder, 'benches', 'safenote', 'workspace'))).map(([name, text]) => [name, text.replace(/^(?:created|updated): .*$/gm, '')]);
    assert.deepEqual(await undated(cut), await undated(run()));
    await assert.rejects(evaluate(options({ folder: cut, how: 'resume', samples: 3 })), /other options: samples/);
    await assert.rejects(evaluate(options({ folder: cut })), /has a run already/);
  });

  it('writes a report that says who judges, in Markdown and in one page without a script', async () => {
    const report = await writeReport(run(), DIST, { prompt: 1, completion: 2 });
    const html = readFileSync(report.html, 'utf8');
    for (const text of [report.text, html]) {
      assert.match(text, /The judge is independent/);
      for (const heading of ['Main table', 'Differences between modes', 'First answers', 'Seen and unseen weaknesses', 'Ablation of the notebooks', 'The notebook', 'Cost of a task', 'What was judged']) assert.ok(text.includes(heading), heading);
      assert.ok(text.includes('The model answered in prose, without code.'));
    }
    assert.ok(!/<script|https?:\/\/(?!www\.w3\.org)|@import|url\(/.test(html), 'the page is whole');
    assert.ok((html.match(/<svg/g) ?? []).length >= 4);
    assert.ok(existsSync(report.json));
  });

  const readResults = (): SampleResult[] => readFileSync(path.join(run(), 'results.jsonl'), 'utf8').split('\n').filter(Boolean).map((line) => JSON.parse(line) as SampleResult);
});
