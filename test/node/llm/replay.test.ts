import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import { isCancelled } from '../../../src/core/errors.ts';
import { ModelError } from '../../../src/core/llm/model.ts';
import type { ChatMessage } from '../../../src/core/llm/model.ts';
import { extractCode } from '../../../src/core/prompting/extract-code.ts';
import { documentWithMarker } from '../../../src/core/prompting/marker.ts';
import { fence, fillTemplate } from '../../../src/core/prompting/template.ts';
import type { Prompts } from '../../../src/core/prompting/template.ts';
import { AnalysisWorker } from '../../../src/node/analysis/client.ts';
import { listModels } from '../../../src/node/llm/endpoint.ts';
import { OpenAiModel } from '../../../src/node/llm/openai-model.ts';
import { loadConversations } from '../../model/conversation.ts';
import type { Answer, Conversation, Task } from '../../model/conversation.ts';
import { placeOfTask } from '../../model/places.ts';
import { OPENINGS, RETRY_OPENING, replay } from '../../model/replay.ts';
import { startReplayModel } from '../../model/server.ts';
import type { ReplayServer } from '../../model/server.ts';

const ROOT = process.cwd();
const EXAMPLES = path.join(ROOT, 'examples');
const FOLDER = path.join(ROOT, 'test/model/conversations');
const conversations = loadConversations(FOLDER);
const all = conversations.flatMap((conversation) => conversation.tasks.map((task) => ({ conversation, task })));
const prompts: Prompts = Object.fromEntries(
  readdirSync(path.join(ROOT, 'prompts')).filter((name) => name.endsWith('.md')).map((name) => [name.replace(/\.md$/, ''), readFileSync(path.join(ROOT, 'prompts', name), 'utf8')]),
);
const signal = new AbortController().signal;

function completionPrompt(conversation: Conversation, task: Task, notes = '', template = 'secure-code-generation'): ChatMessage[] {
  const place = placeOfTask(task, EXAMPLES);
  const document = { path: task.file, language: conversation.language, text: place.text };
  const code = fence(documentWithMarker(document, { start: place.offset, end: place.offset }, 6000), conversation.language);
  return fillTemplate(prompts, template, { language: conversation.language, path: task.file, knowledge: '', securityNotes: notes, functionNotes: '', outlines: '', code, task: '' });
}

function retryPrompt(conversation: Conversation, task: Task): ChatMessage[] {
  const followUp = fillTemplate(prompts, 'retry', { language: conversation.language, diagnosis: 'CWE-0: it failed', guidance: '', definitions: '' });
  return [...completionPrompt(conversation, task), { role: 'assistant', content: 'the failing code' }, ...followUp];
}

function warningPrompt(conversation: Conversation, task: Task): ChatMessage[] {
  const failing = task.answers.find((a) => a.kind === 'completion' && a.verdict === 'fail')!;
  return fillTemplate(prompts, 'security-warning', {
    language: conversation.language,
    weakness: 'CWE-0',
    task: fence('a task', 'text'),
    code: fence(`${task.given}${failing.code}${task.closing}`, conversation.language),
    diagnosis: 'it failed',
    definitions: '',
  });
}

/** The file with an answer at its place. */
function completed(task: Task, answer: Answer): string {
  const { text, offset, column } = placeOfTask(task, EXAMPLES);
  const indent = text.slice(offset - (column - 1), offset);
  const code = (answer.code ?? '').trimEnd().split('\n').map((line) => (line ? indent + line : line)).join('\n').slice(indent.length);
  const whole = text.slice(0, offset) + code + text.slice(offset);
  return answer.imports ? whole.replace("'use strict';\n", `'use strict';\n\n${answer.imports}\n`) : whole;
}

