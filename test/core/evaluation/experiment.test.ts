import assert from 'node:assert/strict';
import { parseArm } from '../../../src/core/evaluation/arm.ts';
import { type Completed, type ExperimentOptions, runExperiment, type Workbench } from '../../../src/core/evaluation/experiment.ts';
import { Recorder } from '../../../src/core/evaluation/recording.ts';
import { NO_HITS, type SampleResult } from '../../../src/core/evaluation/results.ts';
import type { EvalTask, Suite } from '../../../src/core/evaluation/suite.ts';
import { summarize } from '../../../src/core/evaluation/summary.ts';
import { tune } from '../../../src/core/evaluation/tune.ts';
import { ExpectedError } from '../../../src/core/errors.ts';
import { ModelError } from '../../../src/core/llm/model.ts';

const task = (id: string, group?: string): EvalTask => ({ id, language: 'python', workspace: {}, target: 'a.py', text: '', offset: 0, ownTests: false, cwe: 'CWE-89', ...(group ? { group } : {}) });
const good: Completed = { first: 'good', shown: 'good', attempts: 1, tool: { first: { security: 'pass', function: 'pass', found: [] }, shown: { security: 'pass', function: 'pass', found: [] } }, hits: NO_HITS, ms: { retrieve: 1, generate: 1, verify: 1 } };

function experiment(o: { complete?: (task: EvalTask, sample: number, notes: readonly string[]) => Completed; judge?: Suite['judge']; tasks?: EvalTask[]; samples?: number; arms?: string[]; keep?: () => Promise<void> } = {}) {
  const tasks = o.tasks ?? [task('t1'), task('t2'), task('t3')];
  const events: string[] = [];
  const kept: SampleResult[] = [];
  const problems: string[] = [];
  const recorder = new Recorder({ name: 'm', origin: 't', store: { get: () => undefined, keep: () => Promise.resolve(), ensureWritable: () => undefined }, hash: (t) => t, normalize: (t) => t, temperature: 0.2, maxTokens: 10, jobs: 1, sleep: () => Promise.resolve(), clock: () => 0 });
  const options: ExperimentOptions = {
    suite: { name: 's', title: 'S', words: { function: 'f', security: 's' }, tasks, problems: [], judge: o.judge ?? ((_, program) => Promise.resolve({ function: { status: 'pass' }, security: { status: program === 'good' ? 'pass' : 'fail' } })), controls: () => [] },
    tasks, arms: (o.arms ?? ['safenote']).map(parseArm), samples: o.samples ?? 2, recorder,
    log: { result: (arm, id, sample) => kept.findLast((r) => r.arm === arm && r.task === id && r.sample === sample), keep: (r) => { kept.push(r); return o.keep?.() ?? Promise.resolve(); } },
    open: (arm, group): Promise<Workbench> => {
      const notes: string[] = [];
      let seen: string[] = [];
      events.push(`open ${arm.name} ${group}`.trim());
      return Promise.resolve({
        learned: () => false,
        begin: (t) => { seen = [...notes]; events.push(`begin ${t.id}`); return Promise.resolve(); },
        complete: (t, s) => { events.push(`complete ${t.id} ${s} knowing ${seen.join('+') || 'nothing'}`); return Promise.resolve((o.complete ?? (() => good))(t, s, seen)); },
        learn: (t) => { notes.push(t.id); events.push(`learn ${t.id}`); return Promise.resolve([]); },
        dispose: () => { events.push('close'); return Promise.resolve(); },
      });
    },
    jobs: 1, judges: 2, signal: new AbortController().signal, onProblem: (where, what) => problems.push(`${where}: ${what}`),
  };
  return { options, events, kept, problems, recorder };
}

