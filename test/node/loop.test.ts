import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { cp, mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { CompletionOutcome, Mode } from '../../src/core/completion/types.ts';
import { SILENT } from '../../src/core/log.ts';
import { DEFAULT_SETTINGS } from '../../src/core/settings.ts';
import { applyEdits } from '../../src/core/source.ts';
import { App } from '../../src/node/app.ts';
import { OpenAiModel } from '../../src/node/llm/openai-model.ts';
import { loadConversations } from '../model/conversation.ts';
import type { Conversation, Task } from '../model/conversation.ts';
import { placeOfTask } from '../model/places.ts';
import { startReplayModel } from '../model/server.ts';
import type { ReplayServer } from '../model/server.ts';

const ROOT = process.cwd();
const conversations = loadConversations(path.join(ROOT, 'test/model/conversations'));

/** One workspace with the examples, and everything that belongs to it. */
class Workspace {
  readonly folder: string;
  readonly app: App;
  private readonly home: string;

  private constructor(folder: string, home: string, url: string) {
    this.folder = folder;
    this.home = home;
    const model = new OpenAiModel({ endpoint: { baseUrl: url }, model: 'replay' });
    this.app = new App({
      assetsRoot: path.join(ROOT, 'dist'),
      workspaceFolder: folder,
      // The built-in rules alone decide here, so that a slow machine changes nothing.
      settings: () => ({ ...DEFAULT_SETTINGS, 'verify.deadlineMs': 60_000 }),
      trusted: () => true,
      model: () => Promise.resolve(model),
      log: SILENT,
      semgrepWarm: false,
      env: { ...process.env, SAFENOTE_HOME: home, SAFENOTE_SEMGREP: path.join(home, 'no-semgrep-here') },
    });
  }

  static async open(url: string): Promise<Workspace> {
    const base = await mkdtemp(path.join(tmpdir(), 'safenote-loop-'));
    const folder = path.join(base, 'workspace');
    await cp(path.join(ROOT, 'examples'), folder, { recursive: true });
    return new Workspace(folder, path.join(base, 'home'), url);
  }

  async complete(conversation: Conversation, task: Task, mode: Mode = 'safenote'): Promise<CompletionOutcome> {
    const place = placeOfTask(task, this.folder);
    const document = { path: place.file, language: conversation.language, text: place.text };
    const outcome = await this.app.engine.complete({ document, offset: place.offset, mode }, { signal: new AbortController().signal });
    await outcome.settled;
    return outcome;
  }

  async close(): Promise<void> {
    await this.app.dispose();
    await rm(path.dirname(this.home), { recursive: true, force: true });
  }
}

function resultOf(outcome: CompletionOutcome): string {
  const { text } = outcome.request.document;
  return squeeze(applyEdits(text, [outcome.edit, ...outcome.importEdits]));
}

function squeeze(text: string): string {
  return text.replace(/\s+/g, '');
}

describe('the loop: a task fails, a note is made, a similar task succeeds', () => {
  let server: ReplayServer;

  before(async function () {
    if (!existsSync(path.join(ROOT, 'dist/analysis-worker.js'))) this.skip();
    server = await startReplayModel();
  });
  after(() => server?.close());

  // Both ways, each in one workspace: the right note has to be found among those of the other pairs.
  for (const backwards of [false, true]) {
    describe(backwards ? 'from the second task of a pair to the first' : 'from the first task of a pair to the second', () => {
      let workspace: Workspace;
      before(async function () {
        if (!server) this.skip();
        workspace = await Workspace.open(server.url);
      });
      after(() => workspace?.close());

      for (const conversation of conversations) {
        const [a, b] = (backwards ? conversation.tasks.toReversed() : conversation.tasks) as [Task, Task];
        describe(`${conversation.title}: ${a.name}, then ${b.name}`, () => {
          const learnedIds: string[] = [];

          it('without a note both fail, whatever the mode', async () => {
            for (const task of [a, b]) {
              for (const mode of ['plain', 'rescue'] as const) {
                const outcome = await workspace.complete(conversation, task, mode);
                assert.equal(outcome.verdict.security.status, 'fail', `${task.name} in mode ${mode}`);
                assert.deepEqual(await outcome.learned, []);
              }
            }
          });

          it('the first answer fails, is retried, and becomes a note with the model\'s warning', async () => {
            const outcome = await workspace.complete(conversation, a);
            const retry = a.answers.find((answer) => answer.kind === 'retry')!;
            assert.equal(outcome.attempts, 2);
            assert.equal(outcome.history[0]?.verdict.security.status, 'fail');
            assert.equal(outcome.verdict.security.status, retry.verdict);
            assert.equal(outcome.model, 'replay');
            learnedIds.push(...(await outcome.learned).map((n) => n.id));
            const { notes } = await workspace.app.store.load();
            const stored = notes.find((n) => n.note.id === learnedIds[0])!;
            assert.equal(stored.note.guidance, conversation.warning.trim());
            assert.equal(stored.quarantined, false);
            assert.equal(stored.note.frequency, retry.verdict === 'pass' ? 1 : 2, 'the same mistake made twice is one note');
            assert.equal(learnedIds.length, 1);
            assert.equal(stored.note.secureExample !== undefined, retry.verdict === 'pass', 'a retry that passed is the secure example');
            assert.ok((await readFile(stored.file, 'utf8')).includes(conversation.lesson));
          });

          it('the similar task comes out right at the first try, because the note was in its prompt', async () => {
            const outcome = await workspace.complete(conversation, b);
            assert.deepEqual(outcome.context.securityNotes.map((n) => learnedIds.includes(n.item.note.id)), [true], `the note is retrieved; remarks: ${outcome.remarks.join(' ')}`);
            assert.ok(outcome.messages.some((m) => m.content.includes(conversation.lesson)));
            assert.equal(outcome.attempts, 1);
            assert.equal(outcome.verdict.security.status, 'pass');
            const { text, offset } = placeOfTask(b, workspace.folder);
            const good = b.answers.find((answer) => answer.kind === 'completion' && answer.verdict === 'pass')!;
            const expected = squeeze(`${text.slice(0, offset)}${good.code}${text.slice(offset)}`);
            assert.equal(resultOf(outcome), good.imports ? expected.replace("'usestrict';", `'usestrict';${squeeze(good.imports)}`) : expected);
            assert.deepEqual(await outcome.learned, []);
            assert.equal(server.requests.at(-1)?.conditional, true);
          });

          it('a muted note helps nobody', async () => {
            for (const id of learnedIds) await workspace.app.store.modify(id, (n) => ({ ...n, status: 'muted' }));
            const outcome = await workspace.complete(conversation, b);
            assert.equal(outcome.history[0]?.verdict.security.status, 'fail');
            assert.equal(outcome.attempts, 2);
            await outcome.learned;
          });
        });
      }
    }).timeout(60_000);
  }

  describe('a failing answer that was accepted', () => {
    let workspace: Workspace;
    before(async function () {
      if (!server) this.skip();
      workspace = await Workspace.open(server.url);
    });
    after(() => workspace?.close());

    for (const name of ['find-products', 'greeting', 'print-heading', 'new-label']) {
      it(`can be replaced by a proved fix: ${name}`, async () => {
        const conversation = conversations.find((c) => c.tasks.some((t) => t.name === name))!;
        const task = conversation.tasks.find((t) => t.name === name)!;
        const outcome = await workspace.complete(conversation, task, 'rescue');
        const before = { ...outcome.request.document, text: applyEdits(outcome.request.document.text, [outcome.edit, ...outcome.importEdits]) };
        const { signal } = new AbortController();
        const found = await workspace.app.verifier.verifyDocument(before, { signal });
        assert.equal(found.status, 'fail');
        const proposed = await workspace.app.fixer.propose(before, found.findings[0]!, { signal });
        assert.ok(!('none' in proposed), 'none' in proposed ? proposed.none : '');
        assert.equal(proposed.verdict.status, 'pass');
        const after = await workspace.app.verifier.verifyDocument({ ...before, text: applyEdits(before.text, [...proposed.edits]) }, { signal });
        assert.deepEqual(after.findings, []);
      });
    }
  }).timeout(60_000);
});