describe('the replay model', () => {
  describe('its recordings', () => {
    it('hold at least six pairs of tasks, in Python, JavaScript and C', () => {
      assert.ok(conversations.length >= 6);
      assert.deepEqual([...new Set(conversations.map((c) => c.language))].sort(), ['c', 'javascript', 'python']);
      assert.ok(conversations.some((c) => c.title.includes('CWE-117')));
      assert.equal(new Set(all.map(({ task }) => task.name)).size, all.length);
    });

    it('have one task whose retry fails too', () => {
      assert.ok(all.some(({ task }) => task.answers.some((a) => a.kind === 'retry' && a.verdict === 'fail')));
    });

    it('are refused where they are not valid, by name', () => {
      const folder = mkdtempSync(path.join(tmpdir(), 'safenote-replay-'));
      try {
        writeFileSync(path.join(folder, 'broken.yml'), 'title: x\nlanguage: klingon\n');
        assert.throws(() => loadConversations(folder), /broken\.yml/);
      } finally {
        rmSync(folder, { recursive: true, force: true });
      }
    });

    for (const conversation of conversations) {
      describe(conversation.title, () => {
        it('says its lesson in the warning, on one line, and nowhere else', () => {
          assert.ok(conversation.warning.split('\n').some((line) => line.includes(conversation.lesson)));
          const elsewhere = [...Object.values(prompts), ...conversation.tasks.flatMap((t) => [t.given, readFileSync(path.join(EXAMPLES, t.file), 'utf8'), ...t.answers.map((a) => a.code ?? '')])];
          for (const other of conversations) if (other !== conversation) elsewhere.push(other.warning);
          for (const file of readdirSync(path.join(ROOT, 'knowledge'), { recursive: true, withFileTypes: true })) {
            if (file.isFile()) elsewhere.push(readFileSync(path.join(file.parentPath, file.name), 'utf8'));
          }
          assert.ok(elsewhere.every((text) => !text.includes(conversation.lesson)));
          assert.ok(conversation.warning.split(/\s+/).length <= 130, 'the prompt allows 130 words');
        });

        for (const task of conversation.tasks) {
          it(`${task.name}: has an answer to every request of its life`, () => {
            const kinds = task.answers.map((a) => `${a.kind}${a.whenPromptHas ? ' with note' : ''}`);
            assert.deepEqual(kinds, ['completion with note', 'completion', 'retry', 'security-warning', 'verified-fix']);
            const [withNote, without] = task.answers;
            assert.deepEqual(withNote?.whenPromptHas, [conversation.lesson]);
            assert.deepEqual([withNote?.verdict, without?.verdict], ['pass', 'fail']);
            assert.equal(task.answers.find((a) => a.kind === 'security-warning')?.text, conversation.warning);
            assert.notEqual(withNote?.code, without?.code);
          });

          it(`${task.name}: stands open in its file`, () => {
            const place = placeOfTask(task, EXAMPLES);
            assert.ok(place.column > 1);
          });

          it(`${task.name}: fails without the note and succeeds with it`, () => {
            const bad = replay(conversations, completionPrompt(conversation, task));
            assert.equal(bad?.answer.verdict, 'fail');
            assert.equal(replay(conversations, completionPrompt(conversation, task, '', 'plain-code-generation'))?.answer.verdict, 'fail');
            const good = replay(conversations, completionPrompt(conversation, task, `> ${conversation.warning.split('\n').join('\n> ')}`));
            assert.equal(good?.answer.verdict, 'pass');
            assert.equal(good?.task.name, task.name);
            const other = conversations.find((c) => c !== conversation)!;
            assert.equal(replay(conversations, completionPrompt(conversation, task, other.warning))?.answer.verdict, 'fail', 'another note does not help');
          });

          it(`${task.name}: its reply is one code block, laid out for its place`, () => {
            const { reply, answer } = replay(conversations, completionPrompt(conversation, task))!;
            const code = extractCode(reply, conversation.language);
            assert.ok(code.startsWith(' '));
            assert.equal(code.replace(/\s+/g, ''), (answer.code ?? '').replace(/\s+/g, ''));
          });

          it(`${task.name}: is known in a retry, a warning and a fix`, () => {
            assert.equal(replay(conversations, retryPrompt(conversation, task))?.kind, 'retry');
            const warning = replay(conversations, warningPrompt(conversation, task));
            assert.deepEqual([warning?.kind, warning?.task.name, warning?.reply], ['security-warning', task.name, conversation.warning.trimEnd()]);
            const failing = task.answers.find((a) => a.verdict === 'fail')!;
            const file = completed(task, failing);
            const at = file.indexOf(task.given.replace(/^\s*\/\*[\s\S]*?\*\/\s*/, '').split('\n')[0]!);
            const fix = fillTemplate(prompts, 'verified-fix', {
              language: conversation.language,
              path: task.file,
              weakness: 'CWE-0',
              diagnosis: 'x',
              guidance: '',
              secure: '',
              code: fence(`${file.slice(0, at)}<<<BEGIN>>>\n${file.slice(at).replace(/\n(?=\nmodule)|\n$/, '\n<<<END>>>')}`, conversation.language),
            });
            const fixed = replay(conversations, fix);
            assert.equal(fixed?.kind, 'verified-fix');
            assert.ok(extractCode(fixed!.reply, conversation.language).includes((fixed!.answer.code ?? '').trim().split('\n')[0]!));
          });
        }
      });
    }

    it('know the prompts by their first sentences', () => {
      for (const [opening, kind] of OPENINGS) {
        const names = Object.keys(prompts).filter((name) => prompts[name]!.includes(`# system\n${opening}`));
        assert.ok(names.length > 0, `no prompt begins with "${opening}"`);
        if (kind !== 'completion') assert.deepEqual(names, [kind]);
      }
      assert.ok(prompts['retry']!.includes(RETRY_OPENING));
    });

    it('give no answer at another place of the same file, or once something was typed', () => {
      const { conversation, task } = all[0]!;
      const [system, user] = completionPrompt(conversation, task);
      const typed = { ...user!, content: user!.content.replace('<<<COMPLETE HERE>>>', 'return 1\n    <<<COMPLETE HERE>>>') };
      assert.equal(replay(conversations, [system!, typed]), undefined);
    });
  });

  describe('its verdicts hold', () => {
    let worker: AnalysisWorker;
    before(function () {
      if (!existsSync(path.join(ROOT, 'dist/analysis-worker.js'))) this.skip();
      worker = new AnalysisWorker({ assetsRoot: path.join(ROOT, 'dist') });
    });
    after(() => worker?.dispose());

    for (const { conversation, task } of all) {
      it(`${task.name}: the built-in rules see what fails, and nothing in what passes`, async () => {
        const open = await worker.scan({ path: task.file, language: conversation.language, text: placeOfTask(task, EXAMPLES).text }, signal);
        assert.deepEqual(open.findings.map((f) => f.ruleId), [], 'the example itself is clean');
        for (const answer of task.answers.filter((a) => a.verdict)) {
          const text = completed(task, answer);
          const { findings } = await worker.scan({ path: task.file, language: conversation.language, text }, signal);
          assert.equal(findings.length > 0 ? 'fail' : 'pass', answer.verdict, `${answer.kind}: ${findings.map((f) => f.ruleId).join(', ')}\n${answer.code}`);
          const { errors } = await worker.outline({ path: task.file, language: conversation.language, text }, signal);
          assert.deepEqual(errors, []);
        }
      });
    }
  });

  it('Semgrep too finds nothing in what passes, nor in the examples themselves', async function () {
    const semgrep = path.join(ROOT, '.venv/bin/semgrep');
    const rules = path.join(ROOT, 'dist/rules/semgrep.yml');
    if (!existsSync(semgrep) || !existsSync(rules)) return this.skip();
    const folder = mkdtempSync(path.join(tmpdir(), 'safenote-replay-'));
    try {
      for (const { task } of all) {
        for (const [at, answer] of task.answers.entries()) {
          if (answer.verdict === 'pass') writeFileSync(path.join(folder, `${task.name}-${at}${path.extname(task.file)}`), completed(task, answer));
        }
        writeFileSync(path.join(folder, path.basename(task.file)), placeOfTask(task, EXAMPLES).text);
      }
      // A rule that Semgrep cannot read makes its exit code 2; that is for the rules' own tests.
      const keepOutput = (error: { stdout?: string }) => ({ stdout: error.stdout ?? '' });
      const { stdout } = await promisify(execFile)(semgrep, ['scan', '--experimental', '--config', rules, '--metrics', 'off', '--disable-version-check', '--json', folder], { maxBuffer: 64 * 1024 * 1024, env: { ...process.env, HOME: folder } }).catch(keepOutput);
      const { results, paths } = JSON.parse(stdout) as { results: { check_id: string; path: string }[]; paths: { scanned: string[] } };
      assert.ok(paths.scanned.length >= 2 * all.length);
      assert.deepEqual(results.map((r) => `${path.basename(r.path)}: ${r.check_id}`), []);
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  }).timeout(60_000);

  describe('as a server', () => {
    let server: ReplayServer;
    before(async () => {
      server = await startReplayModel();
    });
    after(() => server.close());

    it('lists one model, replay', async () => {
      assert.deepEqual(await listModels({ baseUrl: server.url }, { signal }), ['replay']);
    });

    it('answers streamed, and says what it is', async () => {
      const { conversation, task } = all[0]!;
      const messages = completionPrompt(conversation, task);
      const pieces: string[] = [];
      const model = new OpenAiModel({ endpoint: { baseUrl: server.url }, model: 'replay' });
      const reply = await model.generate({ purpose: 'completion', messages, temperature: 0.2 }, { signal, onText: (piece) => pieces.push(piece) });
      assert.equal(reply.model, 'replay');
      assert.equal(model.origin, 'replay');
      assert.ok(pieces.length > 1);
      assert.equal(reply.text, replay(conversations, messages)?.reply);
      assert.ok(reply.tokens.prompt > 100);
      assert.deepEqual({ ...server.requests.at(-1), messages: [] }, { kind: 'completion', task: task.name, conditional: false, messages: [] });
    });

    it('answers whole where streaming was not asked for', async () => {
      const { conversation, task } = all[1]!;
      const messages = completionPrompt(conversation, task);
      const response = await fetch(`${server.url}/chat/completions`, { method: 'POST', body: JSON.stringify({ model: 'replay', messages }) });
      const body = (await response.json()) as { choices: { message: { content: string } }[] };
      assert.equal(body.choices[0]?.message.content, replay(conversations, messages)?.reply);
    });

    it('refuses what it has no recording of', async () => {
      const model = new OpenAiModel({ endpoint: { baseUrl: server.url }, model: 'replay' });
      await assert.rejects(model.generate({ purpose: 'completion', messages: [{ role: 'user', content: 'Write me a poem.' }] }, { signal }), (error: unknown) => error instanceof ModelError && /no recording/.test(error.message));
    });

    it('refuses other models, paths and bodies', async () => {
      const post = (body: string, where = '/chat/completions'): Promise<Response> => fetch(`${server.url}${where}`, { method: 'POST', body });
      assert.equal((await post(JSON.stringify({ model: 'gpt', messages: [{ role: 'user', content: 'x' }] }))).status, 404);
      assert.equal((await post('{')).status, 400);
      assert.equal((await post('{}', '/embeddings')).status, 404);
    });

    it('can be slow, and is cancelled at once', async () => {
      const slow = await startReplayModel({ delayMs: 30_000 });
      try {
        const { conversation, task } = all[0]!;
        const model = new OpenAiModel({ endpoint: { baseUrl: slow.url }, model: 'replay' });
        await assert.rejects(model.generate({ purpose: 'completion', messages: completionPrompt(conversation, task) }, { signal: AbortSignal.timeout(100) }), isCancelled);
      } finally {
        await slow.close();
      }
    });
  });

  it('the README of the examples names every place', () => {
    const readme = readFileSync(path.join(EXAMPLES, 'README.md'), 'utf8');
    for (const { task } of all) {
      const { line, column } = placeOfTask(task, EXAMPLES);
      assert.ok(readme.includes(`\`${task.file}\` | ${line} | ${column} |`), `${task.file} ${line} ${column}`);
    }
  });
}).timeout(20_000);
