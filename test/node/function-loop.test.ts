import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { cp, mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { CompletionOutcome } from '../../src/core/completion/types.ts';
import { SILENT } from '../../src/core/log.ts';
import { DEFAULT_SETTINGS } from '../../src/core/settings.ts';
import { App } from '../../src/node/app.ts';
import { OpenAiModel } from '../../src/node/llm/openai-model.ts';
import { Sandbox } from '../../src/node/sandbox/box.ts';
import { type Conversation, loadConversations, type Task } from '../model/conversation.ts';
import { placeOfTask } from '../model/places.ts';
import { type ReplayServer, startReplayModel } from '../model/server.ts';

const ROOT = process.cwd();
const conversations = loadConversations(path.join(ROOT, 'test/model/conversations/function'));
const { signal } = new AbortController();

describe('the loop of tests: an accepted answer fails its test, a note is made, a similar task succeeds', function () {
  this.timeout(120_000);
  let server: ReplayServer | undefined;
  let base: string;
  let app: App;

  before(async function () {
    const sandbox = await new Sandbox().state();
    if (!sandbox.available || !existsSync(path.join(ROOT, 'dist/analysis-worker.js'))) this.skip();
    server = await startReplayModel();
    base = await mkdtemp(path.join(tmpdir(), 'safenote-function-loop-'));
    const workspaceFolder = path.join(base, 'workspace');
    await cp(path.join(ROOT, 'examples'), workspaceFolder, { recursive: true });
    const model = new OpenAiModel({ endpoint: { baseUrl: server.url }, model: 'replay' });
    app = new App({
      assetsRoot: path.join(ROOT, 'dist'), workspaceFolder, settings: () => ({ ...DEFAULT_SETTINGS, 'verify.deadlineMs': 60_000 }), trusted: () => true, model: () => Promise.resolve(model), log: SILENT, semgrepWarm: false,
      env: { ...process.env, SAFENOTE_HOME: path.join(base, 'home'), SAFENOTE_SEMGREP: path.join(base, 'no-semgrep-here') },
    });
  });
  after(async () => {
    await app?.dispose();
    await server?.close();
    if (base) await rm(base, { recursive: true, force: true });
  });

  async function complete(conversation: Conversation, task: Task, tests = false): Promise<CompletionOutcome> {
    const place = placeOfTask(task, app.workspaceFolder);
    return app.engine.complete({ document: { path: place.file, language: conversation.language, text: place.text }, offset: place.offset, mode: 'safenote' }, { signal, tests });
  }

  for (const conversation of conversations) {
    const [a, b] = conversation.tasks as [Task, Task];
    describe(conversation.title, () => {
      it('has recordings of every request of its life, and says its lesson nowhere else', async () => {
        for (const task of [a, b]) {
          assert.deepEqual(task.answers.map((answer) => `${answer.kind}${answer.whenPromptHas ? ' with note' : ''}`), ['completion with note', 'completion', 'retry', 'repair-suggestion']);
          assert.ok(!(await readFile(path.join(ROOT, 'examples', task.file), 'utf8')).includes(conversation.lesson));
        }
        assert.ok(conversation.warning.includes(conversation.lesson));
      });

      it(`${a.name}: is harmless, is shown, and fails its test after acceptance`, async () => {
        const outcome = await complete(conversation, a);
        assert.deepEqual([outcome.verdict.security.status, outcome.attempts, outcome.verdict.function.status], ['pass', 1, 'unavailable']);
        const tested = await app.engine.test(outcome, { signal });
        assert.equal(tested.verdict.status, 'fail', tested.verdict.reason);
        const learned = await tested.learned;
        assert.deepEqual(learned.map((n) => [n.kind, n.action]), [['function', 'created']]);
        const stored = await app.store.get(learned[0]?.id ?? '');
        assert.equal(stored?.note.guidance, conversation.warning.trim());

        const request = server?.requests.findLast((r) => r.kind === 'repair-suggestion');
        assert.match(request?.messages.at(-1)?.content ?? '', /The definitions that the failing code depends on:/);
        assert.match(request?.messages.at(-1)?.content ?? '', /return EventLog\(|return String\(/, 'the contract itself is in the request');

        const again = await app.engine.retry({ ...outcome, learned: Promise.resolve(learned) }, { ...outcome.verdict, function: tested.verdict }, { signal, tests: true });
        assert.equal(again.verdict.function.status, 'pass');
        await again.learned;
        assert.match((await app.store.get(learned[0]?.id ?? ''))?.note.secureExample ?? '', /\S/, 'what worked is kept');
      });

      it(`${b.name}: comes out right at once, because the note is in its prompt`, async () => {
        const outcome = await complete(conversation, b);
        assert.ok(outcome.messages.some((m) => m.content.includes(conversation.lesson)), `not retrieved: ${JSON.stringify(outcome.looked.functionNotes.map((n) => [n.item.note.title, n.passesGate]))}`);
        const tested = await app.engine.test(outcome, { signal });
        assert.equal(tested.verdict.status, 'pass', tested.verdict.reason);
      });

      it(`${b.name}: fails without the note, and its retry before display passes`, async () => {
        for (const { note } of (await app.store.load()).notes) await app.store.modify(note.id, (n) => ({ ...n, status: 'muted' }));
        const outcome = await complete(conversation, b, true);
        assert.deepEqual([outcome.history[0]?.verdict.function.status, outcome.attempts, outcome.verdict.function.status], ['fail', 2, 'pass']);
        await outcome.learned;
      });
    });
  }
});