describe('experiment', () => {
  it('takes tasks in their order: each sees what the earlier ones taught, and no sample sees its own task', async () => {
    const { options, events } = experiment();
    const report = await runExperiment(options);
    assert.equal(report.open, 0);
    assert.deepEqual(events, ['open safenote', 'begin t1', 'complete t1 0 knowing nothing', 'complete t1 1 knowing nothing', 'learn t1', 'begin t2', 'complete t2 0 knowing t1', 'complete t2 1 knowing t1', 'learn t2', 'begin t3', 'complete t3 0 knowing t1+t2', 'complete t3 1 knowing t1+t2', 'learn t3', 'close']);
  });

  it('gives each family a notebook of its own', async () => {
    const { options, events } = experiment({ tasks: [task('a/1', 'a'), task('b/1', 'b'), task('a/2', 'a')], samples: 1 });
    await runExperiment(options);
    assert.deepEqual(events.filter((e) => e.startsWith('complete')), ['complete a/1 0 knowing nothing', 'complete a/2 0 knowing a/1', 'complete b/1 0 knowing nothing']);
  });

  it('does what is missing, and nothing else', async () => {
    const { options, events, kept } = experiment({ arms: ['plain'] });
    await runExperiment(options);
    kept.splice(2, 1);
    events.length = 0;
    await runExperiment(options);
    assert.deepEqual(events, ['open plain', 'begin t2', 'complete t2 0 knowing nothing', 'close']);
    events.length = 0;
    await runExperiment(options);
    assert.deepEqual(events, []);
  });

  it('marks what gives no program as failing, what has no answer as open, and goes on', async () => {
    const { options, kept } = experiment({
      arms: ['plain'], samples: 1,
      complete: (t) => {
        if (t.id === 't1') throw new ModelError('model-no-code', 'only prose', 'x');
        if (t.id === 't2') throw new ExpectedError('disk-full', 'the disk is full', 'free some');
        return good;
      },
    });
    const report = await runExperiment(options);
    assert.deepEqual(kept.map((r) => [r.task, r.status, r.reason ?? '']), [['t1', 'no-program', 'only prose'], ['t2', 'error', 'the disk is full'], ['t3', 'judged', '']]);
    assert.equal(report.open, 1);
    const { main, counts } = summarize({ tasks: [{ id: 't1', language: 'p', seen: true }, { id: 't2', language: 'p', seen: true }, { id: 't3', language: 'p', seen: true }], arms: ['plain'], samples: 1, results: report.results, lessons: new Map() });
    assert.equal(main[0]?.values[0]?.value?.mean, 0.5, 'the open one counts nowhere');
    assert.deepEqual([counts[0]?.noProgram, counts[0]?.errors, counts[0]?.judged], [1, 1, 1]);
  });

  it('goes on when a judge breaks, with the reason', async () => {
    const { options, problems } = experiment({ arms: ['plain'], samples: 1, judge: (t) => (t.id === 't2' ? Promise.reject(new Error('no compiler')) : Promise.resolve({ function: { status: 'pass' }, security: { status: 'pass' } })) });
    const { results } = await runExperiment(options);
    assert.deepEqual(results.find((r) => r.task === 't2')?.shown.security, { status: 'unavailable', reason: 'the judge failed: no compiler' });
    assert.equal(results.filter((r) => r.shown.security.status === 'pass').length, 2);
    assert.equal(problems.length, 1);
  });

  it('keeps running when results cannot be written, and says so', async () => {
    const { options, problems } = experiment({ arms: ['plain'], samples: 1, keep: () => Promise.reject(new Error('the disk is full')) });
    const { results } = await runExperiment(options);
    assert.equal(results.length, 3);
    assert.match(problems[0] ?? '', /could not be written: the disk is full/);
  });

  it('ends when the recorder has stopped, without calling anything a result', async () => {
    const made = experiment({ samples: 1, complete: (t) => { if (t.id === 't2') { made.recorder.stopped = new ExpectedError('budget', 'spent', 'more'); throw made.recorder.stopped; } return good; } });
    const report = await runExperiment(made.options);
    assert.equal(report.stopped?.code, 'budget');
    assert.deepEqual(report.results.map((r) => r.task), ['t1']);
    assert.equal(report.open, 2);
    assert.ok(!made.events.includes('learn t2'));
    assert.equal(made.events.at(-1), 'close');
  });

  it('counts security only where somebody judges it: what fails must not stand for a task that has no security tests', () => {
    const unknown = { status: 'unavailable', reason: 'no security tests' } as const;
    const result = (id: string, sample: number, works: boolean, security: 'pass' | 'fail' | undefined): SampleResult => {
      const said = { function: { status: works ? ('pass' as const) : ('fail' as const) }, security: security ? { status: security } : unknown };
      return { arm: 'plain', task: id, sample, status: 'judged', first: said, shown: said, attempts: 1, hits: NO_HITS, usage: { requests: 0, tokens: { prompt: 0, completion: 0 }, byPurpose: {} }, ms: good.ms };
    };
    const results = [result('without', 0, true, undefined), result('without', 1, false, undefined), result('with', 0, true, 'pass'), result('with', 1, true, 'fail')];
    const { main } = summarize({ tasks: [{ id: 'without', language: 'p', seen: true }, { id: 'with', language: 'p', seen: true }], arms: ['plain'], samples: 2, results, lessons: new Map() });
    const value = (metric: string) => main[0]?.values.find((v) => v.metric === metric)?.value;
    assert.deepEqual([value('securePass@1')?.mean, value('securePass@1')?.tasks], [0.5, 1]);
    assert.deepEqual([value('secureRate')?.mean, value('secureRate')?.tasks], [0.5, 1]);
    assert.deepEqual([value('pass@1')?.mean, value('pass@1')?.tasks], [0.75, 2]);
  });

  it('chooses the fewest notes of the best, and says when it is only chance', () => {
    const result = (arm: string, id: string, ok: boolean): SampleResult => ({ arm, task: id, sample: 0, status: 'judged', first: { function: { status: 'pass' }, security: { status: 'pass' } }, shown: { function: { status: 'pass' }, security: { status: ok ? 'pass' : 'fail' } }, attempts: 1, hits: NO_HITS, usage: { requests: 0, tokens: { prompt: 0, completion: 0 }, byPurpose: {} }, ms: good.ms });
    const arms = ['safenote', 'safenote k=2', 'safenote k=4', 'plain'];
    const results = Array.from({ length: 20 }, (_, n) => [result('safenote', `t${n}`, n < 8), result('safenote k=2', `t${n}`, n < 14), result('safenote k=4', `t${n}`, n < 14), result('plain', `t${n}`, true)]).flat();
    const tuned = tune(results, arms);
    assert.equal(tuned.best.arm, 'safenote k=2');
    assert.deepEqual(tuned.best.settings, { k: 2, securityNotebook: true, functionNotebook: true });
    assert.ok(tuned.gain && Math.abs(tuned.gain.mean - 0.3) < 1e-9 && tuned.gain.low > 0);
    assert.throws(() => tune(results, ['plain', 'safenote']), /fewer than two arms/);
  });
});
