import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { onPath, Sandbox } from '../../../src/node/sandbox/box.ts';
import { SCRIPTED_MODEL, type Scripted, type ScriptedRequest, type ScriptedServer, startScriptedModel } from '../../model/scripted.ts';
import { repeatAnswers, REPEAT } from './repeat-model.ts';
import { SMOKE, smokeAnswers } from './smoke-model.ts';

interface Ended {
  readonly code: number | null;
  readonly json: Readonly<Record<string, unknown>>;
  readonly stderr: string;
}

describe('safenote eval', function () {
  this.timeout(180_000);
  let root: string;
  const servers: ScriptedServer[] = [];

  before(async function () {
    if (!(await new Sandbox().state()).available || !(await onPath('python3', process.env))) this.skip();
    root = mkdtempSync(path.join(tmpdir(), 'safenote-eval-cli-'));
  });
  after(async () => {
    await Promise.all(servers.map((s) => s.close()));
    if (root) rmSync(root, { recursive: true, force: true });
  });

  const model = async (answer: (request: ScriptedRequest, before: number) => Scripted) => {
    const server = await startScriptedModel(answer);
    servers.push(server);
    return server;
  };
  const safenote = (args: readonly string[], url: string): Promise<Ended> =>
    new Promise((resolve, reject) => {
      const env: NodeJS.ProcessEnv = { ...process.env, SAFENOTE_BASE_URL: url, SAFENOTE_MODEL: SCRIPTED_MODEL, SAFENOTE_SEMGREP: '/nonexistent/semgrep', SAFENOTE_HOME: path.join(root, 'home') };
      const child = spawn(process.execPath, ['dist/cli.js', 'eval', ...args, '--json'], { env });
      let [stdout, stderr] = ['', ''];
      child.stdout.on('data', (piece: Buffer) => (stdout += piece.toString()));
      child.stderr.on('data', (piece: Buffer) => (stderr += piece.toString()));
      child.once('error', reject);
      child.once('close', (code) => {
        try {
          resolve({ code, json: JSON.parse(stdout) as Ended['json'], stderr });
        } catch {
          reject(new Error(`no JSON: ${stdout.slice(0, 200)} ${stderr.slice(0, 800)}`));
        }
      });
    });
  const DOWN = 'http://127.0.0.1:9/v1';

  it('stops at the budget, resumes, replays without a server, compares, tunes and rebuilds a notebook', async () => {
    const server = await model(smokeAnswers());
    const out = path.join(root, 'run');
    const choice = ['--suite', 'folder', '--data', SMOKE, '--task', 'py-member-by-name', '--task', 'py-orders-by-city', '--modes', 'plain,safenote', '--arm', 'safenote k=0', '--samples', '2', '--out', out];
    const stopped = await safenote(['run', ...choice, '--max-tokens', '400', '--budget', '1500'], server.url);
    assert.equal(stopped.code, 2);
    const error = stopped.json['error'] as { code: string; hint: string };
    assert.equal(error.code, 'budget');
    const spent = stopped.json['spent'] as { prompt: number; completion: number };
    assert.ok(spent.prompt + spent.completion <= 1500, JSON.stringify(spent));

    assert.equal((await safenote(['run', ...choice, '--max-tokens', '400'], server.url)).code, 2, 'a run that is there is not overwritten');
    const resumed = await safenote(['run', ...choice, '--max-tokens', '400', '--resume'], server.url);
    assert.deepEqual([resumed.code, resumed.json['open']], [0, 0]);
    const keys = readFileSync(path.join(out, 'answers.jsonl'), 'utf8').split('\n').filter(Boolean).map((line) => (JSON.parse(line) as { key: string }).key);
    assert.equal(new Set(keys).size, keys.length, 'nothing was asked twice');
    assert.equal(server.requests.length, keys.length);
    assert.ok(server.requests.every((r) => r.temperature === 0.2 && r.maxTokens === 400 || /warning/.test(r.messages[0]?.content ?? '')));
    assert.match(resumed.stderr, /of 12 .*SecurePass@1/);

    const replayed = await safenote(['run', '--replay', '--out', out], DOWN);
    assert.equal(replayed.code, 0, replayed.stderr);
    const main = (o: Ended) => (o.json['summary'] as { main: unknown }).main;
    assert.deepEqual(main(replayed), main(resumed));

    const compared = await safenote(['compare', out, path.join(out, 'replay')], DOWN);
    const rows = compared.json['rows'] as { difference: { mean: number }; clear: boolean }[];
    assert.ok(rows.length >= 9 && rows.every((r) => r.difference.mean === 0 && !r.clear));

    const settings = path.join(root, 'settings.json');
    writeFileSync(settings, '{"editor.tabSize": 2, "safenote.models": {"other": {"k": 4}}}');
    const tuned = await safenote(['tune', out, '--write', settings], DOWN);
    assert.equal(tuned.code, 0);
    assert.deepEqual(JSON.parse(readFileSync(settings, 'utf8')), { 'editor.tabSize': 2, 'safenote.models': { other: { k: 4 }, scripted: { k: 0, securityNotebook: true, functionNotebook: true } } }, 'of equal arms the one with fewer notes');
    writeFileSync(settings, '{ // mine\n}');
    assert.equal((await safenote(['tune', out, '--write', settings], DOWN)).code, 2);
    assert.equal(readFileSync(settings, 'utf8'), '{ // mine\n}', 'what is no plain JSON is left alone');

    const rebuilt = await safenote(['notebook', out, 'safenote', '--before', 'py-orders-by-city', '--to', path.join(root, 'book')], DOWN);
    assert.equal(rebuilt.json['notes'], 1);
  });

  it('goes on through prose, cut streams, refusals for the rate and server faults, and marks what has no program', async () => {
    const smoke = smokeAnswers();
    let n = 0;
    const server = await model((request, before) => {
      n++;
      if (n === 1) return { status: 429, code: 'rate_limit_exceeded', retryAfter: 0 };
      if (n === 3) return 'cut';
      if (n === 5) return { status: 500 };
      const said = smoke(request, before);
      return /def orders_by_city/.test(request.messages.at(-1)?.content ?? '') ? '%%% \u0000 no code at all' : said;
    });
    const ended = await safenote(['run', '--suite', 'folder', '--data', SMOKE, '--task', 'py-member-by-name', '--task', 'py-orders-by-city', '--modes', 'plain,reminder', '--out', path.join(root, 'rough')], server.url);
    assert.deepEqual([ended.code, ended.json['open']], [0, 0], ended.stderr);
    const { counts } = ended.json['summary'] as { counts: { noProgram: number; judged: number }[] };
    assert.deepEqual(counts.map((c) => [c.judged, c.noProgram]), [[1, 1], [1, 1]]);
  });

  it('measures repeated mistakes with and without notes', async () => {
    const server = await model(repeatAnswers());
    const ended = await safenote(['run', '--suite', 'repeat', '--data', REPEAT, '--task', 'py-ledger-reservations', '--modes', 'plain,safenote', '--arm', 'safenote function=off', '--out', path.join(root, 'repeat')], server.url);
    assert.equal(ended.code, 0, ended.stderr);
    const { repeat } = ended.json['summary'] as { repeat: { arm: string; firstTask: { mean: number }; firstAnswer: { mean: number } }[] };
    // The model writes what is obvious unless a note is in the prompt.
    assert.deepEqual(repeat.map((r) => [r.arm, r.firstTask.mean, r.firstAnswer.mean]), [['plain', 1, 1], ['safenote', 1, 0], ['safenote function=off', 1, 1]]);
  });

  it('says what is wrong with what was asked', async () => {
    const says = async (args: readonly string[], what: RegExp) => {
      const { code, json } = await safenote(args, DOWN);
      const { message, hint } = json['error'] as { message: string; hint: string };
      assert.equal(code, 2);
      assert.match(message, what);
      assert.ok(hint);
    };
    await says(['run', '--suite', 'folder', '--data', SMOKE, '--modes', 'best'], /"best" is no arm/);
    await says(['run', '--suite', 'folder', '--data', root], /no tasks|No task/);
    await says(['run', '--suite', 'folder', '--data', SMOKE, '--samples', 'many'], /--samples must be/);
    await says(['run', '--suite', 'folder', '--data', SMOKE, '--set', 'colour=red'], /no setting "colour"/);
    await says(['run', '--suite', 'folder', '--data', SMOKE, '--cwe', 'CWE-1'], /No task of the suite fits/);
    await says(['run', '--replay', '--out', path.join(root, 'nothing')], /There is no run/);
    await says(['report', root], /There is no run/);
    await says(['suites', 'cweval'], /needs its data/);
  });
});
