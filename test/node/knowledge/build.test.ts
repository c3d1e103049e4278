import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync } from 'node:fs';
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { ModelError } from '../../../src/core/llm/model.ts';
import { SILENT } from '../../../src/core/log.ts';
import type { BuildTask } from '../../../src/core/notebook/offline-build.ts';
import { DEFAULT_SETTINGS } from '../../../src/core/settings.ts';
import { App } from '../../../src/node/app.ts';
import { NotebookBuild } from '../../../src/node/knowledge/build.ts';
import { OpenAiModel } from '../../../src/node/llm/openai-model.ts';
import type { Conversation } from '../../model/conversation.ts';
import { type ReplayServer, startReplayModel } from '../../model/server.ts';

const DIST = path.resolve('dist');
const signal = new AbortController().signal;
const LIMIT = 40;
const LANGUAGES = ['python', 'javascript', 'java'];

/** A model that answers every other task as the library's vulnerable side does. */
function recordings(tasks: readonly BuildTask[]): Conversation[] {
  const task = ({ sample }: BuildTask, n: number): Conversation['tasks'][number] => ({
    name: `t${n}`, file: 'none', given: sample.description, asked: sample.description, closing: '',
    answers: [
      { kind: 'completion', code: n % 2 === 0 ? sample.vulnerable : sample.secure },
      { kind: 'correction-guide', text: `1. ${sample.cwe}: what was written here lets outside data decide.\n2. Write it as the secure example does.` },
      { kind: 'security-warning', text: `WARNING: ${sample.cwe} was met where another weakness was looked for.` },
    ],
  });
  return tasks.map((t, n) => ({ title: t.key, language: t.sample.language as 'python', lesson: 'not used by these recordings', warning: 'not used by these recordings, which have no warning', tasks: [task(t, n)] }));
}

describe('offline construction against the replay model', function () {
  // Forty tasks with the real embedder: minutes on a busy machine.
  this.timeout(120_000);
  let base: string;
  let app: App;
  let servers: ReplayServer[] = [];
  const env = () => ({ ...process.env, SAFENOTE_HOME: path.join(base, 'home'), SAFENOTE_SEMGREP: path.join(base, 'none') });
  const replay = async (o: { delayMs?: number } = {}) => {
    const nobody = new OpenAiModel({ endpoint: { baseUrl: 'http://127.0.0.1:9/v1' }, model: 'nobody' });
    const { tasks } = await NotebookBuild.prepare(app, nobody, { limit: LIMIT, languages: LANGUAGES });
    const server = await startReplayModel({ conversations: recordings(tasks), ...o });
    servers.push(server);
    return { server, model: new OpenAiModel({ endpoint: { baseUrl: server.url }, model: 'replay' }) };
  };
  const prepare = (model: OpenAiModel, limit = LIMIT) => NotebookBuild.prepare(app, model, { limit, languages: LANGUAGES });

  before(function () {
    if (!existsSync(path.join(DIST, 'analysis-worker.js'))) this.skip();
  });
  beforeEach(async () => {
    base = await mkdtemp(path.join(tmpdir(), 'safenote-build-'));
    await mkdir(path.join(base, 'workspace'));
    app = new App({ assetsRoot: DIST, workspaceFolder: path.join(base, 'workspace'), settings: () => DEFAULT_SETTINGS, trusted: () => true, model: () => Promise.reject(new ModelError('model-missing', 'none', 'none')), log: SILENT, semgrepWarm: false, env: env() });
  });
  afterEach(async () => {
    await app.dispose();
    await Promise.all(servers.map((s) => s.close()));
    servers = [];
    await rm(base, { recursive: true, force: true });
  });

  it('notes what the model got wrong, with correction guides and the secure slice, and passes the rest', async () => {
    const { server, model } = await replay();
    const build = await prepare(model, 16);
    const estimate = await build.estimate(signal);
    assert.deepEqual(estimate.requests, [16, 32]);
    assert.ok(estimate.promptTokens[0] > 16 * 300 && estimate.promptTokens[1] > estimate.promptTokens[0]);
    const seen: number[] = [];
    const report = await build.run({ signal, jobs: 3, onProgress: (p) => seen.push(p.done) });
    assert.deepEqual(seen, Array.from({ length: 16 }, (_, n) => n + 1));
    const failed = report.results.filter((r) => r.status === 'fail');
    assert.ok(failed.length >= 4, `${failed.length} failed`);
    // Odd tasks were answered with the secure side.
    const secure = new Set(build.tasks.filter((_, n) => n % 2 === 1).map((t) => t.key));
    assert.deepEqual(failed.filter((r) => secure.has(r.key)), []);
    const { notes } = await app.store.load();
    assert.ok(notes.length >= 4);
    for (const { note, quarantined } of notes) {
      assert.equal(note.origin, 'offline');
      assert.equal(note.model, 'replay');
      assert.equal(quarantined, false);
      assert.match(note.guidance, /^(1\. CWE|WARNING)/);
    }
    assert.ok(notes.some(({ note }) => note.secureExample && note.guidance.startsWith('1. CWE')));
    assert.equal(report.requests, server.requests.length);
    assert.match(readFileSync(report.markdown, 'utf8'), /\| Weakness \| java \| javascript \| python \| all \|/);
    assert.match(readFileSync(report.html, 'utf8'), /<div class="light"><svg [\s\S]*<\/svg>[\s\S]*<table>/);

    // Again: everything is done, nothing is asked.
    const again = await (await prepare(model, 16)).run({ signal, jobs: 3 });
    assert.equal(again.requests, 0);
    assert.equal(server.requests.length, report.requests);
    assert.deepEqual((await app.store.load()).notes.map((n) => n.note.frequency), notes.map((n) => n.note.frequency));
  });

  it('does not show a task its own sample', async () => {
    const { server, model } = await replay();
    const build = await prepare(model, 4);
    await build.run({ signal, jobs: 1 });
    for (const request of server.requests.filter((r) => r.kind === 'completion')) {
      const prompt = request.messages.map((m) => m.content).join('\n');
      const own = build.tasks.find((t) => prompt.includes(`# The task\n\n${t.sample.description}`));
      assert.ok(own);
      assert.ok(!prompt.includes(`Secure code of another task ("${own.sample.description}")`));
    }
  });

  it('survives a kill in the middle, goes on, and pays for no answer twice', async function () {
    if (!existsSync(path.join(DIST, 'cli.js'))) this.skip();
    this.timeout(180_000);
    const { server } = await replay({ delayMs: 20 });
    const cli = () =>
      spawn(process.execPath, [path.join(DIST, 'cli.js'), 'notebook', 'build', '--yes', '--json', '--jobs', '2', '--limit', String(LIMIT), '--language', LANGUAGES.join(','), '--workspace', path.join(base, 'workspace')], {
        env: { ...env(), SAFENOTE_BASE_URL: server.url, SAFENOTE_MODEL: 'replay' }, stdio: ['ignore', 'pipe', 'pipe'],
      });
    const first = cli();
    const ended = once(first, 'exit');
    while (server.requests.length < 25 && first.exitCode === null) await new Promise((resolve) => setTimeout(resolve, 5));
    first.kill('SIGKILL');
    await ended;
    const before = server.requests.length;
    assert.ok(before >= 25);

    const second = cli();
    let out = '';
    let err = '';
    second.stdout.on('data', (piece) => (out += String(piece)));
    second.stderr.on('data', (piece) => (err += String(piece)));
    await once(second, 'close');
    assert.equal(second.exitCode, 1, err);
    const report = JSON.parse(out) as { tasks: number; done: number; failed: number; requests: number; results: { notes: unknown[] }[] };
    assert.equal(report.done, LIMIT);
    // One task may have two weaknesses, and a guide for each.
    const asked = Map.groupBy(server.requests, (r) => `${r.kind} ${r.task}${r.kind === 'completion' ? '' : JSON.stringify(r.messages)}`);
    const repeated = [...asked].filter(([, list]) => list.length > 1);
    // What was on its way when the process died cannot have been kept: at most one a job.
    assert.ok(repeated.length <= 2, repeated.map(([name]) => name).join(', '));
    assert.ok(repeated.every(([, list]) => server.requests.indexOf(list[0]!) >= before - 4));
    assert.equal(server.requests.length - before, report.requests);
    const { notes, setAside } = await app.store.load();
    assert.deepEqual(setAside, []);
    assert.ok(notes.every((n) => n.note.guidance && !n.quarantined));
    // Each failure counts once.
    assert.equal(notes.reduce((sum, n) => sum + n.note.frequency, 0), report.results.reduce((sum, r) => sum + r.notes.length, 0));
  });

  it('ends with the reason when the key is wrong, and loses nothing', async () => {
    const { model, server } = await replay();
    let calls = 0;
    const failing: OpenAiModel = Object.create(model, { generate: { value: (...args: Parameters<OpenAiModel['generate']>) => (++calls > 3 ? Promise.reject(new ModelError('model-key', 'The server does not accept the key.', 'Set the right key.')) : model.generate(...args)) } }) as OpenAiModel;
    const report = await (await prepare(failing, 6)).run({ signal, jobs: 1 });
    assert.equal(report.stopped?.code, 'model-key');
    assert.ok(report.results.length >= 1 && report.results.length < 6);
    assert.match(readFileSync(report.markdown, 'utf8'), /does not accept the key/);
    const resumed = await (await prepare(model, 6)).run({ signal, jobs: 1 });
    assert.equal(resumed.results.length, 6);
    assert.equal(server.requests.length, 3 + resumed.requests);
  });

  it('stops on cancel and pauses at the gate', async () => {
    const { model, server } = await replay();
    const controller = new AbortController();
    let open = (): void => undefined;
    const gate = new Promise<void>((resolve) => (open = resolve));
    const running = (await prepare(model, 6)).run({ signal: controller.signal, jobs: 2, gate: () => gate });
    await app.parser.warmUp('python', signal);
    assert.equal(server.requests.length, 0);
    controller.abort(new DOMException('Cancelled.', 'AbortError'));
    open();
    await assert.rejects(running, { name: 'AbortError' });
    assert.equal(server.requests.length, 0);
  });

  it('says so when no task fits', () => assert.rejects(NotebookBuild.prepare(app, new OpenAiModel({ endpoint: { baseUrl: 'http://127.0.0.1:9/v1' }, model: 'm' }), { cwes: ['CWE-1'] }), /No task/));
});
